// Daemons that put themselves into the background and leave a pid file.

import assert from "node:assert/strict";
import { it } from "node:test";
import { configuration } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

/** Forks twice: what the supervisor started is gone before the daemon serves. */
const daemon = `#!/bin/sh
(setsid sh -c 'trap "" HUP; echo $$ >{directory}/daemon.pid.new; mv {directory}/daemon.pid.new {directory}/daemon.pid; exec sleep 1000000' &)
exit \${1:-0}
`;

const service = (fields: string, file = "daemon.pid", args = ""): string =>
  `service(["daemon"], {
     start: makeForkexecConstructor(["/bin/sh", "{directory}/daemon.sh"${args}], { pidFile: "{directory}/${file}", pidFileTimeout: 10 }),
     stop: makeKillDestructor(),
     ${fields}
   })`;

it("the process that the pid file names is the service's", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([service("")]),
    files: { "daemon.sh": daemon },
  });
  const pid = await system.untilProcess("daemon");
  assert.equal(pid, Number(system.read("daemon.pid")));
  assert.match(await system.ok("status", "daemon"), new RegExp(`Main PID: ${pid}$`, "m"));
});

it("its real status is known when it is killed", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([service("")]),
    files: { "daemon.sh": daemon },
  });
  const pid = await system.untilProcess("daemon");
  system.kill(pid, "SIGKILL");
  const { exits } = await system.untilStatus("daemon", "stopped");
  assert.equal(exits[0], 9);
  assert.match(await system.ok("status", "daemon"), /Process terminated with signal 9/);
  assert.match(system.log(), new RegExp(`Service daemon \\(PID ${pid}\\) terminated with signal 9`));
});

it("it is stopped by its signal", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([service("")]),
    files: { "daemon.sh": daemon },
  });
  const pid = await system.untilProcess("daemon");
  await system.ok("stop", "daemon");
  assert.equal(system.isAlive(pid), false);
  assert.equal((await system.service("daemon")).exits[0], 15);
});

it("it is respawned, with a pid file that is not the old one", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([service("respawn: true, respawnDelay: 0")]),
    files: { "daemon.sh": daemon },
  });
  const first = await system.untilProcess("daemon");
  system.kill(first, "SIGKILL");
  const second = await system.untilProcess("daemon", first);
  assert.equal(second, Number(system.read("daemon.pid")));
});

it("a stale pid file is not believed", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([service("")]),
    // PID 1 lives, but is no such daemon.
    files: { "daemon.sh": daemon, "daemon.pid": "1\n" },
  });
  assert.notEqual(await system.untilProcess("daemon"), 1);
});

it("a pid file that does not show up is a failure that names it, and leaves no process", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      service("autoStart: false", "other.pid").replace("pidFileTimeout: 10", "pidFileTimeout: 0.5"),
    ]),
    files: { "daemon.sh": daemon },
  });
  const { status, stdout } = await system.herd("start", "daemon");
  assert.equal(status, 1);
  assert.match(stdout, /PID file '\S+\/other\.pid' did not show up/);
  await system.waitFor("what it started is ended", () => {
    return !system.processes().some(({ command, state }) => command[0] === "sleep" && state !== "Z");
  });
});

it("a launcher that fails ends the start at once, with its status", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      service("autoStart: false", "other.pid", ', "3"').replace("pidFileTimeout: 10", "pidFileTimeout: 3600"),
    ]),
    files: { "daemon.sh": daemon },
  });
  const { status, stdout } = await system.herd("start", "daemon");
  assert.equal(status, 1);
  assert.match(stdout, /exited with 3/);
});

it("a pid file that is written in pieces is waited for", async (t) => {
  const script = `(setsid sh -c ': >{directory}/daemon.pid; sleep 0.2; echo $$ >{directory}/daemon.pid; exec sleep 1000000' &)\n`;
  const system = await bootSystem(t, {
    config: configuration([service("")]),
    files: { "daemon.sh": script },
  });
  assert.equal(await system.untilProcess("daemon"), Number(system.read("daemon.pid")));
});
