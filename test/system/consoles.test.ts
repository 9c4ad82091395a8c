// Services with terminals, and people who attach to them, over a whole system.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, it as test } from "node:test";
import { consoleSocket, encodeFrame, FrameReader, frameTypes } from "../../src/protocol/console.js";
import { account } from "../support/accounts.js";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, clientEnvironment, type Scope, type System } from "../support/harness.js";
import { project } from "../support/project.js";
import { openWindow, type Window, type WindowOptions, withoutTerminals } from "../support/terminals.js";
import { waitFor } from "../support/wait.js";

const it = (name: string, body: (t: TestContext) => Promise<void>): void => {
  test(name, { skip: withoutTerminals }, body);
};

const herd = join(project.bin, "herd");
const detachKey = "\u001d";

/** A service that is an interactive shell; `fields` are more of its options. */
function shellService(
  names: readonly string[],
  fields = "respawn: false",
  options = "terminal: true",
): string {
  const start = `makeForkexecConstructor(["/bin/sh", "-i"], { ${options}, extraEnvironmentVariables: ["PS1=ready> "] })`;
  return `service(${JSON.stringify(names)}, { start: ${start}, stop: makeKillDestructor("SIGHUP"), ${fields} })`;
}

function attach(scope: Scope, system: System, args: readonly string[], options: WindowOptions = {}): Window {
  return openWindow(scope, herd, ["-s", system.socket, "attach", ...args], {
    ...options,
    env: clientEnvironment as Record<string, string>,
  });
}

/** The processes that hold terminals, by their numbers inside. */
function holders(system: System): readonly number[] {
  return system
    .processes()
    .filter(({ command, state }) => state !== "Z" && command.some((word) => word.endsWith("/console.cjs")))
    .map(({ inner }) => inner);
}

async function untilNoHolder(system: System): Promise<void> {
  await system.waitFor("no console is left", () => holders(system).length === 0);
}

/** Speaks with a console by itself. */
function raw(scope: Scope, system: System, service: string): Socket {
  const socket = connect(consoleSocket(join(system.directory, "run"), service));
  socket.on("error", () => undefined);
  scope.after(() => {
    socket.destroy();
  });
  return socket;
}

it("a session goes on while the supervisor is killed, and everyone finds it again", async (t) => {
  const system = await bootSystem(t, { config: configuration([shellService(["sh", "prompt"])]) });
  const pid = await system.untilProcess("sh");
  const [holder] = holders(system);
  const first = attach(t, system, ["sh"]);
  await first.until(/attached to sh\. Detach with ctrl-\]/);
  first.type("KEPT=yes; echo before-$KEPT\r");
  await first.until(/\nbefore-yes\r\n/);
  for (let round = 1; round <= 2; round += 1) {
    await system.killDaemon();
    // Whether or not there is a supervisor yet.
    first.type(`echo after-$KEPT-${round}\r`);
    await first.until(new RegExp(`\\nafter-yes-${round}\\r\\n`));
    assert.equal(await system.untilProcess("sh"), pid);
    assert.deepEqual(holders(system), [holder]);
  }
  // By a name that only the supervisor knows to be the same service's.
  const second = attach(t, system, ["prompt"]);
  await second.until(/attached to sh to look on while somebody else types/);
  await second.until(/before-yes[\s\S]*after-yes-2/);
  first.type("exit 3\r");
  await first.until(/the terminal of sh was closed/);
  assert.deepEqual([await first.exitStatus(), await second.exitStatus()], [0, 0]);
  await system.untilStatus("sh", "stopped");
  await untilNoHolder(system);
  assert.match(await system.ok("status", "sh"), /exited with code 3/);
  const log = await system.ok("log", "sh");
  assert.match(log, /before-yes\n[\s\S]*after-yes-1\n[\s\S]*after-yes-2\n/);
  for (const control of ["\r", "\u001b"]) assert.ok(!log.includes(control));
});

it("a start goes on with one console, at whatever instant of it the supervisor is killed", async (t) => {
  const system = await bootSystem(t, { config: configuration([shellService(["sh"], "autoStart: false")]) });
  // By what has been seen of it: nothing, the console's process, its socket, and the service's process.
  const instants: readonly (() => boolean)[] = [
    () => system.log().includes("Starting service sh..."),
    () => holders(system).length > 0,
    () => holders(system).length > 0 && existsSync(consoleSocket(join(system.directory, "run"), "sh")),
    () => system.processes().some(({ command }) => command[0] === "/bin/sh" && command[1] === "-i"),
  ];
  for (const instant of instants) {
    const starting = system.herd("start", "sh");
    await system.waitFor("the start is under way", instant);
    await system.killDaemon();
    await starting;
    const pid = await system.untilProcess("sh");
    assert.equal(holders(system).length, 1);
    const window = attach(t, system, ["sh"]);
    await window.until(/ready> /);
    window.type("echo mine-$$\r");
    await window.until(new RegExp(`mine-${pid}\\r\\n`));
    await system.ok("stop", "sh");
    assert.equal(await window.exitStatus(), 0);
    assert.deepEqual(holders(system), []);
  }
});

