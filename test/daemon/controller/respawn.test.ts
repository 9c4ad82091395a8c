import assert from "node:assert/strict";
import { test } from "node:test";
import { respawnLimitHit } from "../../../src/daemon/controller/respawn.js";

const limit = { times: 3, seconds: 10 };

test("as many respawns as the limit says are allowed, and no more", () => {
  assert.equal(respawnLimitHit([], limit, 100), false);
  assert.equal(respawnLimitHit([99, 98], limit, 100), false);
  assert.equal(respawnLimitHit([99, 98, 97], limit, 100), true);
});

test("respawns that are older than the window do not count", () => {
  assert.equal(respawnLimitHit([99, 98, 90], limit, 100), false);
  assert.equal(respawnLimitHit([99, 98, 90.5], limit, 100), true);
});

test("without a limit there is none; a limit of no times is hit at once", () => {
  assert.equal(respawnLimitHit(new Array<number>(50).fill(100), false, 100), false);
  assert.equal(respawnLimitHit([], { times: 0, seconds: 10 }, 100), true);
});
