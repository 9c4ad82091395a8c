// Work that comes in crowds: nobody else waits for all of it.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Pace } from "../../../src/daemon/timers/pace.js";

/** Takes longer than a turn is to take. */
function toil(): void {
  const end = performance.now() + 15;
  while (performance.now() < end);
}

test("what takes long leaves turns to others in between", async () => {
  const pace = new Pace();
  const order: string[] = [];
  for (const name of ["a", "b", "c"])
    pace.soon(() => {
      toil();
      order.push(name);
    });
  assert.equal(order.length, 0);
  for (let others = 0; order.length < 3 || others < 3; others += 1) {
    await turn();
    order.push("-");
  }
  assert.match(order.join(""), /^-?a-+b-+c-*$/);
});

test("what is done belongs to no request, whoever asked for it first", async () => {
  const pace = new Pace();
  const request = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  request.run("of a client", () => pace.soon(() => seen.push(request.getStore())));
  await turn();
  await turn();
  assert.deepEqual(seen, [undefined]);
});

test("what is asked for twice is done once, and what is cancelled not at all", async () => {
  const pace = new Pace();
  const done: string[] = [];
  const once = (): void => void done.push("once");
  const never = (): void => void done.push("never");
  pace.soon(once);
  pace.soon(never);
  pace.soon(once);
  pace.cancel(never);
  await turn();
  await turn();
  assert.deepEqual(done, ["once"]);
});
