// What the torture has found, each as small as it could be made.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { gnuRequest, open } from "../support/wire.js";
import { isWriter } from "./lives.js";

/** The number out here of the log writer. */
async function writerOf(system: System): Promise<number> {
  const { pid } = await system.waitFor("the log writer runs", () =>
    system.processes().find(({ command, state }) => isWriter(command) && state !== "Z"),
  );
  return pid;
}

it("the exit status of a process whose stop the daemon's death interrupted is told", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["stubborn"], { start: ${shell("trap '' TERM; exec sleep 1000000")}, stop: makeKillDestructor({ gracePeriod: 1 }) })`,
    ]),
  });
  await system.waitFor("it ignores TERM", () =>
    system.processes().some(({ command }) => command[0] === "sleep"),
  );
  const stopping = system.herd("stop", "stubborn");
  await system.untilStatus("stubborn", "stopping");
  await system.killDaemon();
  await stopping;
  assert.deepEqual((await system.untilStatus("stubborn", "stopped")).exits, [9]);
});

it("a respawn that the daemon's death interrupts before the spawn is made by the next one", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0, respawnLimit: false")]),
  });
  const first = await system.untilProcess("web");
  // A new daemon asks the log writer to open the stream again, and waits for that.
  await system.killDaemon();
  await system.untilStatus("web", "running");
  const writer = await writerOf(system);
  process.kill(writer, "SIGSTOP");
  system.kill(first, "SIGKILL");
  await system.untilStatus("web", "starting");
  await system.killDaemon();
  process.kill(writer, "SIGCONT");
  await system.untilProcess("web", first);
});

it("a transient service that is over does not come back with the next daemon", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("passing", "transient: true")]) });
  await system.untilStatus("passing", "running");
  await system.ok("stop", "passing");
  await system.killDaemon();
  assert.equal((await system.herd("status", "passing")).status, 1);
});

it("what herd was told is done is done, though the daemon dies at that instant", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    keeperOptions: ["--deaths=0", "--window=1"],
  });
  for (let round = 0; round < 10; round += 1) {
    const action = round % 2 === 0 ? "disable" : "enable";
    const daemon = await system.waitFor("a daemon lives", () => system.daemon());
    await system.service("web");
    const connection = await open(system.socket);
    connection.write(gnuRequest(action, "web"));
    await once(connection, "data");
    process.kill(daemon, "SIGKILL");
    connection.destroy();
    assert.equal((await system.service("web")).enabled, action === "enable", `round ${round}`);
  }
});

it("a start whose launcher has left before the daemon dies comes up once", async (t) => {
  const main = "echo $$ >{directory}/late.pid; exec sleep 4242";
  const launcher = `(setsid /bin/sh -c 'until [ -e {directory}/go ]; do sleep 0.02; done; ${main}' &)`;
  const start = shell(launcher, '{ pidFile: "{directory}/late.pid", pidFileTimeout: 30 }');
  const system = await bootSystem(t, {
    config: configuration([
      `service(["late"], { start: ${start}, stop: makeKillDestructor(), respawn: true })`,
    ]),
  });
  const living = (): readonly number[] =>
    system
      .processes()
      .filter(({ command, state }) => state !== "Z" && command[0] === "sleep" && command[1] === "4242")
      .map(({ inner }) => inner);
  await system.untilStatus("late", "starting");
  await system.waitFor("the launcher has left", () =>
    system
      .processes()
      .some(({ command, parent }) => command[2]?.startsWith("until") && parent === system.keeper()),
  );
  await system.killDaemon();
  writeFileSync(system.path("go"), "");
  const pid = await system.untilProcess("late");
  assert.deepEqual(living(), [pid]);
  await system.ok("stop", "late");
  assert.deepEqual(living(), []);
});

it("what a service left behind when it died is ended though the daemon dies meanwhile", async (t) => {
  // It takes until the end of a grace period to end it.
  const start = shell("(trap '' TERM; exec sleep 4242) & exec sleep 1000000");
  const system = await bootSystem(t, {
    config: configuration([`service(["parent"], { start: ${start}, stop: makeKillDestructor() })`]),
  });
  const left = (): boolean =>
    system.processes().some(({ command, state }) => state !== "Z" && command[1] === "4242");
  await system.waitFor("its child runs", left);
  system.kill(await system.untilProcess("parent"), "SIGKILL");
  await system.untilStatus("parent", "stopped");
  await system.killDaemon();
  await system.waitFor("nothing of it is left", () => !left());
});

it("a transient service whose restart the daemon's death interrupts is gone, with its processes", async (t) => {
  const start = shell("trap '' TERM; exec sleep 4242");
  const system = await bootSystem(t, {
    config: configuration([
      `service(["passing"], { transient: true, start: ${start}, stop: makeKillDestructor({ gracePeriod: 1 }) })`,
      sleeper("other"),
    ]),
  });
  const living = (): boolean =>
    system.processes().some(({ command, state }) => state !== "Z" && command[1] === "4242");
  await system.waitFor("it ignores TERM", living);
  const restarting = system.herd("restart", "passing");
  await system.untilStatus("passing", "stopping");
  await system.killDaemon();
  await restarting;
  await system.waitFor("it is over", () => !living());
  // Whatever would start it again has been done when this is.
  await system.ok("restart", "other");
  assert.equal(living(), false);
  assert.equal((await system.herd("status", "passing")).status, 1);
});

it("a transient service that died by itself begins anew when its module is loaded again", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([]),
    files: { "passing.ts": configuration([sleeper("passing", "transient: true")]) },
  });
  await system.ok("load", "root", system.path("passing.ts"));
  system.kill(await system.untilProcess("passing"), "SIGKILL");
  await system.waitFor("it is forgotten", async () => (await system.herd("status", "passing")).status === 1);
  // The old daemon clears away what the dead process left behind, and may note that.
  await system.ok("status");
  await system.killDaemon();
  await system.ok("load", "root", system.path("passing.ts"));
  assert.deepEqual((await system.untilStatus("passing", "running")).exits, []);
});
