// Orders reach one writer or the next, whatever the order in which their lives are told of.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Keeper, Request } from "../../../src/daemon/keeper/types.js";
import { type Answer, OrderQueue } from "../../../src/daemon/logs/order-queue.js";
import { FakeKeeper } from "../../support/fake-keeper.js";

/** A keeper that only remembers which messages it was to pass on, as their tags, and which of these asked for an answer. */
function recorder() {
  const passed: number[] = [];
  const asking: boolean[] = [];
  const refused = new Set<number>();
  const send = async (requests: readonly Request[]) =>
    requests.map((request) => {
      if (request.op !== "pass") return { errno: 0, text: "" };
      const data = Buffer.from(request.data);
      passed.push(data.readUInt32LE(8));
      asking.push((data.readUInt16LE(6) & 2) === 0);
      return refused.has(passed.length) ? { errno: 90, text: "pass" } : { errno: 0, text: "" };
    });
  const { inventory } = new FakeKeeper();
  const keeper: Keeper = { inventory, send, onEvent: () => {}, onLost: () => {} };
  return { keeper, passed, asking, refused };
}

function answerTo(tag: number, errno = 0): Answer {
  return { type: "answer", tag, errno, text: errno === 0 ? "" : "open /x" };
}

const label = { order: { op: "label", name: "web", program: "web", pid: 1 } } as const;

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

  it("has only the last of those answered that have nothing to tell, and takes that for the others' answer", async () => {
    const { keeper, passed, asking } = recorder();
    const queue = new OrderQueue(keeper, "log/control");
    queue.open([], assert.fail);
    const done = [label, label, label, label].map((order) => queue.add(order));
    await turn();
    assert.deepEqual(asking, [false, false, false, true]);
    // One that failed is told of, and so are those before it.
    queue.take(answerTo(passed[1] ?? 0, 2))?.settle(answerTo(passed[1] ?? 0, 2));
    assert.equal((await done[0])?.errno, 0);
    await assert.rejects(done[1] ?? Promise.resolve(), /open/);
    queue.take(answerTo(passed[3] ?? 0))?.settle(answerTo(passed[3] ?? 0));
    assert.deepEqual(
      (await Promise.all(done.slice(2))).map(({ errno }) => errno),
      [0, 0],
    );
  });

  it("sends those again whose answer another one was to bring that could not be sent", async () => {
    const { keeper, passed, asking, refused } = recorder();
    const queue = new OrderQueue(keeper, "log/control");
    queue.open([], assert.fail);
    refused.add(2);
    const [first, second] = [queue.add(label), queue.add(label)];
    await assert.rejects(second, /pass/);
    await turn();
    assert.deepEqual(asking, [false, true, true]);
    assert.equal(passed[2], passed[0]);
    queue.take(answerTo(passed[2] ?? 0))?.settle(answerTo(passed[2] ?? 0));
    assert.equal((await first).errno, 0);
  });

  it("tells of its progress by what it was asked, not by what each writer is told anew", async () => {
    const { keeper, passed } = recorder();
    const queue = new OrderQueue(keeper, "log/control");
    const done = queue.add(label);
    for (let writer = 0; writer < 3; writer++) {
      queue.open([{ order: { op: "begin" } }], assert.fail);
      await turn();
      queue.take(answerTo(passed.at(-2) ?? 0))?.settle(answerTo(passed.at(-2) ?? 0));
      assert.equal(queue.answered, 0);
    }
    queue.take(answerTo(9999))?.settle(answerTo(9999)); // an earlier daemon's
    assert.equal(queue.answered, 0);
    queue.take(answerTo(passed.at(-1) ?? 0))?.settle(answerTo(passed.at(-1) ?? 0));
    assert.equal(queue.answered, 1);
    assert.equal((await done).errno, 0);
  });
});
