// What a log has by now: of the file that is written, the rotated and the compressed ones.
import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { History, type HistoryOptions, type Track } from "../../src/herd/log/history.js";
import { inHand, mergeByTime } from "../../src/herd/log/merge.js";
import { LogFiles, lines, numbers, timeOf } from "./log-files.js";

before(() => {
  process.env.TZ = "UTC";
});

async function read(track: Track, options: Partial<HistoryOptions> = {}): Promise<string[]> {
  const onProblem = options.onProblem ?? ((text: string) => assert.fail(text));
  const history = await History.open(track, { filter: {}, follow: false, ...options, onProblem });
  const texts: string[] = [];
  for await (const records of history.records()) texts.push(...records.map(({ text }) => text));
  if (options.lines !== undefined) assert.equal(texts.length, history.count);
  return texts;
}

/** Lines 1 to 50 in five files, of which two are compressed, and one twice there. */
function rotated(files: LogFiles): void {
  files.append(1, 10);
  files.rotate();
  files.append(11, 20);
  files.rotate();
  files.zstd(2);
  files.append(21, 30);
  files.rotate();
  files.gzip(2);
  files.append(31, 40);
  files.rotate();
  files.gzip(2, true);
  files.append(41, 50);
  writeFileSync(`${files.path}.compressing`, "a draft");
  writeFileSync(`${files.path}.old`, "somebody else's");
  writeFileSync(`${files.path}x.1`, "of another log");
}

test("all lines, and the last ones, of however many files they are in", async (context) => {
  const files = new LogFiles(context);
  rotated(files);
  assert.deepEqual(readdirSync(files.directory).sort(), [
    ...["web.log", "web.log.1", "web.log.2", "web.log.2.gz", "web.log.3.gz", "web.log.4.zst"],
    ...["web.log.compressing", "web.log.old", "web.logx.1"],
  ]);
  assert.deepEqual(await read(files.track()), numbers(1, 50));
  for (const count of [0, 1, 9, 10, 11, 20, 25, 35, 49, 50, 51, 1_000_000_000])
    assert.deepEqual(
      await read(files.track(), { lines: count }),
      count === 0 ? [] : numbers(Math.max(1, 51 - count), 50),
    );
  // A gap in the numbers, and no file that is written.
  const rest = new LogFiles(context);
  writeFileSync(`${rest.path}.7`, lines(1, 3));
  writeFileSync(`${rest.path}.3`, lines(4, 5));
  assert.deepEqual(await read(rest.track()), numbers(1, 5));
  assert.deepEqual(await read({ ...rest.track(), path: join(rest.directory, "no/such/file") }), []);
});

test("only lines that are wanted, also where they are counted from the end", async (context) => {
  const files = new LogFiles(context);
  rotated(files);
  const since = { since: timeOf(15), until: timeOf(44) };
  assert.deepEqual(await read(files.track(), { filter: since }), numbers(15, 44));
  assert.deepEqual(await read(files.track(), { filter: since, lines: 3 }), numbers(42, 44));
  assert.deepEqual(await read(files.track(), { filter: since, lines: 28 }), numbers(17, 44));
  const filter = { pattern: /5$/ };
  assert.deepEqual(await read(files.track(), { filter }), ["5", "15", "25", "35", "45"]);
  assert.deepEqual(await read(files.track(), { filter, lines: 3 }), ["25", "35", "45"]);
  // The stamps in one file are in no order: each line counts by itself.
  const jumped = new LogFiles(context);
  writeFileSync(jumped.path, lines(20, 22) + lines(1, 3) + lines(21, 21));
  assert.deepEqual(await read(jumped.track(), { filter: { since: timeOf(21) } }), ["21", "22", "21"]);
  // A file whose last line is older than that is not read: to uncompress this one would fail.
  writeFileSync(`${files.path}.4.zst`, "broken");
  files.age("web.log.4.zst", timeOf(10));
  assert.deepEqual(await read(files.track(), { filter: { since: timeOf(19) } }), numbers(19, 50));
});

test("no line is passed over for the time of its file where the clock was set back", async (context) => {
  const files = new LogFiles(context);
  // Written while the clock was ahead, which was noticed in the midst of the second file.
  for (const text of [lines(101, 110), lines(111, 115) + lines(1, 5), lines(6, 10)]) {
    writeFileSync(files.path, text);
    files.rotate();
  }
  files.age("web.log.3", timeOf(110));
  files.age("web.log.2", timeOf(5));
  files.age("web.log.1", timeOf(10));
  files.append(11, 20);
  const since = (number: number) => read(files.track(), { filter: { since: timeOf(number) } });
  assert.deepEqual(await since(15), [...numbers(101, 115), ...numbers(15, 20)]);
  assert.deepEqual(await since(112), numbers(112, 115));
});

test("the end of a large file is found without reading the file", async (context) => {
  const files = new LogFiles(context);
  const descriptor = openSync(files.path, "w");
  // Sparse: it takes no room, and to read it would take minutes.
  ftruncateSync(descriptor, 50 * 1024 ** 3);
  closeSync(descriptor);
  files.append(0, 20_000);
  const begin = performance.now();
  assert.deepEqual(await read(files.track(), { lines: 19_999 }), numbers(2, 20_000));
  assert.ok(performance.now() - begin < 5000);
});

test("a compressed file that is broken is told, and the others are shown", async (context) => {
  const files = new LogFiles(context);
  rotated(files);
  writeFileSync(`${files.path}.3.gz`, "no gzip");
  const problems: string[] = [];
  const texts = await read(files.track(), { onProblem: (text) => problems.push(text) });
  assert.deepEqual(texts, [...numbers(1, 10), ...numbers(21, 50)]);
  assert.deepEqual(problems, [`cannot uncompress ${files.path}.3.gz: incorrect header check`]);
});

test("a last line without its end is shown, unless somebody reads on", async (context) => {
  const files = new LogFiles(context);
  writeFileSync(files.path, lines(1, 2) + lines(3, 3).trimEnd());
  assert.deepEqual(await read(files.track(), { lines: 2 }), ["2", "3"]);
  assert.deepEqual(await read(files.track(), { lines: 2, follow: true }), ["1", "2"]);
});

test("several logs are merged by time, each in its own order", async () => {
  const record = (time: number | undefined, text: string) => ({
    ...(time === undefined ? {} : { time }),
    stamp: "",
    text,
    continued: false,
  });
  const stream = (label: string, ...times: (number | undefined)[]) => ({
    label,
    records: inHand(times.map((time, index) => record(time, `${label}${index}`))),
  });
  const merged: string[] = [];
  const streams = [stream("a", undefined, 1, 5, 2, 9), stream("b", 2, 2, 6), stream("c"), stream("d", 10)];
  for await (const batch of mergeByTime(streams)) merged.push(...batch.map(({ record: { text } }) => text));
  assert.deepEqual(merged, ["a0", "a1", "b0", "b1", "a2", "a3", "b2", "a4", "d0"]);
});
