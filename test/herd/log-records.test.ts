// Lines of each format of log file, and what is made of those that nobody expects.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LineSplitter } from "../../src/herd/log/line-splitter.js";
import { recordParser } from "../../src/herd/log/records.js";

function inZone<T>(zone: string, body: () => T): T {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return body();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test("a file with stamps; a line without one belongs to the one before", () => {
  inZone("UTC", () => {
    const parse = recordParser("stamped");
    const records = [
      "foreign",
      "2026-11-21 06:00:01 hello",
      "foreign again",
      "2026-11-21 06:00:02 ",
      "2026-11-21 06:00:02",
    ].map((line) => parse(Buffer.from(line)));
    const time = Date.UTC(2026, 10, 21, 6, 0, 1) / 1000;
    assert.deepEqual(records, [
      { stamp: "", text: "foreign", continued: false },
      { time, stamp: "2026-11-21 06:00:01", text: "hello", continued: false },
      { time, stamp: "", text: "foreign again", continued: false },
      { time: time + 1, stamp: "2026-11-21 06:00:02", text: "", continued: false },
      { time: time + 1, stamp: "2026-11-21 06:00:02", text: "", continued: false },
    ]);
  });
});

test("only after a line of full length do three dots mean that it goes on", () => {
  const parse = recordParser("stamped");
  const read = (text: string) => parse(Buffer.from(`2026-11-21 06:00:01 ${text}`));
  assert.equal(read("... dots of its own")?.continued, false);
  read("x".repeat(65_536));
  assert.deepEqual(
    [read(`... ${"é".repeat(32_768)}`), read("... end"), read("... next")].map((record) => [
      record?.continued,
      record?.text.length,
    ]),
    [
      [true, 32_768],
      [true, 3],
      [false, 8],
    ],
  );
});

test("the hour that comes twice keeps the order of the file; a clock that was set back does not", () => {
  inZone("Europe/Paris", () => {
    const parse = recordParser("stamped");
    const time = (clock: string) => parse(Buffer.from(`2026-10-25 ${clock} x`))?.time;
    const base = Date.UTC(2026, 9, 25) / 1000;
    assert.deepEqual(
      ["02:10:00", "02:50:00", "02:20:00", "02:59:59", "03:00:00", "01:00:00"].map(time),
      [600, 3000, 4800, 7199, 7200, -3600].map((seconds) => base + seconds),
    );
  });
});

test("a recent history, and a file of JSON objects", () => {
  inZone("UTC", () => {
    const parse = recordParser("recent");
    assert.deepEqual(parse(Buffer.from("1795242600.250000000 hello")), {
      time: 1795242600.25,
      stamp: "2026-11-21 06:30:00",
      text: "hello",
      continued: false,
    });
    const lines = [
      '{"level":30,"time":1795242600250,"service":"web","pid":5,"msg":"hello"}',
      '{"level":30,"time":1795242600250,"service":"web","pid":5,"msg":"more","continued":true}',
      '{"level":30,"time":1795242600250,"msg":"own"}',
      "no JSON",
      "[]",
      "null",
    ];
    const texts = (service?: string) => {
      const json = recordParser("json", service);
      return lines.map((line) => json(Buffer.from(line))).flatMap((record) => record?.text ?? []);
    };
    assert.deepEqual(texts("web"), ["hello", "more"]);
    assert.deepEqual(texts("root"), ["own"]);
    assert.deepEqual(texts(), ["hello", "more", "own"]);
  });
});

test("lines of any length from chunks of any length, with bounded memory", () => {
  const text = "a\n\nbc\nüü\nend";
  for (let size = 1; size <= text.length + 2; size += 1) {
    const splitter = new LineSplitter();
    const bytes = Buffer.from(text);
    const lines: Buffer[] = [];
    for (let from = 0; from < bytes.length; from += size)
      lines.push(...splitter.feed(bytes.subarray(from, from + size)));
    assert.equal(splitter.pending, 3);
    lines.push(...splitter.end());
    assert.deepEqual(lines.map(String), ["a", "", "bc", "üü", "end"], String(size));
  }
  const endless = new LineSplitter();
  let length = 0;
  for (let count = 0; count < 100; count += 1) {
    for (const line of endless.feed(Buffer.alloc(100_000, "x"))) length += line.length;
    assert.ok(endless.pending <= 256 * 1024);
  }
  assert.equal(length + endless.pending, 10_000_000);
});
