// What the torture has found, each as small as it could be made.

import assert from "node:assert/strict";
import { once } from "node:events";
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
  for (let round = 0; round < 40; round += 1) {
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
