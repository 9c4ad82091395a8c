// Files of other supervisors, converted by the command and run: programs with their environment, groups, respawns, logs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { bootSystem, type System } from "../support/harness.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { makeTree, type Tree } from "../systemd-compat/trees.js";

/** A system that runs what the command prints of a file. */
async function bootConverted(
  context: TestContext,
  file: string,
  tree: Tree,
): Promise<{ readonly system: System; readonly directory: string }> {
  const directory = makeTree(context, tree);
  const { status, stdout, stderr } = await run(
    join(project.bin, "shepherd"),
    ["system", "convert", join(directory, file)],
    { env: { PATH: process.env.PATH, SHEPHERD_NODE: process.execPath } },
  );
  assert.deepEqual([status, stderr], [0, ""]);
  return {
    system: await bootSystem(context, { config: stdout, env: { GREETING: "hello world" } }),
    directory,
  };
}

test("a supervisord.conf: processes, groups, exit codes and log files", async (t) => {
  const { system, directory } = await bootConverted(t, "supervisord.conf", {
    "supervisord.conf": `[supervisord]
nodaemon=true
[program:worker]
command=sh -c 'echo $WHO %(ENV_GREETING)s; exec sleep 1000'
environment=WHO="worker %(process_num)d"
process_name=%(program_name)s-%(process_num)d
numprocs=2
stdout_logfile=%(here)s/%(process_num)d.log
[program:once]
command=sh -c 'exit 2'
exitcodes=0,2
priority=1
[program:again]
command=sh -c 'test -e %(here)s/second && exec sleep 1000; touch %(here)s/second; exit 1'
`,
  });
  for (const name of ["worker", "worker-0", "worker:worker-1", "again"])
    await system.untilStatus(name, "running");
  await system.untilStatus("once", "stopped");
  const log = await system.waitFor("it has written", () => {
    const text = readFileSync(join(directory, "1.log"), "utf8");
    return text !== "" && text;
  });
  assert.match(log, /worker 1 hello world\n$/);
  await system.ok("stop", "worker");
  for (const name of ["worker-0", "worker-1"]) await system.untilStatus(name, "stopped");
  await system.ok("start", "worker");
  for (const name of ["worker-0", "worker-1"]) await system.untilStatus(name, "running");
});

test("a Procfile: a port for each, variables, a shell where one is needed", async (t) => {
  const { system, directory } = await bootConverted(t, "Procfile", {
    Procfile: "web: echo $NAME on $PORT > web; exec sleep 1000\nworker: sleep 1000\nlast: sh ./last\n",
    ".env": 'NAME="a b"\n',
    last: "echo $PORT $PS > out\nexec sleep 1000\n",
  });
  for (const name of ["web", "worker", "last"]) await system.untilStatus(name, "running");
  const written = (file: string) =>
    system.waitFor(`${file} is written`, () => {
      const text = readFileSync(join(directory, file), { encoding: "utf8", flag: "a+" });
      return text.endsWith("\n") && text;
    });
  assert.equal(await written("web"), "a b on 5000\n");
  assert.equal(await written("out"), "5200 last.1\n");
});

test("an ecosystem file: a program of Node in two instances", async (t) => {
  const { system, directory } = await bootConverted(t, "ecosystem.config.cjs", {
    "ecosystem.config.cjs": `module.exports = { apps: [{
  name: "app", script: "app.js", args: ["one two"], instances: 2, exec_mode: "cluster", env: { A: 1 },
}] };`,
    "app.js": `const { writeFileSync } = require("node:fs");
const { A, NODE_APP_INSTANCE } = process.env;
writeFileSync(NODE_APP_INSTANCE, [A, process.argv[2], process.cwd() === __dirname].join(",") + "\\n");
setInterval(() => undefined, 100000);
`,
  });
  for (const name of ["app", "app-0", "app-1"]) await system.untilStatus(name, "running");
  const text = await system.waitFor("it has written", () => {
    const found = readFileSync(join(directory, "1"), { encoding: "utf8", flag: "a+" });
    return found.endsWith("\n") && found;
  });
  assert.equal(text, "1,one two,true\n");
});
