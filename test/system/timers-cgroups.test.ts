// Timers in cgroups: runs side by side share their service's, and end one by one; all of it ends with the service.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findCgroups, inside, makeTestCgroup } from "../support/cgroups.js";
import { bootSystem, type System } from "../support/harness.js";

const found = findCgroups();
const skip = typeof found === "string" ? found : false;
const parent = typeof found === "string" ? "" : found.directory;

/** Each run has a process in a session of its own, and one that has dropped its mark as well. */
const run = (then: string): string => `setsid sleep 1002 & env -i setsid sleep 1003 & ${then}`;
const timer = (name: string, then: string): string => `
    service(["${name}"], {
      start: makeTimerConstructor(interval({ days: 1 }), command(["sh", "-c", "${run(then)}"]), { overlap: "allow" }),
      stop: makeKillDestructor({ signal: "HUP", gracePeriod: 60 }),
    }),`;
const config = `
import { command, defineConfig, interval, makeKillDestructor, makeTimerConstructor, service } from "shepherd-ts";

export default defineConfig({
  services: [${timer("pair", "exec sleep 1001")}${timer("brief", "until [ -e {directory}/enough ]; do sleep 0.05; done")}
  ],
});
`;

/** How many processes there are of each of the three kinds. */
function kinds(system: System): readonly number[] {
  const commands = system.processes().map(({ command }) => command.join(" "));
  return ["1001", "1002", "1003"].map(
    (seconds) => commands.filter((command) => command === `sleep ${seconds}`).length,
  );
}

describe("timers in cgroups", { skip }, () => {
  it("end one run beside another, and with the service whatever is left", async (t) => {
    const cgroup = makeTestCgroup(t, parent);
    const system = await bootSystem(t, { config, through: inside(cgroup) });
    const directory = (service: string): string => join(cgroup, "services", `${service}.service`);
    const untilThere = (...counts: readonly number[]): Promise<unknown> =>
      system.waitFor(`there are ${counts.join(", ")}`, () => kinds(system).join() === counts.join());

    await system.untilStatus("pair", "running");
    await system.ok("trigger", "pair");
    await system.ok("trigger", "pair");
    await untilThere(2, 2, 2);
    const [first] = system.processes().filter(({ command }) => command.join(" ") === "sleep 1001");
    assert.ok(first !== undefined);
    system.kill(first.inner, "SIGKILL");
    // Whose the unmarked ones are, nobody knows while the other run goes on.
    await untilThere(1, 1, 2);
    await system.killDaemon();
    await system.ok("stop", "pair");
    await untilThere(0, 0, 0);
    await system.waitFor("its cgroup is gone", () => !existsSync(directory("pair")));

    await system.ok("trigger", "brief");
    await untilThere(0, 1, 1);
    writeFileSync(system.path("enough"), "");
    await system.waitForLog(/Process \d+ of timer 'brief' terminated/);
    await untilThere(0, 0, 1);
    await system.ok("stop", "brief");
    await untilThere(0, 0, 0);
    await system.waitFor("its cgroup is gone", () => !existsSync(directory("brief")));
  });
});
