// herd's two ways in, the launcher and the client in Node, against one real daemon: they show the same, byte for byte.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { shellCommand } from "../../src/cli/shell-words.js";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { project } from "../support/project.js";
import { type Outcome, run } from "../support/run.js";

const launcher = join(project.dist, "native", "herd");
const client = join(project.dist, "herd.cjs");
const goesOn = "herd: the supervisor was restarted; it goes on with the request\n";

/** A client that cannot be run shows that the launcher did without it. */
const noClient = { SHEPHERD_NODE: "/nowhere" };
const plainEnvironment = { PATH: process.env.PATH, LANG: "C.UTF-8" };

interface Way {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}
const ways: readonly Way[] = [
  { name: "launcher", command: [launcher], env: noClient },
  { name: "client", command: [process.execPath, client], env: {} },
];

/** Without what differs from one moment, and one process, to the next. */
function settled({ status, stdout, stderr }: Outcome): Outcome {
  const text = stdout
    .replace(/\(\d+ seconds? ago\)/g, "(N seconds ago)")
    .replace(/(Main PID: |id: |\(id |"pid": )\d+/g, "$1N")
    .replace(/\b\d\d:\d\d:\d\d\b/g, "HH:MM:SS")
    .replace(/("(?:time|since|changed)": )[\d.]+/g, "$1N")
    .replace(/("id",\s*)\d+/g, "$1N")
    .replace(/\b1[78]\d{8}\b/g, "EPOCH")
    // The histories, which grow.
    .replace(/\{\s*"items": \[[^\]]*\],\s*"tail": EPOCH\s*\},?\s*/g, "")
    .replace(/(?:CPU|Memory|Tasks|cpu|memory|tasks|usage).*\n/g, "");
  return { status, stdout: text, stderr };
}

const slow = `service(["slow"], { autoStart: false, stop: makeKillDestructor(), start: ${shell(
  "until [ -e {directory}/go ]; do sleep 0.01; done; echo $$ > {directory}/slow.pid; exec sleep 1000000",
  '{ pidFile: "{directory}/slow.pid" }',
)} })`;

const action = (name: string, body: string) =>
  `{ name: "${name}", documentation: "Documentation of ${name}.", procedure: async (value, ...args) => { ${body} } }`;

const actor = `service(["actor"], { documentation: "Acts.", start: () => true, stop: () => false, actions: [
  ${action("say", 'console.log("one\\ntwo"); console.log("tab\\t esc \\x1b[31m nul \\0 ü 世界 \\ud800 end"); return true;')},
  ${action("echo", "return args;")},
  ${action("refuse", "return false;")},
  ${action("boom", 'throw new Error("out of\\norder");')},
  ${action("numbers", "return [1, -0, 1e300, 0.1, NaN, 2n ** 70n, [], null, undefined, { a: 1 }];")},
  ${action("many", 'for (let i = 0; i < Number(args[0]); i += 1) console.log("line " + i + " " + "x".repeat(Number(args[1] ?? 10))); return true;')},
  ${action(
    "yielding",
    'for (let i = 0; i < 5000; i += 1) { console.log("x".repeat(10_000)); if (i % 10 === 0) await new Promise((r) => setTimeout(r, 1)); } writeFileSync("{directory}/over", "\\n"); return "done";',
  )},
  ${action("large", 'return "y".repeat(Number(args[0]));')},
  ${action("hang", 'console.log("hangs"); await new Promise(() => {});')},
  ${action("exit", "process.exitCode = 7; return process.exitCode;")},
] })`;