it("neither a new supervisor in place nor a new keeper is noticed by who is attached", async (t) => {
  const system = await bootSystem(t, { config: configuration([shellService(["sh"])]) });
  const pid = await system.untilProcess("sh");
  const window = attach(t, system, ["sh"]);
  await window.until(/ready> /);
  const old = system.daemon();
  await system.ok("restart", "root");
  await system.waitFor("the next supervisor is there", () => ![old, undefined].includes(system.daemon()));
  window.type("echo one-$((1+1))\r");
  await window.until(/\none-2\r\n/);
  await system.ok("upgrade", "keeper");
  window.type("echo two-$((1+1))\r");
  await window.until(/\ntwo-2\r\n/);
  assert.equal(await system.untilProcess("sh"), pid);
  assert.equal(holders(system).length, 1);
});

it("one types, others look on, and the next one takes over", async (t) => {
  const system = await bootSystem(t, { config: configuration([shellService(["sh"])]) });
  const first = attach(t, system, ["sh"]);
  await first.until(/ready> /);
  const second = attach(t, system, ["sh"]);
  await second.until(/look on while/);
  const reader = attach(t, system, ["--read-only", "sh"]);
  await reader.until(/to look on\. /);
  second.type("echo lost-$((1+1))\r");
  first.type("echo here-$((1+1))\r");
  for (const window of [first, second, reader]) await window.until(/\nhere-2\r\n/);
  assert.doesNotMatch(first.shown, /lost/);
  first.type(`discarded${detachKey}`);
  await first.until(/detached from sh/);
  assert.equal(await first.exitStatus(), 0);
  await second.until(/what you type arrives from now on/);
  second.type("\u0015echo mine-$((1+1))\r");
  await second.until(/\nmine-2\r\n/);
  await reader.until(/\nmine-2\r\n/);
  reader.type("\u0003");
  await reader.until(/detached from sh/);
  const again = attach(t, system, ["sh"]);
  await again.until(/here-2\r\n[\s\S]*mine-2\r\n/);
  const { status, stderr } = await system.herd("detach", "sh");
  assert.deepEqual([status, stderr], [0, "herd: 2 viewers of sh detached.\n"]);
  assert.deepEqual([await second.exitStatus(), await again.exitStatus()], [0, 0]);
  assert.equal((await system.service("sh")).status, "running");
});

it("programs see the window of who types, and its changes", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([shellService(["sh"], "respawn: false", "terminal: { columns: 70, rows: 11 }")]),
  });
  await system.untilProcess("sh");
  const window = attach(t, system, ["sh"], { columns: 100, rows: 30 });
  await window.until(/ready> /);
  window.type("trap 'echo changed-$((1+1))' WINCH; stty size\r");
  await window.until(/\n30 100\r\n/);
  window.resize(91, 21);
  await system.waitFor("the change has come through", async () => {
    // The shell tells of the signal with its next command.
    window.type("stty size\r");
    await window.until(/\n\d+ \d+\r\n/);
    return /changed-2[\s\S]*\n21 91\r\n/.test(window.shown);
  });
  const reader = attach(t, system, ["--read-only", "sh"], { columns: 33, rows: 7 });
  await reader.until(/21 91/);
  reader.resize(34, 8);
  window.type("stty size; tty; ps -o tty= -p $$\r");
  await window.until(/\n21 91\r\n\/dev\/pts\/\d+\r\npts\/\d+\r\n/);
});

it("a terminal is given back as it was, whatever programs have made of it", async (t) => {
  const system = await bootSystem(t, { config: configuration([shellService(["sh"])]) });
  await system.untilProcess("sh");
  const command = `stty -a >${system.path("before")}; ${herd} -s ${system.socket} attach sh; stty -a >${system.path("after")}`;
  const window = openWindow(t, "/bin/sh", ["-c", command], {
    env: clientEnvironment as Record<string, string>,
  });
  await window.until(/ready> /);
  window.type("stty -opost; printf 'raw\\nline'; stty opost; echo\r");
  await window.until(/raw\nline/);
  window.type("printf '\\033[?1049h\\033[?25l\\033[?1000h\\033[1;5r'; echo on-$((1+1))\r");
  await window.until(/on-2/);
  window.type(detachKey);
  await window.exitStatus();
  const given = window.shown.slice(window.shown.lastIndexOf("on-2"));
  for (const wanted of ["[0m", "[?1049l", "[?25h", "[?1000l", "[r"])
    assert.ok(given.includes(`\u001b${wanted}`), wanted);
  assert.equal(system.read("after"), system.read("before"));
  assert.match(system.read("after"), /(?<!-)icanon/);
});

