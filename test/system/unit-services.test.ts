// Service units on a real keeper: every type, every way to end, and a supervisor that is killed all the while.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bootSystem, type System } from "../support/harness.js";
import { waitFor } from "../support/wait.js";

const lib = "root/usr/lib/systemd/system";
const goal = "[Unit]\nDefaultDependencies=no\n";

async function boot(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<System> {
  return await bootSystem(t, {
    env,
    config:
      'import { systemdUnits } from "shepherd-ts/systemd";\n' +
      'export const services = systemdUnits({ target: "goal", root: "{directory}/root" });\n',
    files: { [`${lib}/goal.target`]: goal },
  });
}

/** Registers a unit with these lines in its section [Service]; `{directory}` stands for the system's private directory. */
async function load(system: System, name: string, lines: string): Promise<void> {
  const file = join(system.directory, lib, `${name}.service`);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, `${goal}[Service]\n${lines.replaceAll("{directory}", system.directory)}\n`);
  await system.ok("load", "systemd", name);
}

/** A command that writes a word into the trace, and then takes its time. */
const trace = (word: string, then = ""): string =>
  `/bin/sh -c 'echo ${word} >> {directory}/trace${then === "" ? "" : `; ${then}`}'`;

const tracedWords = (system: System): readonly string[] => system.read("trace").split("\n").filter(Boolean);

/** Kills the supervisor a few times while something comes to its end; more often, the keeper would give it a rest. */
async function whileDying(
  system: System,
  what: string,
  isOver: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await delay(200 * (1 + round));
    if (!(await isOver())) await system.killDaemon();
  }
  await system.waitFor(what, isOver);
}

test("a start, a stop and an end, with a supervisor that is killed meanwhile, run each command once", async (t) => {
  const system = await boot(t);
  const pause = "sleep 0.3";
  await load(
    system,
    "web",
    `ExecStartPre=${trace("pre1", pause)}
ExecStartPre=${trace("pre2", pause)}
ExecStart=${trace("main", "exec sleep 100000")}
ExecStartPost=${trace("post1", pause)}
ExecStartPost=${trace("post2", pause)}
ExecStop=${trace("stop1", pause)}
ExecStop=${trace("stop2", pause)}
ExecStopPost=${trace("end1", pause)}
ExecStopPost=${trace("end2", pause)}
Restart=on-failure
RestartSec=0`,
  );
  const up = ["pre1", "pre2", "main", "post1", "post2"];
  // A client whose supervisor dies too often gives up, and what it asked for goes on.
  const start = system.herd("start", "web");
  await whileDying(system, "it has started", () => tracedWords(system).length >= up.length);
  const pid = await system.untilProcess("web");
  await start;
  assert.deepEqual(tracedWords(system), up);

  const stop = system.herd("stop", "web");
  const down = ["stop1", "stop2", "end1", "end2"];
  await whileDying(system, "it has stopped", () => tracedWords(system).length >= up.length + down.length);
  await system.untilStatus("web", "stopped");
  await stop;
  assert.deepEqual(tracedWords(system), [...up, ...down]);
  assert.equal(system.isAlive(pid), false);

  await system.ok("start", "web");
  const second = await system.untilProcess("web", pid);
  writeFileSync(system.path("trace"), "");
  // It fails: ExecStop= is left out, and it is started again.
  system.kill(second, "SIGKILL");
  await whileDying(system, "it runs again", () => tracedWords(system).length >= 7);
  await system.untilProcess("web", second);
  assert.deepEqual(tracedWords(system), ["end1", "end2", ...up]);
});