const config = configuration(
  [
    sleeper("web", 'documentation: "Serves.\\nWell.", respawn: true'),
    sleeper("sub", 'requirement: ["web"]'),
    `service(["chatty"], { start: ${shell("echo hello; echo 'a\\033[1mb'; exec sleep 1000000", '{ logFile: "{directory}/chatty.log" }')}, stop: makeKillDestructor() })`,
    `service(["broken"], { autoStart: false, start: makeForkexecConstructor(["/nowhere/program"]), stop: makeKillDestructor() })`,
    `service(["once"], { autoStart: false, oneShot: true, start: () => true })`,
    `service(["thrower"], { autoStart: false, start: () => { console.log("about to"); throw new Error("no"); } })`,
    actor,
    slow,
  ],
  'import { writeFileSync } from "node:fs";',
);

/** Each is one way's turn: what it changes it changes back. */
const turns: readonly (readonly (readonly string[])[])[] = [
  [["status"]],
  [["status", "--json"]],
  [
    ["status", "web"],
    ["status", "web", "--json"],
    ["status", "-n", "1", "chatty"],
    ["-n0", "status", "chatty"],
  ],
  [
    ["status", "root"],
    ["status", "shepherd", "--json"],
  ],
  [
    ["status", "missing"],
    ["status", "missing", "--json"],
    ["start", "status"],
    ["root", "status"],
  ],
  [
    ["status", "web", "too", "many"],
    ["status", ""],
    ["enable", "web", "x"],
  ],
  [
    ["start", "web"],
    ["start", "web", "--json"],
    ["start", "once"],
    ["start", "once", "--json"],
  ],
  [
    ["start", "broken"],
    ["start", "broken", "--json"],
    ["status", "broken"],
    ["start", "thrower"],
  ],
  [
    ["stop", "web"],
    ["stop", "web"],
    ["status", "web"],
    ["start", "sub"],
    ["restart", "web"],
    ["start", "sub"],
  ],
  [
    ["stop", "web", "--json"],
    ["restart", "web", "--json"],
    ["start", "sub", "--json"],
  ],
  [
    ["disable", "web"],
    ["status", "web"],
    ["start", "web"],
    ["stop", "web"],
    ["start", "web"],
    ["enable", "web"],
    ["start", "sub"],
  ],
  [
    ["doc", "web"],
    ["doc", "actor", "list-actions"],
    ["doc", "actor", "action", "echo"],
    ["doc", "actor", "action", "none"],
    ["doc", "actor", "action"],
    ["doc", "x"],
    ["doc", "root"],
    ["doc", "root", "list-actions"],
    ["doc", "web", "--json"],
  ],
  [
    ["say", "actor"],
    ["say", "actor", "--json"],
    ["echo", "actor", "a b", "", "ü\u{1f600}", "(", '"\\'],
    ["echo", "actor", "1", "--json"],
  ],
  [
    ["refuse", "actor"],
    ["boom", "actor"],
    ["boom", "actor", "--json"],
    ["numbers", "actor"],
    ["numbers", "actor", "--json"],
    ["none", "actor"],
  ],
  [
    ["many", "actor", "3000"],
    ["many", "actor", "3000", "--json"],
    ["large", "actor", "300000"],
    ["exit", "actor"],
  ],
  [
    ["stop", "actor"],
    ["start", "actor"],
  ],
];

