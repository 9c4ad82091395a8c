// Consoles over the daemon's death: a next one keeps those of services that run, and ends all others.

import assert from "node:assert/strict";
import { test } from "node:test";
import { holderId } from "../../../src/daemon/console/console.js";
import { program } from "../../support/crashes.js";
import { client, settle, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";

const holder = { arguments: ["node", "console.cjs"] } as const;

/** Two services with consoles, the first of which runs, and a console that belongs to no service. */
async function begun(): Promise<ReturnType<typeof testSystem>> {
  const one = testSystem([program("runs"), program("rests")]);
  await one.system.supervisor.start("runs", [], client());
  for (const name of ["runs", "rests", "gone"]) one.system.processes.spawn(holderId(name), holder);
  await settle();
  return one;
}

test("a next daemon ends consoles whose services rest, or are no more, and no other", async () => {
  const { keeper } = await begun();
  const next = testSystem([program("runs"), program("rests")], keeper.successor());
  await waitFor("two consoles are ended", () => next.keeper.children.length === 2);
  await settle();
  const ids = next.keeper.children.map(({ id }) => id);
  assert.ok(ids.includes(holderId("runs")), ids.join(" "));
  assert.ok(!ids.includes(holderId("rests")) && !ids.includes(holderId("gone")));
});

test("a stop is over when the console is, whoever has made it", async () => {
  const { keeper } = await begun();
  const next = testSystem([program("runs"), program("rests")], keeper.successor());
  await next.system.supervisor.stop("runs", [], client());
  const living = next.keeper.children.filter(({ state }) => state !== "ended");
  assert.deepEqual(living, []);
});

test("the end of a console by accident is told, and that of one whose service ended is not", async () => {
  const { keeper } = await begun();
  const killing = keeper.successor();
  const next = testSystem([program("runs"), program("rests")], killing);
  await settle();
  await next.system.processes.signal(holderId("runs"), 9, "process");
  await waitFor("it is told", () =>
    next.lines.some((line) => /console of service runs .* signal 9/.test(line)),
  );
});
