import assert from "node:assert/strict";
import { test } from "node:test";
import { reduce } from "../../../src/daemon/controller/reduce.js";
import { initialState, type ServiceState, type StateEvent } from "../../../src/daemon/controller/state.js";

function after(...events: StateEvent[]): ServiceState {
  return events.reduce(reduce, initialState);
}

const up: StateEvent[] = [
  { type: "start", time: 1, arguments: [] },
  { type: "spawned", child: "web#1" },
  { type: "own-process-ended", id: "web#1", end: { pid: 7, start: 70, status: 0, time: 1 } },
  { type: "started", time: 2, value: true },
];

test("a start goes from stopped through starting to running, and the history is newest first", () => {
  const state = after(...up);
  assert.equal(state.status, "running");
  assert.equal(state.value, true);
  assert.deepEqual(state.processes, []);
  assert.deepEqual(state.statusChanges, [
    { status: "running", time: 2 },
    { status: "starting", time: 1 },
  ]);
});

test("processes that a start made stay known until they end, and are to be ended when the service's own process does", () => {
  const state = after(
    { type: "start", time: 1, arguments: ["x"] },
    { type: "spawned", child: "web#1" },
    { type: "spawned", child: "web#2" },
  );
  assert.deepEqual(state.processes, [{ id: "web#2" }, { id: "web#1" }]);
  assert.deepEqual(state.startArguments, ["x"]);
  const ended = reduce(state, {
    type: "own-process-ended",
    id: "web#1",
    end: { pid: 7, start: 70, status: 256, time: 1 },
  });
  assert.deepEqual(ended.processes[1], { id: "web#1", end: { pid: 7, start: 70, status: 256, time: 1 } });
  const value = { type: "process", id: "web#2", pid: 8, start: 80, command: ["x"] } as const;
  const running = reduce(state, { type: "started", time: 2, value, child: "web#2" });
  assert.deepEqual(running.processes, [{ id: "web#1" }]);
  const leader = { id: "web#2", pid: 8 };
  const over = reduce(running, { type: "process-ended", time: 3, status: 9, leader });
  assert.deepEqual(over.leaders, [leader, { id: "web#1", pid: 0 }]);
  assert.deepEqual(over.processes, []);
  const again = reduce(over, { type: "start", time: 4, arguments: [] });
  assert.deepEqual(reduce(again, { type: "cleared-away", leaders: [leader] }).leaders, [
    { id: "web#1", pid: 0 },
  ]);
});

test("a failed start is stopped, remembered with its reason, and forgotten after a good one", () => {
  const failed = after(
    { type: "start", time: 1, arguments: [] },
    { type: "start-failed", time: 2, reason: "exec /x: No such file" },
  );
  assert.equal(failed.status, "stopped");
  assert.deepEqual(failed.startupFailures, [2]);
  assert.equal(failed.failure, "exec /x: No such file");
  const good = up.reduce(reduce, failed);
  assert.deepEqual(good.startupFailures, []);
  assert.equal(good.failure, undefined);
});

test("a one-shot that is done is stopped without having failed", () => {
  const state = after({ type: "start", time: 1, arguments: [] }, { type: "one-shot-done", time: 2 });
  assert.equal(state.status, "stopped");
  assert.deepEqual(state.startupFailures, []);
});

test("the end of the process stops a running service and leaves it enabled", () => {
  const state = after(...up, { type: "process-ended", time: 3, status: 0 });
  assert.equal(state.status, "stopped");
  assert.equal(state.value, undefined);
  assert.equal(state.enabled, true);
  assert.deepEqual(state.exitStatuses, [{ status: 0, time: 3 }]);
});

test("an end during a stop is recorded; the stop itself ends it", () => {
  const stopping = after(...up, { type: "stop", time: 3 }, { type: "process-ended", time: 4, status: 15 });
  assert.equal(stopping.status, "stopping");
  const stopped = reduce(stopping, { type: "stopped", time: 5, explicit: true });
  assert.equal(stopped.status, "stopped");
  assert.deepEqual(stopped.exitStatuses, [{ status: 15, time: 4 }]);
});

test("respawns are counted until an explicit stop or an enable", () => {
  const respawned = after(
    ...up,
    { type: "process-ended", time: 3, status: 9 },
    { type: "respawning", time: 4 },
  );
  assert.deepEqual(respawned.lastRespawns, [4]);
  assert.deepEqual(reduce(respawned, { type: "enable" }).lastRespawns, []);
});

test("disabling says why, cancels a waiting respawn, and enabling forgets it", () => {
  const waiting = after(
    ...up,
    { type: "process-ended", time: 3, status: 9 },
    { type: "respawn-scheduled", at: 4 },
  );
  const disabled = reduce(waiting, { type: "disable", because: "Respawning too fast." });
  assert.equal(disabled.enabled, false);
  assert.equal(disabled.respawnAt, undefined);
  assert.equal(disabled.disabledBecause, "Respawning too fast.");
  assert.equal(reduce(disabled, { type: "enable" }).disabledBecause, undefined);
});

test("histories are bounded", () => {
  let state = initialState;
  for (let time = 0; time < 500; time += 1) {
    state = [
      { type: "start", time, arguments: [] } as const,
      { type: "started", time, value: true } as const,
      { type: "process-ended", time, status: 256 } as const,
      { type: "respawning", time } as const,
    ].reduce<ServiceState>(reduce, state);
  }
  assert.equal(state.statusChanges.length, 30);
  assert.equal(state.exitStatuses.length, 10);
  assert.equal(state.lastRespawns.length, 100);
});

test("an event that cannot happen in a state is a defect and throws", () => {
  assert.throws(
    () => reduce(initialState, { type: "stop", time: 1 }),
    /needs a running service; it is stopped/,
  );
  assert.throws(
    () => after({ type: "start", time: 1, arguments: [] }, { type: "start", time: 2, arguments: [] }),
    /needs a stopped service/,
  );
});

test("a state survives the JSON of its note", () => {
  const state = after(...up);
  assert.deepEqual({ ...initialState, ...(JSON.parse(JSON.stringify(state)) as object) }, state);
});