it("a console's end is a hang-up for its service, and the next start has another one", async (t) => {
  const hangUp = shell(
    `trap "echo hung-up >>{directory}/told; exit 7" HUP; echo up; while :; do sleep 0.1; done`,
    "{ terminal: true }",
  );
  const system = await bootSystem(t, {
    config: configuration([
      `service(["game"], { start: ${hangUp}, respawn: true, respawnLimit: { times: 100, seconds: 1 } })`,
    ]),
  });
  const pid = await system.untilProcess("game");
  const window = attach(t, system, ["game"]);
  await window.until(/up/);
  const [holder] = holders(system);
  system.kill(holder as number, "SIGKILL");
  await window.until(/the console is lost/);
  assert.equal(await window.exitStatus(), 1);
  await system.waitForFile("told");
  await system.untilProcess("game", pid);
  await system.waitForLog(/The console of service game \(PID \d+\) terminated with signal 9/);
  const next = attach(t, system, ["game"]);
  await next.until(/up/);
  assert.equal(holders(system).length, 1);
  assert.notDeepEqual(holders(system), [holder]);
  await system.ok("stop", "game");
  assert.equal(await next.exitStatus(), 0);
  assert.deepEqual(holders(system), []);
  assert.doesNotMatch(system.log(), /survive/);
});

it("a stop and a restart leave one console at most, and the last words in the log", async (t) => {
  const talk = shell(
    `trap "echo last-words; exit 0" TERM; echo ready; while :; do sleep 0.1; done`,
    "{ terminal: true }",
  );
  const left = shell(`(trap "" HUP; sleep 1000000) & exec sleep 1000000`, "{ terminal: true }");
  const system = await bootSystem(t, {
    config: configuration([
      `service(["talk"], { start: ${talk}, stop: makeKillDestructor() })`,
      `service(["left"], { start: ${left}, stop: makeKillDestructor() })`,
    ]),
  });
  for (const name of ["talk", "left"]) {
    const pid = await system.untilProcess(name);
    await system.ok("restart", name);
    await system.untilProcess(name, pid);
  }
  assert.equal(holders(system).length, 2);
  const window = attach(t, system, ["talk"]);
  await window.until(/ready/);
  await system.ok("stop", "talk");
  assert.match(await system.ok("log", "talk"), /last-words\n[\s\S]*last-words\n/);
  await system.ok("stop", "left");
  assert.deepEqual(holders(system), []);
});

it("whoever does not read, or talks nonsense, is dropped, and nobody else notices", async (t) => {
  const flood = shell(
    `read go; yes 0123456789012345678901234567890123456789 | head -c 6000000; echo all-printed; read more`,
    "{ terminal: true }",
  );
  const system = await bootSystem(t, {
    config: configuration([`service(["flood"], { start: ${flood}, respawn: false })`]),
  });
  const pid = await system.untilProcess("flood");
  const slow = raw(t, system, "flood");
  slow.write(encodeFrame(frameTypes.hello, { role: "reader" }));
  slow.pause();
  const hostile = ["\u0002\u00ff\u00ff\u00ff\u00ff", "GET / HTTP/1.0\r\n\r\n"].map((text) => {
    const socket = raw(t, system, "flood");
    let closed = false;
    socket.on("close", () => {
      closed = true;
    });
    socket.resume();
    socket.write(Buffer.from(text, "latin1"));
    return () => closed;
  });
  await waitFor("what talks nonsense is closed", () => hostile.every((isClosed) => isClosed()));
  const window = attach(t, system, ["flood"]);
  await window.until(/attached/);
  window.type("go\r");
  await window.until(/all-printed/);
  const reader = new FrameReader();
  const ends: string[] = [];
  let received = 0;
  slow.on("data", (chunk: Buffer) => {
    received += chunk.length;
    for (const { type, bytes } of reader.feed(chunk))
      if (type === frameTypes.end) ends.push(bytes.toString());
  });
  let isClosed = false;
  slow.on("close", () => {
    isClosed = true;
  });
  slow.resume();
  await waitFor("who was slow is dropped", () => isClosed);
  assert.ok(received < 5_000_000, `${received}`);
  // The farewell may not have come through any more.
  for (const end of ends) assert.match(end, /slow/);
  assert.equal(await system.untilProcess("flood"), pid);
});

