// The fake keeper follows the contract where tests of the daemon rely on it.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import type { KeeperEvent } from "../../../src/daemon/keeper/types.js";
import { FakeKeeper } from "../../support/fake-keeper.js";

const { errno, signals } = constants;
const spawn = { op: "spawn", id: "a", spec: { arguments: ["true"] } } as const;

/** Resolves with the next events, once there are so many. */
function events(keeper: FakeKeeper, count: number): Promise<readonly KeeperEvent[]> {
  return new Promise((resolve) => {
    const seen: KeeperEvent[] = [];
    keeper.onEvent((event) => {
      seen.push(event);
      if (seen.length === count) resolve(seen);
    });
  });
}

test("a child is started, signalled and ended; its id is free once its end is acknowledged", async () => {
  const keeper = new FakeKeeper();
  const awaited = events(keeper, 2);
  const [result] = await keeper.send([spawn]);
  assert.equal(result?.pid, keeper.child("a").pid);
  await keeper.send([{ op: "signal-child", id: "a", signal: signals.SIGTERM, scope: "group" }]);
  const [started, ended] = await awaited;
  assert.equal(started?.type, "child-started");
  assert.ok(ended?.type === "child-ended" && ended.status === signals.SIGTERM);
  assert.deepEqual(keeper.child("a").signals, [{ signal: signals.SIGTERM, scope: "group" }]);
  const [again, acknowledged, free] = await keeper.send([
    spawn,
    { op: "acknowledge", event: ended.event },
    spawn,
  ]);
  assert.deepEqual([again?.errno, acknowledged?.errno, free?.errno], [errno.EEXIST, 0, 0]);
});

test("results are seen before the events that followed them", async () => {
  const keeper = new FakeKeeper();
  const order: string[] = [];
  const event = new Promise<void>((resolve) => {
    keeper.onEvent(() => {
      order.push("event");
      resolve();
    });
  });
  await keeper.send([spawn]);
  order.push("result");
  await event;
  assert.deepEqual(order, ["result", "event"]);
});

test("with stopOnError nothing is applied after a refusal", async () => {
  const keeper = new FakeKeeper();
  keeper.refuse("pipe", errno.ENOSPC, "pipe p");
  const results = await keeper.send(
    [
      { op: "put-note", key: "k", value: new Uint8Array([1]) },
      { op: "pipe", name: "p" },
      { op: "delete-note", key: "k" },
    ],
    { stopOnError: true },
  );
  assert.deepEqual(
    results.map((result) => result.errno),
    [0, errno.ENOSPC, errno.ECANCELED],
  );
  assert.ok(keeper.notes.has("k"));
});

test("a successor finds what the keeper holds and what nobody acknowledged", async () => {
  const first = new FakeKeeper({ onSpawn: () => undefined });
  await first.send([
    { op: "put-note", key: "k", value: new Uint8Array([1]) },
    spawn,
    { op: "arm-timer", id: "t", clock: "monotonic", at: 1n, kill: "a" },
  ]);
  const second = first.successor();
  await assert.rejects(first.send([spawn]), /lost the keeper/);
  assert.deepEqual(
    second.inventory.children.map(({ id, state }) => [id, state]),
    [["a", "setup"]],
  );
  assert.deepEqual([...second.inventory.notes.keys()], ["k"]);
  assert.equal(second.inventory.keeper.generation, 1);
  second.fire("t");
  const third = second.successor();
  const types = (await events(third, 2)).map(({ type }) => type);
  assert.deepEqual(types, ["timer-fired", "child-ended"]);
});

test("finish ends the keeper", async () => {
  const keeper = new FakeKeeper();
  const lost = new Promise<Error>((resolve) => keeper.onLost(resolve));
  await assert.rejects(keeper.send([{ op: "finish", how: "exit", code: 3 }]), /lost the keeper/);
  assert.match((await lost).message, /lost the keeper/);
  assert.deepEqual(keeper.finished, { how: "exit", code: 3 });
});
