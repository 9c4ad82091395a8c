// Who waits for the log writer waits as long as it gets on, and no longer.

import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { endsInTime, patience } from "../../../src/daemon/logs/patience.js";

/** Work that the test ends, and what has come of waiting for it. */
function waitingFor(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const waiting = { progress: 0, outcome: "waits", end: () => {}, fail: (_: Error) => {} };
  const work = new Promise<void>((resolve, reject) => {
    waiting.end = resolve;
    waiting.fail = reject;
  });
  endsInTime(work, () => waiting.progress).then(
    (done) => {
      waiting.outcome = done ? "done" : "given up";
    },
    (error: unknown) => {
      waiting.outcome = String(error);
    },
  );
  return waiting;
}

describe("patience with the log writer", () => {
  it("is renewed while there is progress, and ends when there is none", async (t) => {
    const waiting = waitingFor(t);
    for (let round = 0; round < 5; round++) {
      waiting.progress++;
      t.mock.timers.tick(patience);
      await turn();
      assert.equal(waiting.outcome, "waits");
    }
    t.mock.timers.tick(patience - 1);
    await turn();
    assert.equal(waiting.outcome, "waits");
    t.mock.timers.tick(1);
    await turn();
    assert.equal(waiting.outcome, "given up");
  });

  it("is not needed any more when the work is done, or has failed", async (t) => {
    const first = waitingFor(t);
    first.progress++;
    t.mock.timers.tick(patience);
    first.end();
    await turn();
    assert.equal(first.outcome, "done");
    t.mock.timers.reset();
    const second = waitingFor(t);
    second.fail(new Error("no room"));
    await turn();
    assert.equal(second.outcome, "Error: no room");
  });
});