it("only terminals are attached, and whatever has no console is told", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      shellService(["sh"], "autoStart: false"),
      sleeper("plain"),
      sleeper(
        "own",
        `actions: [shepherdAction({ name: "attach", procedure: () => console.log("an own action") })]`,
      ),
    ]),
  });
  await system.untilProcess("plain");
  const refusal = await system.herd("attach", "sh");
  assert.equal(refusal.status, 1);
  assert.match(refusal.stderr, /standard input and output are to be a terminal/);
  const cases = [
    ["nobody", /could not be found/],
    ["sh", /it is stopped/],
    ["plain", /runs without a console/],
    ["root", /has no console/],
  ] as const;
  for (const [name, message] of cases) {
    const { status, stderr } = await system.herd("attach", "--read-only", name);
    assert.equal(status, 1);
    assert.match(stderr, message);
  }
  assert.match((await system.herd("attach", "--detach-key=escape", "sh")).stderr, /expected a key/);
  assert.match(await system.ok("attach", "--read-only", "own"), /an own action/);
});

it("a getty has a terminal that interrupts, belongs to who logs in, and comes back", async (t) => {
  const agetty = ["/sbin/agetty", "/usr/sbin/agetty"].find((file) => existsSync(file));
  if (agetty === undefined) {
    t.skip("there is no agetty");
    return;
  }
  const command = JSON.stringify([
    agetty,
    "--noclear",
    "--skip-login",
    "--nonewline",
    "--noissue",
    "--login-program",
    "/bin/sh",
    "--login-options",
    "-i",
    "-",
    "xterm",
  ]);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["getty"], { start: makeForkexecConstructor(${command}, { terminal: true, extraEnvironmentVariables: ["PS1=login> "] }), stop: makeKillDestructor("SIGHUP"), respawn: true })`,
    ]),
  });
  const pid = await system.untilProcess("getty");
  const window = attach(t, system, ["getty"]);
  await window.until(/login> /);
  window.type("sleep 1000000\r");
  await system.waitFor("the command runs", () =>
    system.processes().some(({ command: words }) => words[1] === "1000000"),
  );
  window.type("\u0003");
  await window.until(/login> /);
  window.type("echo code-$?\r");
  await window.until(/\ncode-130\r\n/);
  window.type("exit\r");
  assert.equal(await window.exitStatus(), 0);
  await system.untilProcess("getty", pid);
  const again = attach(t, system, ["getty"]);
  await again.until(/login> /);
  assert.doesNotMatch(again.shown, /code-130/);
});

it("examples/terminals.ts: what it says can be done, can", async (t) => {
  const system = await bootSystem(t, {
    config: readFileSync(join(project.examples, "terminals.ts"), "utf8"),
  });
  const pid = await system.untilProcess("shell");
  const shell = attach(t, system, ["console"]);
  await shell.until(/shell> /);
  shell.type("exit\r");
  await shell.until(/the terminal of shell was closed/);
  await system.untilProcess("shell", pid);
  await system.ok("start", "prompt");
  const prompt = attach(t, system, ["prompt"]);
  await prompt.until(/> /);
  prompt.type("6 * 7\r");
  await prompt.until(/\n\S*42/);
  assert.match(await system.ok("tree", "prompt"), /^prompt\n.{3}\d+ node\n.{3}\d+ .*console\.cjs/m);
});

it("the terminal is its user's", async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip("only root runs services as others");
    return;
  }
  const nobody = account("nobody");
  const start = shell(
    "stat -c owner-%U $(tty) >/dev/tty; read line; echo got-$line",
    `{ terminal: true, user: "${nobody.name}" }`,
  );
  const system = await bootSystem(t, {
    config: configuration([`service(["low"], { start: ${start}, respawn: false })`]),
  });
  await system.untilProcess("low");
  const window = attach(t, system, ["low"]);
  await window.until(/owner-nobody/);
  window.type("hello\r");
  await window.until(/got-hello/);
  await system.untilStatus("low", "stopped");
});

test("without node-pty a start with a terminal says what to install, and nothing else changes", async (t) => {
  const system = await bootSystem(t, {
    variant: "none",
    native: project.native("none"),
    config: configuration([shellService(["sh"], "autoStart: false"), sleeper("plain")]),
  });
  const pid = await system.untilProcess("plain");
  // A copy of the program, with no packages beside it.
  const program = system.path("programs/console.cjs");
  rmSync(program);
  copyFileSync(join(project.dist, "console.cjs"), program);
  const { status, stdout, stderr } = await system.herd("start", "sh");
  assert.equal(status, 1, stdout + stderr);
  assert.match(
    `${stdout}${stderr}${system.log()}`,
    /terminal: needs the package node-pty, which is not installed: run `npm install node-pty@/,
  );
  await untilNoHolder(system);
  assert.equal(await system.untilProcess("plain"), pid);
  const { optionalDependencies, dependencies } = JSON.parse(
    readFileSync(join(project.root, "package.json"), "utf8"),
  );
  assert.ok("node-pty" in optionalDependencies && !("node-pty" in dependencies));
});
