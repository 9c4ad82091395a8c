// A short torture, and whether its judges can tell.

import assert from "node:assert/strict";
import { it } from "node:test";
import { added } from "./changes.js";
import { possibleValues } from "./influence.js";
import { run } from "./run.js";
import type { Snapshot } from "./snapshot.js";
import { isTold } from "./timer-model.js";
import { plan } from "./workload.js";

it("30 kills lose nothing", async () => {
  const { violations, kills, text } = await run({ kills: 30 });
  assert.equal(violations, 0, text);
  assert.ok(kills >= 30, `${kills} kills`);
});

it("a keeper that is no PID 1 loses as little", async () => {
  const { violations, text } = await run({ subreaper: true });
  assert.equal(violations, 0, text);
});

it("the same seed plans the same, another one something else", () => {
  assert.deepEqual(plan(7, 50), plan(7, 50));
  assert.notDeepEqual(plan(7, 50), plan(8, 50));
  const kills = plan(7, 50).flatMap(({ rounds }) => rounds.flatMap((round) => round.kills));
  assert.equal(kills.length, 50);
});

it("a flag is what its last setting says, as far as an order is known", () => {
  const on = { value: true, sent: 0, ended: 1, certain: true };
  const off = { value: false, sent: 2, ended: 3, certain: true };
  assert.deepEqual(possibleValues(true, [on, off]), new Set([false]));
  assert.deepEqual(possibleValues(true, [on, { ...off, sent: 0.5 }]), new Set([true, false]));
  assert.deepEqual(possibleValues(true, [{ ...off, certain: false }]), new Set([true, false]));
  assert.deepEqual(possibleValues(false, []), new Set([false]));
});

it("a run that is known by its status alone has not told its mark", () => {
  const mark = "system.ticker%230.1";
  const timer = { processes: [{ pid: 7, start: 1 }], past: [] };
  const seen = (processes: readonly object[], runs: readonly object[]): Snapshot =>
    ({
      services: new Map([["ticker", { timer }]]),
      processes,
      runs: new Map([["ticker", runs]]),
    }) as unknown as Snapshot;
  assert.equal(isTold("ticker", seen([{ inner: 7, mark: undefined }], [])), false);
  assert.equal(isTold("ticker", seen([{ inner: 7, mark }], [])), false);
  assert.equal(isTold("ticker", seen([], [])), false);
  assert.equal(isTold("ticker", seen([{ inner: 7, mark }], [{ mark }])), true);
});

it("what a history gained is told, and that it lost something", () => {
  const same = (a: number, b: number): boolean => a === b;
  assert.deepEqual(added([2, 1], [4, 3, 2, 1], same), [4, 3]);
  assert.deepEqual(added([3, 2, 1], [4, 3, 2], same), [4]);
  assert.deepEqual(added([2, 1], [2, 1], same), []);
  assert.deepEqual(added([], [1], same), [1]);
  assert.equal(added([2, 1], [3], same), undefined);
  assert.equal(added([2, 1], [4, 3], same), undefined);
});
