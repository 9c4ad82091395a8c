// What leaves in one frame, and which notes are left out of it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LateNote, Outbox } from "../../src/daemon/outbox.js";
import { FakeKeeper } from "../support/fake-keeper.js";
import { settle } from "../support/system.js";

function note(key: string, text: string, made: string[] = []): LateNote {
  const late = (): Uint8Array => {
    made.push(text);
    return Buffer.from(text);
  };
  return { op: "put-note", key, late };
}

describe("the outbox", () => {
  it("sends in one frame what all promise reactions of a turn have posted", async () => {
    const keeper = new FakeKeeper();
    const outbox = new Outbox(keeper);
    const post = async (key: string): Promise<void> => {
      await Promise.resolve();
      await Promise.resolve();
      await outbox.post(note(key, key));
    };
    await Promise.all([outbox.post(note("a", "a")), post("b"), post("c")]);
    assert.deepEqual(
      keeper.frames.map((frame) => frame.length),
      [3],
    );
  });

  it("makes and sends of a key's notes only the last, and has a result for each", async () => {
    const keeper = new FakeKeeper();
    const outbox = new Outbox(keeper);
    const made: string[] = [];
    const results = await Promise.all([
      outbox.post(note("web", "1", made), { op: "pipe", name: "output/web" }),
      outbox.post(note("db", "2", made)),
      outbox.post({ op: "pipe", name: "output/web" }, note("web", "3", made)),
    ]);
    assert.deepEqual(made, ["2", "3"]);
    assert.deepEqual(
      keeper.requests.map(({ op }) => op),
      ["pipe", "put-note", "pipe", "put-note"],
    );
    assert.equal(Buffer.from(keeper.notes.get("web") ?? "").toString(), "3");
    assert.deepEqual(
      results.map((some) => some.map(({ errno }) => errno !== 0)),
      [[false, false], [false], [true, false]],
    );
  });

  it("leaves no note out where the turn's requests do not fit into one frame", async () => {
    const keeper = new FakeKeeper();
    const outbox = new Outbox(keeper);
    const long = "x".repeat(200_000);
    for (const key of ["a", "b", "c", "a"]) outbox.post(note(key, long)).catch(assert.fail);
    await settle();
    assert.deepEqual(
      keeper.frames.map((frame) => frame.map((request) => "key" in request && request.key)),
      [
        ["a", "b"],
        ["c", "a"],
      ],
    );
  });
});
