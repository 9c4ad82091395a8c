// A stop is rehearsed without a trace.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearseStop } from "../../src/daemon/rehearsal.js";
import { program, servicesOf } from "../support/crashes.js";
import { client, definition, fakeKeeper, settle, testSystem } from "../support/system.js";

test("the rehearsal of a stop asks nothing of the keeper, says nothing and stops nothing", async () => {
  const keeper = fakeKeeper({ keeper: { pid: process.pid } });
  const one = testSystem(
    [definition("root"), program("base"), program("web", { requirement: ["base"] })],
    keeper,
  );
  const { system, lines } = one;
  assert.equal(await system.supervisor.start("web", [], client()), true);
  await settle();
  const before = [keeper.requests.length, lines.length, servicesOf(one)];
  await rehearseStop(system.host, system.supervisor);
  await settle();
  assert.deepEqual([keeper.requests.length, lines.length, servicesOf(one)], before);
  assert.deepEqual(
    keeper.children.map(({ signals }) => signals),
    [[], []],
  );
});
