// Services with terminals, and people who attach to them, over a whole system: what ends, and what goes on.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { consoleSocket, encodeFrame, FrameReader, frameTypes } from "../../src/protocol/console.js";
import { configuration, shell } from "../support/configuration.js";
import {
  attach,
  detachKey,
  herd,
  holders,
  it,
  raw,
  shellService,
  untilNoHolder,
} from "../support/consoles.js";
import { bootSystem, clientEnvironment } from "../support/harness.js";
import { openWindow } from "../support/terminals.js";
import { waitFor } from "../support/wait.js";

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
  // Until the shell has the terminal again, its command would get the signal.
  await window.until(/\n30 100\r\n.*ready> /);
  await system.waitFor("the change has come through", async () => {
    // Of two changes at once there is one signal at least, and the shell tells of it with its next command.
    window.resize(90, 21);
    window.resize(91, 21);
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
