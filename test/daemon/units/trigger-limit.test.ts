// How often a unit may start another one.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TriggerLimit } from "../../../src/daemon/units/trigger-limit.js";

test("so many within the time, and others once that has passed", () => {
  let now = 0;
  const limit = new TriggerLimit({ burst: 2, seconds: 1 }, () => now);
  assert.deepEqual([limit.take(), limit.take(), limit.take()], [true, true, false]);
  now = 999;
  assert.equal(limit.take(), false);
  now = 1000;
  assert.deepEqual([limit.take(), limit.take(), limit.take()], [true, true, false]);
});

test("0 of either is no limit", () => {
  for (const settings of [
    { burst: 0, seconds: 2 },
    { burst: 2, seconds: 0 },
  ]) {
    const limit = new TriggerLimit(settings, () => 0);
    assert.deepEqual([limit.take(), limit.take(), limit.take()], [true, true, true]);
  }
});
