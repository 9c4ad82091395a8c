// Reaping what loses its parent.

import assert from "node:assert/strict";
import { it } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { residentMemory } from "../support/processes.js";

it("10,000 orphans are reaped and leave no trace in the keeper's memory", async (t) => {
  // Each subshell leaves before its own child, which so becomes PID 1's.
  const script =
    "i=0; while [ $i -lt 5000 ]; do ( : & ); i=$((i + 1)); done; echo done >>{directory}/batches";
  const batch = (name: string): string =>
    `service(["${name}"], { autoStart: false, start: ${shell(`${script}; exec sleep 1000000`)} })`;
  const system = await bootSystem(t, { config: configuration([batch("first"), batch("second")]) });
  const keeper = system.keeper();

  await system.ok("start", "first");
  await system.waitForFile("batches", /done\n/);
  // The keeper remembers the last 4,096: from here on that list is full.
  const before = residentMemory(keeper);

  await system.ok("start", "second");
  await system.waitForFile("batches", /done\ndone\n/);
  await system.waitFor("no zombie is left", () => !system.processes().some(({ state }) => state === "Z"));
  assert.ok(residentMemory(keeper) - before <= 16, `grew from ${before} to ${residentMemory(keeper)} KiB`);
  const left = system.processes().filter(({ parent }) => parent === keeper);
  const names = left.map(({ command }) => command[0] ?? "").filter((name) => name.endsWith("sleep"));
  assert.equal(names.length, 2, "besides the two services nothing of them is left");
});
