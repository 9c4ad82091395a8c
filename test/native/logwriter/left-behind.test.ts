// What a writer finds in the memory file of one that was killed, laid out here byte by byte: also one of the first
// release, which an upgrade in place leaves behind.

import assert from "node:assert/strict";
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { skip } from "../keeper/bed.js";

/** Offsets of `struct commit`; up to `carry` they are the first release's too. */
const at = {
  phase: 8,
  places: 12,
  place: 16,
  end: 112,
  slot: 116,
  taken: 120,
  next: 124,
  restAt: 132,
  ringNext: 136,
  ring: 176,
  slots: 272,
  text: 4_587_792,
  ringText: 4_718_864,
  carry: 7_864_592,
} as const;
const placeSize = 24;
const nameSize = 256;
const line = 65_536;
const phases = { taking: 1, writing: 2, saving: 3 } as const;

interface Left {
  readonly phase: keyof typeof phases;
  /** What it had taken of the stream's pipe; of that, so much is in the memory file. */
  readonly batch: string;
  readonly inTransfer?: string;
  /** The beginning of a line that had not ended yet. */
  readonly rest?: string;
  /** What it had appended to these files, which exist, and with how much it began. */
  readonly files?: readonly { readonly path: string; readonly size: number }[];
}

/** The memory file of the first release's writer, with a batch of stream `a`. */
function firstLayout({ phase, batch, inTransfer = "", rest = "", files = [] }: Left): Buffer {
  const file = Buffer.alloc(at.carry + line);
  file.write("SHTSGL01", 0, "latin1");
  file.writeUInt32LE(phases[phase], at.phase);
  file.writeUInt32LE(files.length, at.places);
  for (const [index, { path, size }] of files.entries()) {
    const { dev, ino } = statSync(path, { bigint: true });
    for (const [field, value] of [dev, ino, BigInt(size)].entries())
      file.writeBigUInt64LE(value, at.place + index * placeSize + field * 8);
  }
  file.writeUInt32LE(1, at.end);
  file.writeUInt32LE(batch.length + inTransfer.length, at.taken);
  file.writeUInt8(1, at.slots);
  file.write("a", at.slots + 1);
  file.writeUInt32LE(rest.length, at.slots + nameSize);
  file.write(rest, at.carry);
  file.write(batch, at.text + line);
  return file;
}

/** Has the next writer find this, and waits until it has done with it. */
async function leave(bench: Bench, memory: Buffer, transfer = ""): Promise<void> {
  writeFileSync(bench.path("transfer"), transfer);
  writeFileSync(bench.path("memory"), memory);
  await bench.signal("SIGKILL");
  await bench.writer.drain("a", { partial: false });
}

const wrapper = `
[ -e $DIR/memory ] && cat $DIR/memory >&4 && cat $DIR/transfer >&5 && mv $DIR/memory $DIR/used
exec $WRITER`;

function withStream(test: (bench: Bench, file: string) => Promise<void>): Promise<void> {
  return withBench(
    async (bench) => {
      await bench.sink();
      const file = bench.path("a.log");
      await bench.open("a", { file: { path: file } });
      await test(bench, file);
    },
    { wrapper },
  );
}

describe("a log writer that finds what one of the first release had begun", { skip }, () => {
  it("takes what is left of a batch, and the beginning of a line", () =>
    withStream(async (bench) => {
      await leave(
        bench,
        firstLayout({ phase: "taking", rest: "half ", batch: "a line\ntwo\nth", inTransfer: "ree\n" }),
        "ree\n",
      );
      assert.deepEqual(bench.lines("a.log"), ["half a line", "two", "three"]);
    }));

  it("cuts off what was appended, and writes the batch once", () =>
    withStream(async (bench, path) => {
      await bench.write("a", "before\\n");
      await bench.writer.drain();
      const size = bench.read("a.log").length;
      appendFileSync(path, "2026-11-20 12:00:00 one\n2026-11-20 12:0");
      await leave(bench, firstLayout({ phase: "writing", batch: "one\ntwo\nthr", files: [{ path, size }] }));
      await bench.write("a", "ee\\n");
      await bench.writer.drain();
      assert.deepEqual(bench.lines("a.log"), ["before", "one", "two", "three"]);
    }));

  it("keeps what follows from a batch that is written", () =>
    withStream(async (bench) => {
      const memory = firstLayout({ phase: "saving", batch: "one\nha" });
      memory.writeUInt32LE(2, at.next);
      memory.writeUInt32LE(line + 4, at.restAt);
      await leave(bench, memory);
      await bench.write("a", "lf\\n");
      await bench.writer.drain();
      assert.deepEqual(bench.lines("a.log"), ["half"]);
    }));

  it("cuts a file off once that was noted under two names", () =>
    withStream(async (bench, path) => {
      await bench.write("a", "before\\n");
      await bench.writer.drain();
      const size = bench.read("a.log").length;
      const stamped = "2026-11-20 12:00:00 one\n";
      appendFileSync(path, stamped.repeat(2));
      const files = [size, size + stamped.length].map((before) => ({ path, size: before }));
      await leave(bench, firstLayout({ phase: "writing", batch: "one\n", files }));
      assert.deepEqual(bench.lines("a.log"), ["before", "one"]);
    }));
});
