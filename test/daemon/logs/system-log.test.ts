// The system log's orders, where a writer or a daemon dies between them, or the keeper refuses.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Keeper, Request, Result } from "../../../src/daemon/keeper/types.js";
import { noteSystemLog } from "../../../src/daemon/logs/log-notes.js";
import { OrderQueue } from "../../../src/daemon/logs/order-queue.js";
import { SystemLog, type SystemLogSetup } from "../../../src/daemon/logs/system-log.js";
import { FakeKeeper } from "../../support/fake-keeper.js";

const setup: SystemLogSetup = {
  service: "system-log",
  sockets: ["log/socket"],
  kernelLog: "log/kernel",
  files: ["/var/log/messages"],
  routes: { rules: [], host: "localhost", markInterval: 0 },
};
const success: Result = { errno: 0, text: "" };

interface Bed {
  readonly log: SystemLog;
  /** The tags of orders that no writer has answered yet. */
  readonly unanswered: number[];
  /** The writer answers the next order. */
  answer(): Promise<void>;
}

function bed(found: SystemLogSetup | undefined, noted = success): Bed {
  const unanswered: number[] = [];
  const send = async (requests: readonly Request[]): Promise<readonly Result[]> =>
    requests.map((request) => {
      if (request.op === "pass") unanswered.push(Buffer.from(request.data).readUInt32LE(8));
      return request.op === "put-note" ? noted : success;
    });
  const { inventory } = new FakeKeeper();
  const keeper: Keeper = { inventory, send, onEvent: () => {}, onLost: () => {} };
  const queue = new OrderQueue(keeper, "log/control");
  queue.open([], assert.fail);
  const log = new SystemLog({ keeper, queue, recentOf: () => undefined, note: noteSystemLog }, found);
  const answer = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns += 1) await turn();
    const message = { type: "answer", tag: unanswered.shift() ?? 0, errno: 0, text: "" } as const;
    queue.take(message)?.settle(message);
    for (let turns = 0; turns < 5; turns += 1) await turn();
  };
  return { log, unanswered, answer };
}

/** What the next writer would be told to open, and whether there would be rules. */
function introduced(log: SystemLog): string[] {
  return log.introduction().map(({ order }) => (order.op === "open" ? order.name : order.op));
}

describe("the orders of the system log", () => {
  it("open nothing again that is closed already, when the writer dies while the rest is", async () => {
    const { log, answer } = bed(setup);
    const all = introduced(log);
    assert.equal(all.length, 5, "two sources, two sinks, and the rules");
    const closing = log.close("system-log");
    const left: string[][] = [];
    for (let closed = 1; closed <= 4; closed += 1) {
      await answer();
      left.push(introduced(log));
    }
    await closing;
    const [service, file] = all;
    assert.deepEqual(left, [[service, file, "log/kernel", "route"], [service, file, "route"], [file], []]);
  });

  it("are not given where the keeper cannot note what they are to open", async () => {
    const refused = { errno: constants.errno.ENOSPC, text: "put note log-system: No space left on device" };
    const { log, unanswered } = bed(undefined, refused);
    await assert.rejects(
      log.open(setup),
      /note the files of the system log: put note log-system: No space left on device/,
    );
    assert.deepEqual(unanswered, []);
    assert.equal(log.setup, undefined);
  });
});