test("a program that goes to the background is known by its PID file, or by being the only one", async (t) => {
  const system = await boot(t);
  const child = "setsid sleep 100001 > /dev/null 2>&1 < /dev/null & echo $! > {directory}/pid";
  await load(system, "filed", `Type=forking\nPIDFile={directory}/pid\nExecStart=/bin/sh -c '${child}'`);
  await system.ok("start", "filed");
  const filed = await system.untilProcess("filed");
  assert.equal(Number(system.read("pid")), filed);
  await system.killDaemon();
  assert.equal(await system.untilProcess("filed"), filed);
  await system.ok("stop", "filed");
  assert.equal(system.isAlive(filed), false);

  const one = "setsid sleep 100002 > /dev/null 2>&1 < /dev/null & echo $! > {directory}/one";
  await load(system, "guessed", `Type=forking\nExecStart=/bin/sh -c '${one}'`);
  await system.ok("start", "guessed");
  assert.equal(await system.untilProcess("guessed"), Number(system.read("one")));

  const two =
    "setsid sleep 100003 > /dev/null 2>&1 < /dev/null & echo $! > {directory}/first; setsid sleep 100004 > /dev/null 2>&1 < /dev/null & echo $! > {directory}/second";
  await load(system, "several", `Type=forking\nExecStart=/bin/sh -c '${two}'`);
  await system.ok("start", "several");
  await system.untilStatus("several", "running");
  system.kill(Number(system.read("first")), "SIGKILL");
  await system.killDaemon();
  await system.untilStatus("several", "running");
  system.kill(Number(system.read("second")), "SIGKILL");
  await system.untilStatus("several", "stopped");
});

test("a program that hands over to another one, which its PID file names, runs on", async (t) => {
  const system = await boot(t);
  const script = join(system.directory, "server.sh");
  writeFileSync(
    script,
    `cd ${system.directory}; echo $$ > new; mv new pid
     trap 'setsid sh ${script} > /dev/null 2>&1 < /dev/null & while [ "$(cat pid)" = $$ ]; do sleep 0.05; done; exit 0' USR2
     while :; do sleep 0.05; done`,
  );
  const launch = `setsid sh ${script} > /dev/null 2>&1 < /dev/null & while [ ! -e {directory}/pid ]; do sleep 0.05; done`;
  await load(
    system,
    "server",
    `Type=forking\nPIDFile={directory}/pid\nExecStart=/bin/sh -c '${launch}'\nExecStopPost=${trace("over")}`,
  );
  await system.ok("start", "server");
  let main = await system.untilProcess("server");
  for (const killsDaemon of [false, true, false]) {
    const former = main;
    system.kill(former, "SIGUSR2");
    if (killsDaemon) await system.killDaemon();
    main = await system.untilProcess("server", former);
    assert.equal(Number(system.read("pid")), main);
  }
  assert.deepEqual(tracedWords(system), []);
  // It is the main process in every respect.
  system.kill(main, "SIGKILL");
  await system.untilStatus("server", "stopped");
  assert.deepEqual(tracedWords(system), ["over"]);
});

test("a launcher that names nobody, and one that leaves nobody behind, fail", async (t) => {
  const system = await boot(t);
  await load(system, "gone", "Type=forking\nPIDFile={directory}/none\nExecStart=/bin/true");
  const gone = await system.herd("start", "gone");
  assert.notEqual(gone.status, 0);
  assert.match(system.log(), /PIDFile=.*none did not show up, and nothing of it runs/);
  await load(system, "fails", "Type=forking\nExecStart=/bin/false");
  assert.notEqual((await system.herd("start", "fails")).status, 0);
  assert.match(system.log(), /ExecStart=\/bin\/false \(PID \d+\) exited with 1/);
  await load(system, "late", "Type=forking\nTimeoutStartSec=1\nExecStart=/bin/sleep 1000");
  assert.notEqual((await system.herd("start", "late")).status, 0);
  assert.match(system.log(), /has not ended within 1 s/);
  assert.deepEqual(
    system.processes().filter(({ command }) => command.some((word) => /sleep/.test(word))),
    [],
  );
});

