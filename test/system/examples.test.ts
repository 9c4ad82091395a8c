// The examples: what `npm start` boots, the script that boots it, and the container whose end is its main program's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { configuration } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";

const example = (name: string): string => readFileSync(join(project.examples, name), "utf8");

it("examples/system.ts: the services live, and their actions work", async (t) => {
  const system = await bootSystem(t, {
    config: example("system.ts").replaceAll("/tmp/shepherd-example", "{directory}/example"),
  });
  for (const name of ["clock", "web", "worker", "greeter"]) await system.untilStatus(name, "running");
  assert.equal(await system.ok("greet", "greeter", "Ada"), "Hello, Ada!\n");
  const address = await system.waitFor("the server listens", async () => {
    const { status, stdout } = await system.herd("address", "web");
    return status === 0 && stdout.trim();
  });
  assert.match(await (await fetch(address)).text(), /^Hello from a service of process \d+\.$/m);
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
});

it("examples/container.ts: its exit code is the main program's", async (t) => {
  const system = await bootSystem(t, {
    config: example("container.ts").replaceAll("/tmp/app", "{directory}/app").replace("sleep 5", "sleep 1"),
    ready: "started",
  });
  assert.deepEqual(await system.waitForEnd(), { code: 3, signal: null });
});

for (const name of ["tor", "nginx", "redis", "syslogd"]) {
  it(`examples/${name}.ts is a good configuration`, async (t) => {
    // Loaded for its services' sake, which are looked at and not started.
    const system = await bootSystem(t, {
      config: configuration(
        [],
        `import example from "${join(project.examples, name)}.ts";\nconsole.log(example.services.map(({ provision }) => provision[0]).join(" "));`,
      ),
    });
    await system.waitForLog(new RegExp(`\\b${name}\\b`));
    assert.doesNotMatch(system.log(), /error/);
  });
}

it("scripts/start.sh says what to type, and ctrl-C ends it without a trace", async (t) => {
  // In a process group of its own, which gets what a terminal would send.
  const child = spawn("sh", [join(project.root, "scripts", "start.sh")], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid = 0 } = child;
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGKILL");
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const explain = (): string => output;
  const socket = await waitFor(
    "it names the socket",
    () => output.match(/SHEPHERD_SOCKET=(\S+)/)?.[1],
    explain,
  );
  const herd = (...args: string[]) => run(join(project.bin, "herd"), ["-s", socket, ...args]);
  await waitFor("the services are up", async () => / \+ web\n/.test((await herd("status")).stdout), explain);

  process.kill(-pid, "SIGINT");
  process.kill(-pid, "SIGINT");
  assert.equal(await ended, 0, output);
  assert.equal(existsSync(dirname(socket)), false);
});
