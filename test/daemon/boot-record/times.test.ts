// Times of a recorded boot become those of the boot that repeats it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { withTimes } from "../../../src/daemon/boot-record/times.js";
import { initialState, type ServiceState } from "../../../src/daemon/controller/state.js";

const started = 1_000_000_000n;
const spawned = (id: string): bigint | undefined => (id === "a#boot" ? 2_500_000_000n : undefined);
const times = (state: Partial<ServiceState>): ServiceState =>
  withTimes({ ...initialState, ...state }, started, spawned);

test("a wish is of when the keeper began, a start of when its process did", () => {
  assert.equal(times({ wanted: "start", wantedSince: 0 }).wantedSince, 1);
  const starting = { status: "starting", statusChanges: [{ status: "starting", time: 0 }] } as const;
  assert.deepEqual(times({ ...starting, processes: [{ id: "a#boot" }] }).statusChanges, [
    { status: "starting", time: 2.5 },
  ]);
  assert.deepEqual(times({ ...starting, processes: [{ id: "gone#boot" }] }).statusChanges, [
    { status: "starting", time: 1 },
  ]);
});

test("what is known stays", () => {
  const state: ServiceState = {
    ...initialState,
    wanted: "start",
    wantedSince: 7,
    statusChanges: [{ status: "stopped", time: 5 }],
  };
  assert.equal(withTimes(state, started, spawned), state);
  assert.equal(withTimes(initialState, started, spawned), initialState);
});