test("KillMode= says who is ended", async (t) => {
  const system = await boot(t);
  for (const [mode, survives] of [
    ["control-group", false],
    ["mixed", false],
    ["process", true],
  ] as const) {
    // Deaf to TERM where it is killed anyway.
    const other = `trap "" TERM; echo $$ > {directory}/${mode}; while :; do sleep 0.1; done`;
    const script = join(system.directory, `${mode}.sh`);
    writeFileSync(script, `${other.replaceAll("{directory}", system.directory)}\n`);
    await load(
      system,
      mode,
      `KillMode=${mode}\nTimeoutStopSec=1\nExecStart=/bin/sh -c 'setsid /bin/sh ${script} & exec sleep 100005'`,
    );
    await system.ok("start", mode);
    const main = await system.untilProcess(mode);
    const second = Number(await system.waitForFile(mode));
    await system.ok("stop", mode);
    assert.equal(system.isAlive(main), false, mode);
    assert.equal(system.isAlive(second), survives, mode);
    if (survives) system.kill(second, "SIGKILL");
  }
});

test("Type=notify is followed over the supervisor's death, and Type=dbus without a bus counts as started", async (t) => {
  const system = await boot(t);
  const program = `import os, socket, time
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
speaker.connect(os.environ["NOTIFY_SOCKET"])
while not os.path.exists("${system.directory}/ready"): time.sleep(0.05)
speaker.send(b"READY=1\\nSTATUS=serving")
time.sleep(100000)
`;
  writeFileSync(system.path("notifier.py"), program);
  await load(
    system,
    "told",
    "Type=notify\nPrivateNetwork=yes\nExecStart=/usr/bin/env python3 {directory}/notifier.py",
  );
  const start = system.ok("start", "told");
  await system.untilStatus("told", "starting");
  await system.waitFor("it runs", () =>
    system.processes().some(({ command }) => command.some((word) => /notifier/.test(word))),
  );
  await system.killDaemon();
  await system.untilStatus("told", "starting");
  writeFileSync(system.path("ready"), "");
  await start;
  assert.match(await system.ok("status", "told"), /serving/);

  await load(system, "bus", "Type=dbus\nBusName=org.example.Nobody\nExecStart=/bin/sleep 100006");
  const { stdout, stderr } = await system.herd("start", "bus");
  assert.match(`${stdout}${stderr}${system.log()}`, /there is no system bus/);
  await system.untilProcess("bus");
});

const busDaemon = "/usr/bin/dbus-daemon";
const busSender = "/usr/bin/dbus-send";

test("Type=dbus has started when it owns its name on a bus, over the supervisor's death", {
  skip: [busDaemon, busSender].every((file) => existsSync(file))
    ? false
    : "there is no dbus-daemon, or no dbus-send",
}, async (t) => {
  const system = await boot(t, { DBUS_SYSTEM_BUS_ADDRESS: "unix:path={directory}/bus" });
  const bus = system.path("bus");
  const address = `--address=unix:path=${bus}`;
  const child = spawn(busDaemon, ["--session", "--nofork", "--nopidfile", address], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await waitFor(
    "the bus is there",
    () => existsSync(bus),
    () => "",
  );
  const own = `${busSender} --bus=unix:path=${bus} --dest=org.freedesktop.DBus --print-reply / org.freedesktop.DBus.RequestName string:org.example.Here uint32:0`;
  const wait = "while ! [ -e {directory}/go ]; do sleep 0.05; done";
  await load(
    system,
    "named",
    `Type=dbus\nBusName=org.example.Here\nExecStart=/bin/sh -c '${wait}; ${own}; exec sleep 100007'\nExecStartPost=${trace("post")}`,
  );
  const start = system.ok("start", "named");
  await system.untilStatus("named", "starting");
  await system.waitFor("it waits", () =>
    system.processes().some(({ command }) => command.some((word) => /RequestName/.test(word))),
  );
  await system.killDaemon();
  await system.untilStatus("named", "starting");
  assert.deepEqual(tracedWords(system), []);
  writeFileSync(system.path("go"), "");
  await start;
  await system.untilStatus("named", "running");
  assert.deepEqual(tracedWords(system), ["post"]);
  await load(
    system,
    "mute",
    "Type=dbus\nBusName=org.example.Nobody\nTimeoutStartSec=1\nExecStart=/bin/sleep 100008",
  );
  const { status, stderr } = await system.herd("start", "mute");
  assert.notEqual(status, 0);
  assert.match(`${stderr}${system.log()}`, /nobody has owned the bus name org.example.Nobody within 1 s/);
});