/** Like a terminal: what both print, in the order in which it comes. */
function onTerminal(
  way: Way,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<Outcome> {
  return run("script", ["-qec", shellCommand([...way.command, ...args]), "/dev/null"], {
    env: { ...env, ...way.env, SHELL: "/bin/sh" },
    cwd,
  });
}

describe("the launcher and the client", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, { config });
    await system.untilStatus("sub", "running");
    await system.waitForFile("chatty.log", /b\n/);
    await launcherServes(system);
  });
  after(() => scope.close());

  const herd = (way: Way, args: readonly string[], env: NodeJS.ProcessEnv = plainEnvironment) =>
    run(way.command[0] ?? "", [...way.command.slice(1), "-s", system.socket, ...args], {
      env: { ...env, ...way.env },
      cwd: system.directory,
    });

  for (const turn of turns) {
    it(turn.map((args) => args.join(" ").slice(0, 40)).join("; "), async () => {
      for (const env of [plainEnvironment, { ...plainEnvironment, LC_ALL: "C" }]) {
        const outcomes: Outcome[][] = [];
        for (const way of ways) {
          const mine: Outcome[] = [];
          for (const args of turn) mine.push(settled(await herd(way, args, env)));
          outcomes.push(mine);
        }
        assert.deepEqual(outcomes[0], outcomes[1]);
      }
    });
  }

  it("on a terminal, with and without colours", async () => {
    const commands = [
      ["status"],
      ["status", "chatty"],
      ["status", "broken"],
      ["say", "actor"],
      ["boom", "actor"],
      ["start", "broken"],
      ["start", "missing"],
    ];
    for (const env of [plainEnvironment, { ...plainEnvironment, NO_COLOR: "1" }])
      for (const args of commands) {
        const [one, other] = await Promise.all(
          ways.map(async (way) =>
            settled(await onTerminal(way, ["-s", system.socket, ...args], env, system.directory)),
          ),
        );
        assert.deepEqual(one, other, args.join(" "));
        assert.equal(
          (one?.stdout ?? "").includes("\u001b["),
          !("NO_COLOR" in env) && args[0] !== "say",
          args.join(" "),
        );
      }
  });

  it("another time zone is the client's, which shows times in it", async () => {
    const env = { ...plainEnvironment, TZ: "Asia/Kathmandu", SHEPHERD_NODE: process.execPath };
    const shown = await run(launcher, ["-s", system.socket, "status", "web"], { env });
    const expected = await run(process.execPath, [client, "-s", system.socket, "status", "web"], { env });
    assert.deepEqual(
      { ...shown, stdout: shown.stdout.replace(/\(.*ago\)/g, "") },
      { ...expected, stdout: expected.stdout.replace(/\(.*ago\)/g, "") },
    );
  });

  it("many at once are all answered", async () => {
    const env = { ...plainEnvironment, SHEPHERD_NODE: process.execPath };
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => run(launcher, ["-s", system.socket, "doc", "actor"], { env })),
    );
    for (const outcome of outcomes) assert.deepEqual(outcome, { status: 0, stdout: "Acts.\n", stderr: "" });
  });

  it("a client that sends nonsense, or nothing, disturbs nobody", async () => {
    const nonsense = [
      Buffer.from([255, 255, 255, 255]),
      Buffer.from([8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
      Buffer.from([0, 0, 0, 0]),
    ];
    for (const bytes of nonsense)
      await new Promise<void>((resolve) => {
        const socket = connect(`${system.socket}.herd`, () => socket.write(bytes));
        socket.on("error", () => undefined);
        socket.on("close", () => resolve());
        socket.resume();
      });
    const silent = Array.from({ length: 150 }, () =>
      connect(`${system.socket}.herd`).on("error", () => undefined),
    );
    const [way] = ways;
    assert.ok(way);
    assert.equal((await herd(way, ["doc", "actor"])).stdout, "Acts.\n");
    for (const socket of silent) socket.destroy();
  });
});

/** Waits until the launcher needs no client. */
async function launcherServes(system: System): Promise<void> {
  await system.waitFor("the launcher is served", async () => {
    const { status } = await run(launcher, ["-s", system.socket, "doc", "root"], { env: noClient });
    return status === 0;
  });
}

/** The launcher with a client behind it. */
function herd(system: System, ...args: readonly string[]): Promise<Outcome> {
  return run(launcher, ["-s", system.socket, ...args], {
    env: { ...plainEnvironment, SHEPHERD_NODE: process.execPath },
    cwd: system.directory,
  });
}

