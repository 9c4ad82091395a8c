// Orders reach one writer or the next, whatever the order in which their lives are told of.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Keeper, Request } from "../../../src/daemon/keeper/types.js";
import { OrderQueue } from "../../../src/daemon/logs/order-queue.js";
import { FakeKeeper } from "../../support/fake-keeper.js";

/** A keeper that only remembers which messages it was to pass on, as their tags. */
function recorder(): { readonly keeper: Keeper; readonly passed: number[] } {
  const passed: number[] = [];
  const send = async (requests: readonly Request[]) => {
    for (const request of requests)
      if (request.op === "pass") passed.push(Buffer.from(request.data).readUInt32LE(8));
    return requests.map(() => ({ errno: 0, text: "" }));
  };
  const { inventory } = new FakeKeeper();
  return { keeper: { inventory, send, onEvent: () => {}, onLost: () => {} }, passed };
}

describe("the queue of orders", () => {
  it("sends what a writer did not answer to the next one, even if the end of the first was told of too early", async () => {
    const { keeper, passed } = recorder();
    const queue = new OrderQueue(keeper, "log/control");
    const done = queue.add({ order: { op: "reopen" } });
    queue.close(); // the end of a writer, of whose beginning nothing was said yet
    queue.open([{ order: { op: "begin" } }], assert.fail);
    await turn();
    assert.equal(passed.length, 2);
    queue.open([{ order: { op: "begin" } }], assert.fail);
    await turn();
    // The introduction anew, and the same order again.
    assert.equal(passed.length, 4);
    const [, order = 0, , again = 0] = passed;
    assert.equal(again, order);
    const answer = { type: "answer", tag: order, errno: 0, text: "" } as const;
    queue.take(answer)?.settle(answer);
    assert.equal((await done).errno, 0);
  });
});
