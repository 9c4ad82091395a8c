// When the daemon's heap is given back, with a clock that the test sets.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { IdleHeap } from "../../src/daemon/idle-heap.js";
import { monotonic } from "../../src/daemon/monotonic.js";

function bed(t: TestContext): {
  readonly heap: IdleHeap;
  readonly keeper: { traffic: number; quietSince: number };
  times(): number;
} {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const keeper = { traffic: 0, quietSince: monotonic() };
  let collected = 0;
  const heap = new IdleHeap(keeper, () => {
    collected += 1;
  });
  return { heap, keeper, times: () => collected };
}

/** Nothing has happened for as long. */
function rest(t: TestContext, keeper: { quietSince: number }, ms: number): void {
  keeper.quietSince = monotonic() - ms;
  t.mock.timers.tick(ms);
}

it("is collected twice after the start, and not again", (t) => {
  const { heap, keeper, times } = bed(t);
  heap.begin();
  rest(t, keeper, 2000);
  assert.equal(times(), 1);
  rest(t, keeper, 8000);
  assert.equal(times(), 2);
  rest(t, keeper, 100_000);
  assert.equal(times(), 2);
});

it("is not collected in the midst of work", (t) => {
  const { heap, keeper, times } = bed(t);
  heap.begin();
  keeper.quietSince = monotonic() + 1900;
  t.mock.timers.tick(2000);
  assert.equal(times(), 0);
});

it("is collected again after much has happened, and not after little", (t) => {
  const { heap, keeper, times } = bed(t);
  keeper.traffic = 100;
  heap.stir();
  rest(t, keeper, 10_000);
  assert.equal(times(), 0);
  keeper.traffic = 300;
  heap.stir();
  heap.stir();
  rest(t, keeper, 2000);
  assert.equal(times(), 1);
  rest(t, keeper, 8000);
  assert.equal(times(), 2);
});
