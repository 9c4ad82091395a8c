// The channel: what the keeper does with frames that are wrong, with requests that are, and with a daemon that dies between.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import type { Request } from "../../../src/daemon/keeper/types.js";
import { encodeRequests } from "../../../src/daemon/keeper/wire.js";
import { skip, withBed } from "./bed.js";

const { EEXIST, EINVAL, ENOBUFS, ENOENT, ENOSPC, ENOSYS, EPROTO, ECANCELED } = constants.errno;
const note = (key: string, value = ""): Request => ({ op: "put-note", key, value: Buffer.from(value) });

/** A frame of one item with raw fields. */
function frame(type: number, fields: Buffer, { version = 1, kind = 1, flags = 0, items = 1 } = {}): Buffer {
  const item = Buffer.alloc(8);
  item.writeUInt32LE(4 + fields.length, 0);
  item.writeUInt16LE(type, 4);
  const body = Buffer.concat(Array.from({ length: items }, () => Buffer.concat([item, fields])));
  const header = Buffer.alloc(12);
  header.writeUInt32LE(8 + body.length, 0);
  header.writeUInt8(version, 4);
  header.writeUInt8(kind, 5);
  header.writeUInt16LE(flags, 6);
  return Buffer.concat([header, body]);
}

describe("frames", { skip, concurrency: 2 }, () => {
  const nonsense: readonly [string, Buffer, RegExp][] = [
    ["a length that is too small", Buffer.from([7, 0, 0, 0]), /length of a frame/],
    ["a length that is too large", Buffer.from([1, 0, 16, 0]), /length of a frame/],
    ["another version", frame(17, Buffer.alloc(0), { version: 2 }), /version of a frame/],
    ["another kind", frame(17, Buffer.alloc(0), { kind: 3 }), /no request/],
    ["unknown flags", frame(17, Buffer.alloc(0), { flags: 2 }), /unknown flags/],
    ["items that do not fill it", Buffer.from([10, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2]), /do not fill/],
    ["too many items", frame(17, Buffer.alloc(0), { items: 16_385 }), /too many/],
  ];
  for (const [name, bytes, reason] of nonsense) {
    it(`${name}: the daemon is replaced, and told why`, () =>
      withBed({}, async (bed) => {
        const first = await bed.agent();
        await first.ok(note("kept"));
        first.command({ kind: "raw", bytes });
        const second = await bed.agent();
        const restarted = await second.event("daemon-restarted");
        assert.equal(restarted.reason, "malformed");
        assert.match(restarted.text, reason);
        assert.match(bed.stderr, reason);
        assert.ok(second.inventory.notes.has("kept"));
      }));
  }

  it("a malformed request fails alone, and says which field", () =>
    withBed({ agent: ["--mute"] }, async (bed) => {
      const agent = await bed.agent();
      const field = (tag: number, value: Buffer): Buffer => {
        const header = Buffer.alloc(8);
        header.writeUInt16LE(tag, 0);
        header.writeUInt32LE(value.length, 4);
        return Buffer.concat([header, value]);
      };
      const integer = (tag: number, value: bigint): Buffer => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(value);
        return field(tag, bytes);
      };
      const results = await agent.ask({
        kind: "exchange",
        frames: [
          frame(6, field(20, Buffer.from("early"))),
          frame(1, integer(10, 1n)),
          frame(1, integer(10, 1n)),
          frame(99, Buffer.alloc(0)),
          frame(26, field(24, Buffer.from("keeper"))),
          frame(17, Buffer.alloc(0)),
          frame(17, Buffer.concat([field(45, Buffer.from("k")), field(45, Buffer.from("k"))])),
          frame(17, Buffer.concat([field(45, Buffer.from("k")), integer(60, 0n)])),
          frame(17, Buffer.from([45, 0, 0, 0, 9, 0, 0, 0, 65])),
          frame(20, field(50, Buffer.from("four"))),
          frame(20, integer(50, -1n)),
        ],
      });
      assert.deepEqual(
        results.map(({ errno, text }) => [errno, text]),
        [
          [EPROTO, "pipe: hello comes first, and once"],
          [0, ""],
          [EPROTO, "hello: hello comes first, and once"],
          [ENOSYS, "request 99 is unknown"],
          [EINVAL, "replace keeper by keeper: the path is not absolute"],
          [EINVAL, "delete note: field key is missing"],
          [EINVAL, "delete note: field key is repeated"],
          [EINVAL, "delete note: field 60 is unknown"],
          [EINVAL, "delete note: its fields do not fill it"],
          [EINVAL, "acknowledge: field event is no integer"],
          [EINVAL, "acknowledge: field event is out of range"],
        ],
      );
    }));

  it("without the stop flag the others are applied; with it none after the first that fails", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const failing = { op: "delete-note", key: "none" } as const;
      const free = await agent.send([note("a"), failing, note("b")]);
      assert.deepEqual(
        free.map(({ errno }) => errno),
        [0, ENOENT, 0],
      );
      const bound = await agent.send([note("c"), failing, note("d"), note("e")], true);
      assert.deepEqual(
        bound.map(({ errno }) => errno),
        [0, ENOENT, ECANCELED, ECANCELED],
      );
      await bed.killAgent(agent);
      const next = await bed.agent();
      assert.deepEqual([...next.inventory.notes.keys()], ["a", "b", "c"]);
    }));

  it("whole frames of a dead daemon are carried out, a partial one is dropped", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const whole = encodeRequests([note("whole", "1"), note("too", "2")], 1, false);
      const partial = encodeRequests([note("partial")], 2, false);
      agent.command({ kind: "last-words", bytes: Buffer.concat([whole, partial.subarray(0, -1)]) });
      const next = await bed.agent();
      assert.deepEqual([...next.inventory.notes.keys()], ["whole", "too"]);
    }));

  it("notes are bounded in key, value, number and sum", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.refused(note("k".repeat(256)), EINVAL, /too long/);
      const value = "v".repeat(262_144);
      await agent.refused(note("k", `${value}v`), ENOSPC, /too many/);
      for (let i = 0; i < 256; i++) await agent.ok(note(`k${i}`, value));
      await agent.refused(note("one more", "v"), ENOSPC, /too many/);
      await agent.ok(note("k0", ""));
      await agent.ok(note("one more", "v"));
      await bed.killAgent(agent);
      const next = await bed.agent();
      assert.equal(next.inventory.notes.size, 257);
      assert.equal(next.inventory.notes.get("k255")?.length, 262_144);
    }));

  it("16,384 timers fit and are all enumerated, in order", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const arm = (i: number): Request => ({
        op: "arm-timer",
        id: `t${i}`,
        clock: "monotonic",
        at: 2n ** 62n,
      });
      const results = await agent.send(Array.from({ length: 16_384 }, (_, i) => arm(i)));
      assert.ok(results.every(({ errno }) => errno === 0));
      await agent.refused(arm(16_384), ENOSPC, /there are 16384/);
      await agent.ok(arm(0));
      await bed.killAgent(agent);
      const { timers } = (await bed.agent()).inventory;
      assert.equal(timers.length, 16_384);
      assert.deepEqual(timers[16_383], { id: "t16383", clock: "monotonic", at: 2n ** 62n });
    }));

  it("what would not fit the result frame is not done", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const requests = Array.from(
        { length: 16_383 },
        (): Request => ({ op: "delete-note", key: "n".repeat(30) }),
      );
      const results = await agent.send([...requests, note("last")]);
      assert.equal(results.length, 16_384);
      assert.equal(results[0]?.errno, ENOENT);
      assert.equal(results.at(-1)?.errno, ENOBUFS);
      await bed.killAgent(agent);
      assert.equal((await bed.agent()).inventory.notes.size, 0);
    }));

  it("a spawn and its note are one step", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const spawn: Request = { op: "spawn", id: "one", spec: { arguments: ["/bin/true"] } };
      assert.deepEqual(
        (await agent.send([spawn, note("one")])).map(({ errno }) => errno),
        [0, 0],
      );
      const [again, after] = await agent.send([spawn, note("two")], true);
      assert.deepEqual([again?.errno, after?.errno], [EEXIST, ECANCELED]);
    }));
});