it("a daemon that dies during a start, and an action: the client takes the request over", async (t) => {
  const system = await bootSystem(t, { config });
  await launcherServes(system);
  const requests = [herd(system, "start", "slow"), herd(system, "start", "slow", "--json")];
  await system.untilStatus("slow", "starting");
  const hanging = spawn(launcher, ["-s", system.socket, "hang", "actor"], {
    env: { ...plainEnvironment, SHEPHERD_NODE: process.execPath },
  });
  let shown = "";
  let errors = "";
  hanging.stderr.on("data", (text) => {
    errors += String(text);
  });
  const ended = new Promise<number | null>((resolve) => hanging.once("close", resolve));
  await new Promise<void>((resolve) =>
    hanging.stdout.on("data", (text) => {
      shown += String(text);
      resolve();
    }),
  );
  await system.killDaemon();
  assert.equal(await ended, 1);
  assert.equal(shown, "hangs\n");
  assert.match(errors, /^herd: error: the supervisor was restarted .* is not repeated\n$/);
  writeFileSync(system.path("go"), "");
  const [text, json] = await Promise.all(requests);
  assert.deepEqual(text, { status: 0, stdout: "Service slow has been started.\n", stderr: goesOn });
  assert.equal(json?.stderr, goesOn);
  assert.deepEqual((JSON.parse(json?.stdout ?? "") as { messages: unknown }).messages, [
    "Service slow has been started.",
  ]);
});

it("a daemon that is stopped before it says hello, and then dies", async (t) => {
  const system = await bootSystem(t, { config });
  await launcherServes(system);
  const daemon = await system.waitFor("a daemon lives", () => system.daemon());
  process.kill(daemon, "SIGSTOP");
  const asking = herd(system, "doc", "actor");
  const isClient = (pid: number | undefined) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("herd.cjs");
  const started = spawn(launcher, ["-s", system.socket, "doc", "web"], {
    env: { ...plainEnvironment, SHEPHERD_NODE: process.execPath },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  started.stdout.on("data", (chunk) => {
    text += String(chunk);
  });
  const ended = new Promise((resolve) => started.once("close", resolve));
  await system.waitFor("the client was run", () => isClient(started.pid));
  process.kill(daemon, "SIGKILL");
  assert.equal(await ended, 0);
  assert.equal(text, "Serves.\nWell.\n");
  assert.deepEqual(await asking, { status: 0, stdout: "Acts.\n", stderr: "" });
  await launcherServes(system);
});

it("ctrl-C ends the launcher and not what it asked for", async (t) => {
  const system = await bootSystem(t, { config });
  await launcherServes(system);
  const child = spawn(launcher, ["-s", system.socket, "start", "slow"], { env: noClient });
  const ended = new Promise((resolve) => child.once("close", (code, signal) => resolve([code, signal])));
  await system.untilStatus("slow", "starting");
  child.kill("SIGINT");
  assert.deepEqual(await ended, [null, "SIGINT"]);
  writeFileSync(system.path("go"), "");
  await system.untilStatus("slow", "running");
});

it("a reader that is slow holds up nobody, and the daemon keeps no more than it may", async (t) => {
  const system = await bootSystem(t, { config });
  await launcherServes(system);
  const child = spawn(launcher, ["-s", system.socket, "yielding", "actor"], {
    env: { ...plainEnvironment, SHEPHERD_NODE: process.execPath },
  });
  t.after(() => child.kill("SIGKILL"));
  // Nothing is read of what is more than the daemon keeps: it drops the connection, and goes on.
  await system.waitForFile("over");
  assert.equal((await herd(system, "doc", "actor")).stdout, "Acts.\n");
  const daemon = await system.waitFor("a daemon lives", () => system.daemon());
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon}/status`, "utf8"))?.[1]);
  assert.ok(resident < 250_000, `${resident} KiB`);
  let length = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    length += chunk.length;
  });
  // The client takes over, and learns that it is done.
  assert.equal(await new Promise((resolve) => child.once("close", resolve)), 0);
  assert.ok(length < 32 * 1024 * 1024, `${length} bytes`);
});
