// When the daemon's heap is given back, with a clock that the test sets.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { IdleHeap } from "../../src/daemon/idle-heap.js";
import { monotonic } from "../../src/daemon/monotonic.js";

function bed(t: TestContext): {
  readonly heap: IdleHeap;
  readonly keeper: { traffic: number; quietSince: number };
  /** For each time that memory was given back, whether it was collected before. */
  times(): readonly boolean[];
} {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const keeper = { traffic: 0, quietSince: monotonic() };
  const reclaimed: boolean[] = [];
  const heap = new IdleHeap(keeper, (collects) => void reclaimed.push(collects));
  return { heap, keeper, times: () => reclaimed };
}

/** Nothing has happened for as long. */
function rest(t: TestContext, keeper: { quietSince: number }, ms: number): void {
  keeper.quietSince = monotonic() - ms;
  t.mock.timers.tick(ms);
}

it("is collected after the start, given back once more later, and left alone then", (t) => {
  const { heap, keeper, times } = bed(t);
  heap.begin();
  rest(t, keeper, 2000);
  assert.deepEqual(times(), [true]);
  rest(t, keeper, 12_000);
  assert.deepEqual(times(), [true, false]);
  rest(t, keeper, 100_000);
  assert.deepEqual(times(), [true, false]);
});

it("has something done before all else, once, and something else each time that nothing is left", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const keeper = { traffic: 0, quietSince: monotonic() };
  const seen: string[] = [];
  const heap = new IdleHeap(keeper, (collects) => void seen.push(collects ? "collected" : "given back"), {
    onFirstRest: () => void seen.push("first"),
    onLastRest: () => void seen.push("last"),
  });
  const burst = ["collected", "given back", "last"];
  heap.begin();
  rest(t, keeper, 2000);
  rest(t, keeper, 12_000);
  assert.deepEqual(seen, ["first", ...burst]);
  keeper.traffic = 300;
  heap.stir();
  rest(t, keeper, 2000);
  rest(t, keeper, 12_000);
  assert.deepEqual(seen, ["first", ...burst, ...burst]);
});

it("is not collected in the midst of work", (t) => {
  const { heap, keeper, times } = bed(t);
  heap.begin();
  keeper.quietSince = monotonic() + 1900;
  t.mock.timers.tick(2000);
  assert.deepEqual(times(), []);
});

it("is collected again after much has happened, and not after little", (t) => {
  const { heap, keeper, times } = bed(t);
  keeper.traffic = 100;
  heap.stir();
  rest(t, keeper, 20_000);
  assert.deepEqual(times(), []);
  keeper.traffic = 300;
  heap.stir();
  heap.stir();
  rest(t, keeper, 2000);
  assert.deepEqual(times(), [true]);
  rest(t, keeper, 12_000);
  assert.deepEqual(times(), [true, false]);
});
