// Reading on in a log while it is written, rotated, compressed, cut and removed: each line once.
import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Follower } from "../../src/herd/log/follower.js";
import { History, type Track } from "../../src/herd/log/history.js";
import { recordParser } from "../../src/herd/log/records.js";
import { waitFor } from "../support/wait.js";
import { LogFiles, lines, numbers, timeOf } from "./log-files.js";

before(() => {
  process.env.TZ = "UTC";
});

interface Reader {
  readonly follower: Follower;
  readonly texts: string[];
  readonly problems: string[];
  /** Reads until nothing more is there. */
  drain(): Promise<void>;
}

/** Follows a log from its present end on. */
async function reader(context: TestContext, track: Track, last = 0): Promise<Reader> {
  const problems: string[] = [];
  const texts: string[] = [];
  const onProblem = (text: string): void => void problems.push(text);
  const history = await History.open(track, { filter: {}, lines: last, follow: true, onProblem });
  for await (const records of history.records()) texts.push(...records.map(({ text }) => text));
  const follower = new Follower(track, history.continuation(), { filter: {}, onProblem });
  context.after(() => follower.close());
  const drain = async (): Promise<void> => {
    for (let idle = 0; idle < 2; ) {
      const { records, more } = await follower.read();
      texts.push(...records.map(({ text }) => text));
      idle = more ? 0 : idle + 1;
    }
  };
  return { follower, texts, problems, drain };
}

test("over rotations, compression and files that were never looked at in between", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 5);
  const { texts, problems, drain } = await reader(context, files.track(), 2);
  files.append(6, 8);
  await drain();
  assert.deepEqual(texts, numbers(4, 8));
  files.append(9, 10);
  files.rotate();
  await drain();
  files.append(11, 20);
  files.rotate();
  files.append(21, 30);
  files.rotate();
  files.append(31, 40);
  files.rotate();
  files.gzip(2);
  files.zstd(3);
  files.append(41, 45);
  await drain();
  // The file that was read is compressed before the next one is looked at.
  files.append(46, 50);
  files.rotate();
  files.gzip(1);
  files.append(51, 60);
  await drain();
  assert.deepEqual(texts, numbers(4, 60));
  assert.deepEqual(problems, []);
});

test("files that were changed last at the same time are told apart when they are compressed", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 5);
  files.rotate();
  files.append(6, 10);
  const { texts, problems, drain } = await reader(context, files.track());
  files.append(11, 20);
  files.rotate();
  files.append(21, 25);
  files.rotate();
  for (const number of [1, 2, 3]) {
    files.age(`web.log.${number}`, timeOf(25));
    files.gzip(number);
  }
  files.append(26, 30);
  await drain();
  assert.deepEqual(texts, numbers(11, 30));
  assert.deepEqual(problems, []);
});

test("at every instant of a rotation", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 1);
  const { texts, problems, drain } = await reader(context, files.track());
  for (let number = 2; number <= 60; number += 2) {
    files.append(number, number);
    if (number % 3 === 0) await drain();
    files.rotate();
    if (number % 4 === 0) await drain();
    files.append(number + 1, number + 1);
    if (number % 5 === 0) files.gzip(1);
    if (number % 7 === 0) await drain();
  }
  await drain();
  assert.deepEqual([texts, problems], [numbers(2, 61), []]);
});

test("a file, and its directory, that come to be later; a line that has no end yet", async (context) => {
  const files = new LogFiles(context);
  const path = join(files.directory, "later", "web.log");
  const { texts, problems, drain } = await reader(context, files.track("web", path));
  await drain();
  mkdirSync(join(files.directory, "later"));
  await drain();
  writeFileSync(path, `${lines(1, 2)}${lines(3, 3).trimEnd()}`);
  await drain();
  assert.deepEqual(texts, ["1", "2"]);
  appendFileSync(path, `3\n${lines(4, 4)}`);
  await drain();
  rmSync(path);
  await drain();
  writeFileSync(path, lines(5, 6));
  await drain();
  assert.deepEqual(texts, ["1", "2", "33", "4", "5", "6"]);
  assert.deepEqual(problems.length, 1);
  assert.match(
    problems[0] ?? "",
    /^lines of web may be missing here: files of .*web\.log were removed before/,
  );
});

test("what the log writer takes back and writes again, with another stamp, is not doubled", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 3);
  const committed = files.size();
  const { texts, problems, drain } = await reader(context, files.track());
  files.append(4, 9);
  await drain();
  const batch = readFileSync(files.path).subarray(committed).toString();
  truncateSync(files.path, committed);
  await drain();
  appendFileSync(files.path, batch.replaceAll("2026-11-21 ", "2026-11-22 "));
  files.append(10, 12);
  await drain();
  assert.deepEqual([texts, problems], [numbers(4, 12), []]);
});

test("what was taken back for good is told, and what came instead is shown", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 3);
  const committed = files.size();
  const { texts, problems, drain } = await reader(context, files.track());
  files.append(4, 9);
  await drain();
  truncateSync(files.path, committed);
  await drain();
  appendFileSync(files.path, lines(20, 20));
  await waitFor("the file is taken for what it is", async () => {
    await delay(50);
    await drain();
    return texts.includes("20");
  });
  assert.deepEqual(texts, [...numbers(4, 9), "20"]);
  assert.match(problems.join(), /^the last lines of \S+ were taken back: what stands there now follows$/);
});

test("a file that is emptied is read from its beginning, also when it is longer by then", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 300);
  const { texts, problems, drain } = await reader(context, files.track());
  writeFileSync(files.path, lines(301, 310));
  await waitFor("the file is taken for another", async () => {
    await delay(50);
    await drain();
    return texts.includes("310");
  });
  writeFileSync(files.path, lines(311, 900));
  await drain();
  assert.deepEqual(texts, numbers(301, 900));
  assert.deepEqual(problems, Array(2).fill(`${files.path} was cut: its lines are shown from the beginning`));
});

test("of a recent history it is told where lines are missing", async (context) => {
  const files = new LogFiles(context);
  const track: Track = { ...files.track(), isRecent: true, parser: () => recordParser("recent") };
  const write = (from: number, to: number): string =>
    numbers(from, to)
      .map((number) => `${Number(number) + 1_000_000_000}.000000000 ${number}\n`)
      .join("");
  appendFileSync(files.path, write(1, 2));
  const { texts, problems, drain } = await reader(context, track);
  appendFileSync(files.path, write(3, 4));
  files.rotate();
  appendFileSync(files.path, write(5, 6));
  await drain();
  assert.deepEqual([texts, problems], [numbers(3, 6), []]);
  // As the log writer does it where there is a gap: what came before would only mislead.
  writeFileSync(files.path, write(100, 110));
  await drain();
  assert.deepEqual(texts, [...numbers(3, 6), ...numbers(100, 110)]);
  assert.match(problems.join(), /^lines of web are missing here: it has no log file/);
});
