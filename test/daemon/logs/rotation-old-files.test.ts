// Old files: their numbers with and without a suffix, their end, and how one is compressed, or copied.

import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { FileOwner } from "../../../src/daemon/logs/messages.js";
import { skip } from "../../native/keeper/bed.js";
import { waitFor } from "../../support/wait.js";
import { type Bench, withBench } from "./bench.js";

const user = 12345;
const store = "log/compress";
const days = 24 * 60 * 60;

async function log(bench: Bench, stream: string, ...lines: readonly string[]): Promise<void> {
  await bench.write(stream, lines.map((line) => `${line}\\n`).join(""));
  await bench.writer.drain(stream);
}

async function withLog(test: (bench: Bench, path: string) => Promise<void>): Promise<void> {
  await withBench(async (bench) => {
    await bench.sink();
    const path = bench.path("web.log");
    await bench.open("web", { file: { path } });
    await test(bench, path);
  });
}

function names(bench: Bench): string[] {
  return readdirSync(bench.directory)
    .filter((name) => name.startsWith("web.log"))
    .sort();
}

/** What is claimed, and the program that makes a draft of it. */
async function compress(
  bench: Bench,
  of: FileOwner,
  program = "gzip -c",
  larger = 0,
): Promise<string | undefined> {
  await bench.agent.send([
    { op: "close", name: `${store}.0` },
    { op: "close", name: `${store}.1` },
  ]);
  const { path, count } = await bench.writer.order({ op: "claim", of, larger }, store);
  if (path === undefined) return undefined;
  const id = `compress#${runs++}`;
  await bench.agent.run(id, ["sh", "-c", `head -c ${count} | ${program}`], {
    descriptors: [
      { target: 0, source: { name: `${store}.0` } },
      { target: 1, source: { name: `${store}.1` } },
    ],
  });
  await bench.finished(id);
  return path;
}
let runs = 0;

const publish = (bench: Bench, suffix: "" | ".gz" = ".gz") =>
  bench.writer.order({ op: "publish", suffix, keep: 9 });

describe("old files", { skip, concurrency: 2 }, () => {
  it("keep their suffix when they move up, and the number is one for all suffixes", () =>
    withLog(async (bench, path) => {
      writeFileSync(`${path}.1.gz`, "one");
      writeFileSync(`${path}.2`, "two");
      writeFileSync(`${path}.3.zst`, "three");
      await log(bench, "web", "new");
      await bench.writer.rotate("web", { keep: 9 });
      assert.deepEqual(names(bench), ["web.log", "web.log.1", "web.log.2.gz", "web.log.3", "web.log.4.zst"]);
      // A free number ends it.
      rmSync(`${path}.3`);
      await log(bench, "web", "newer");
      await bench.writer.rotate("web", { keep: 9 });
      assert.deepEqual(names(bench), ["web.log", "web.log.1", "web.log.2", "web.log.3.gz", "web.log.4.zst"]);
    }));

  it("are never the file itself, however few are to be kept", () =>
    withLog(async (bench) => {
      await log(bench, "web", "only");
      const order = { op: "limit", larger: 1, keep: 0 } as const;
      await assert.rejects(bench.writer.order(order), /understand/);
      assert.deepEqual(bench.lines("web.log"), ["only"]);
    }));

  it("lose the oldest and not the one whose number is that of how many are kept", () =>
    withLog(async (bench, path) => {
      for (const n of [1, 2, 3, 4]) writeFileSync(`${path}.${n}.gz`, `${n}`);
      await log(bench, "web", "new");
      await bench.writer.rotate("web", { keep: 2 });
      assert.deepEqual(
        [2, 3, 4].map((n) => readFileSync(`${path}.${n}.gz`, "utf8")),
        ["1", "2", "3"],
      );
      assert.ok(!existsSync(`${path}.5.gz`));
    }));

  it("are no reason to rotate a small file, or one with more names than one", () =>
    withLog(async (bench, path) => {
      await log(bench, "web", "12345");
      const size = statSync(path).size;
      assert.equal(await bench.writer.rotate("web", { larger: size }), undefined);
      linkSync(path, bench.path("other"));
      assert.equal(await bench.writer.rotate("web", { larger: size - 1 }), undefined);
      rmSync(bench.path("other"));
      assert.equal(await bench.writer.rotate("web", { larger: size - 1 }), `${path}.1`);
    }));

  it("end when their last line is old enough, or when they are too many; a draft always does", () =>
    withLog(async (bench, path) => {
      const now = Date.now() / 1000;
      for (const [name, age] of [
        ["1", 1],
        ["2.gz", 10],
        ["3.zst", 91],
        ["5.gz", 100],
        ["6.gz", 2],
      ] as const) {
        writeFileSync(`${path}.${name}`, name);
        utimesSync(`${path}.${name}`, now, now - age * days);
      }
      writeFileSync(`${path}.7`, "");
      mkdirSync(`${path}.8`);
      utimesSync(`${path}.8`, 1, 1);
      symlinkSync("/nonexistent", `${path}.9`);
      writeFileSync(`${path}.compressing`, "half");
      writeFileSync(`${path}.1.bak`, "not ours");
      const order = { op: "expire", of: { name: "web" }, before: Math.floor(now - 90 * days) } as const;
      assert.equal((await bench.writer.order({ ...order, keep: 6 })).count, 3);
      assert.deepEqual(names(bench), [
        "web.log",
        "web.log.1",
        "web.log.1.bak",
        "web.log.2.gz",
        "web.log.6.gz",
        "web.log.8",
        "web.log.9",
      ]);
      assert.equal((await bench.writer.order(order)).count, 0);
    }));

  it("are compressed from the oldest on, with mode, owner and time of what they were", () =>
    withLog(async (bench, path) => {
      for (const line of ["first", "second"]) {
        await log(bench, "web", line);
        await bench.writer.rotate("web", { keep: 9 });
      }
      chmodSync(`${path}.2`, 0o604);
      chownSync(`${path}.2`, user, user + 1);
      const before = statSync(`${path}.2`, { bigint: true });
      const text = bench.read("web.log.2");
      assert.equal(await compress(bench, { name: "web" }), `${path}.2`);
      assert.ok(existsSync(`${path}.2`));
      assert.equal((await publish(bench)).path, `${path}.2.gz`);
      const after = statSync(`${path}.2.gz`, { bigint: true });
      assert.deepEqual(
        [after.mode, after.uid, after.gid, after.mtimeNs],
        [before.mode, before.uid, before.gid, before.mtimeNs],
      );
      assert.equal(gunzipSync(readFileSync(`${path}.2.gz`)).toString(), text);
      assert.equal(await compress(bench, { name: "web" }), `${path}.1`);
      await publish(bench);
      assert.equal(await compress(bench, { name: "web" }), undefined);
      assert.deepEqual(names(bench), ["web.log", "web.log.1.gz", "web.log.2.gz"]);
      // The end of the log is still known.
      await log(bench, "web", "third");
      const recent = await bench.writer.recent("web", 2);
      assert.deepEqual(
        recent.map(({ line }) => line),
        ["second", "third"],
      );
    }));

  it("may move up while one of them is compressed", () =>
    withLog(async (bench, path) => {
      await log(bench, "web", "first");
      await bench.writer.rotate("web", { keep: 9 });
      assert.equal(await compress(bench, { name: "web" }), `${path}.1`);
      await log(bench, "web", "second");
      await bench.writer.rotate("web", { keep: 9 });
      assert.equal((await publish(bench)).path, `${path}.2.gz`);
      assert.match(gunzipSync(readFileSync(`${path}.2.gz`)).toString(), /first\n$/);
      assert.deepEqual(bench.lines("web.log.1"), ["second"]);
    }));

  it("stay as they are if they were changed, or removed, while they were compressed", () =>
    withLog(async (bench, path) => {
      await log(bench, "web", "first");
      await bench.writer.rotate("web", { keep: 9 });
      await compress(bench, { name: "web" });
      appendFileSync(`${path}.1`, "late\n");
      await assert.rejects(publish(bench), /Stale file handle/);
      assert.deepEqual(names(bench), ["web.log", "web.log.1"]);
      await compress(bench, { name: "web" });
      rmSync(`${path}.1`);
      await assert.rejects(publish(bench), /Stale file handle/);
      assert.deepEqual(names(bench), ["web.log"]);
      // Nothing is claimed any more.
      await assert.rejects(publish(bench), /Stale file handle/);
    }));

  it("are compressed by whoever comes next if the writer dies in between", () =>
    withLog(async (bench, path) => {
      await log(bench, "web", "first");
      await bench.writer.rotate("web", { keep: 9 });
      await compress(bench, { name: "web" });
      await bench.signal("SIGKILL");
      await assert.rejects(publish(bench), /Stale file handle/);
      assert.deepEqual(names(bench), ["web.log", "web.log.1", "web.log.compressing"]);
      await compress(bench, { name: "web" });
      await publish(bench);
      assert.deepEqual(names(bench), ["web.log", "web.log.1.gz"]);
      assert.match(gunzipSync(readFileSync(`${path}.1.gz`)).toString(), /first\n$/);
    }));

  it("are compressed for a service that was removed meanwhile", () =>
    withLog(async (bench, path) => {
      await log(bench, "web", "first");
      await bench.writer.rotate("web", { keep: 9 });
      await compress(bench, { name: "web" });
      await bench.writer.closeStream("web");
      assert.equal((await publish(bench)).path, `${path}.1.gz`);
      await assert.rejects(bench.writer.order({ op: "claim", of: { name: "web" } }), /find stream web/);
    }));

  it("are one when a writer was killed between putting one in place and removing the other", () =>
    withLog(async (bench, path) => {
      writeFileSync(`${path}.1`, "plain\n");
      writeFileSync(`${path}.1.gz`, gzipSync("plain\n"));
      const other = `${path}.2.gz`;
      writeFileSync(`${path}.2`, "plain\n");
      writeFileSync(other, gzipSync("something else\n"));
      utimesSync(`${path}.1`, 1000, 1000);
      utimesSync(`${path}.1.gz`, 1000, 1000);
      utimesSync(other, 1000, 1000);
      await log(bench, "web", "new");
      await bench.writer.rotate("web", { keep: 9 });
      // The other two were never the same.
      assert.deepEqual(names(bench), ["web.log", "web.log.1", "web.log.2", "web.log.3", "web.log.3.gz"]);
      assert.equal(await compress(bench, { name: "web" }), `${path}.2`);
      await publish(bench);
      assert.equal(await compress(bench, { name: "web" }), `${path}.1`);
      await publish(bench);
      assert.equal(await compress(bench, { name: "web" }), undefined);
      assert.equal(bench.read("web.log.3"), "plain\n");
      assert.equal(gunzipSync(readFileSync(`${path}.3.gz`)).toString(), "something else\n");
    }));

  it("follow nothing of a user's who may write the directory, and are that user's", () =>
    withBench(async (bench) => {
      await bench.sink();
      chmodSync(bench.directory, 0o755);
      mkdirSync(bench.path("home"));
      chownSync(bench.path("home"), user, user);
      writeFileSync(bench.path("precious"), "precious\n");
      const path = bench.path("home/web.log");
      await bench.open("web", { file: { path, uid: user, gid: user } });
      await log(bench, "web", "one");
      await bench.writer.rotate("web", { keep: 9 });
      symlinkSync(bench.path("precious"), `${path}.compressing`);
      symlinkSync(bench.path("precious"), `${path}.2`);
      linkSync(bench.path("precious"), `${path}.3`);
      assert.equal(await compress(bench, { name: "web" }), `${path}.1`);
      await publish(bench);
      assert.deepEqual([statSync(`${path}.1.gz`).uid, statSync(`${path}.1.gz`).gid], [user, user]);
      assert.equal(await compress(bench, { name: "web" }), undefined);
      assert.equal(bench.read("precious"), "precious\n");
    }));
});

describe("a size limit", { skip }, () => {
  it("rotates each file that grows over it, also for the next writer, and tells of it", () =>
    withLog(async (bench, path) => {
      const told: string[] = [];
      bench.writer.onRotated = ({ name, path: file, errno }) => told.push(`${name} ${file} ${errno}`);
      await bench.writer.limit({ larger: 1000, keep: 50 });
      const line = "x".repeat(500);
      await log(bench, "web", line, line);
      assert.deepEqual(names(bench), ["web.log", "web.log.1"]);
      await waitFor("it is told", () => told.length === 1);
      await bench.signal("SIGKILL");
      await log(bench, "web", line, line);
      await waitFor("it is told twice", () => told.length === 2);
      assert.deepEqual(told, [`web ${path} 0`, `web ${path} 0`]);
      assert.deepEqual(names(bench), ["web.log", "web.log.1", "web.log.2"]);
      await bench.writer.limit(undefined);
      await log(bench, "web", line, line, line);
      assert.equal(statSync(path).size, 3 * 521);
    }));

  it("ends with the daemon that wanted it, unless the next one wants it too", () =>
    withLog(async (bench, path) => {
      await bench.writer.limit({ larger: 100, keep: 50 });
      await bench.killDaemon();
      // Orders are carried out in turn: what the new daemon has given by itself comes before this one.
      await bench.writer.drain();
      await log(bench, "web", "x".repeat(500));
      assert.deepEqual(names(bench), ["web.log"]);
      await bench.writer.limit({ larger: 100, keep: 50 });
      await log(bench, "web", "y");
      assert.deepEqual(names(bench), ["web.log", "web.log.1"]);
      assert.equal(statSync(path).size, 0);
    }));

  it("is kept again and again, also where nothing came between two looks at the file", () =>
    withLog(async (bench) => {
      await bench.writer.limit({ larger: 100, keep: 50 });
      for (let times = 0; times < 3; times += 1) {
        await log(bench, "web", "x".repeat(500));
        await bench.writer.drain();
      }
      assert.deepEqual(names(bench), ["web.log", "web.log.1", "web.log.2", "web.log.3"]);
    }));

  it("that cannot be kept is told once, and the lines go on in the large file", () =>
    withBench(async (bench) => {
      await bench.sink();
      chmodSync(bench.directory, 0o755);
      mkdirSync(bench.path("home"));
      chownSync(bench.path("home"), user, user);
      const path = bench.path("home/web.log");
      await bench.open("web", { file: { path, uid: user, gid: user } });
      chmodSync(bench.path("home"), 0o555);
      const told: string[] = [];
      bench.writer.onRotated = ({ text }) => told.push(text);
      await bench.writer.limit({ larger: 10, keep: 5 });
      for (const line of ["one", "two", "three"]) await log(bench, "web", line);
      await waitFor("it is told", () => told.length > 0);
      assert.deepEqual(told, [`rotate ${path}: Permission denied`]);
      assert.deepEqual(bench.lines("home/web.log"), ["one", "two", "three"]);
    }));
});

describe("another program's file", { skip, concurrency: 2 }, () => {
  const foreign = (path: string): FileOwner => ({ file: { path } });

  it("is copied up to its last whole line, which goes; what comes meanwhile stays", () =>
    withLog(async (bench, path) => {
      writeFileSync(path, "one\ntwo\nthr");
      const { ino } = statSync(path);
      writeFileSync(`${path}.1.gz`, "older");
      assert.equal(await compress(bench, foreign(path)), path);
      appendFileSync(path, "ee\nfour\n");
      assert.equal((await publish(bench)).path, `${path}.1.gz`);
      assert.equal(gunzipSync(readFileSync(`${path}.1.gz`)).toString(), "one\ntwo\n");
      assert.equal(readFileSync(path, "utf8"), "three\nfour\n");
      assert.equal(statSync(path).ino, ino);
      assert.equal(readFileSync(`${path}.2.gz`, "utf8"), "older");
      assert.deepEqual(names(bench), ["web.log", "web.log.1.gz", "web.log.2.gz"]);
    }));

  it("is copied as it is without compression, and stays when it is small or was rotated by its own program", () =>
    withLog(async (bench, path) => {
      writeFileSync(path, "one\n");
      assert.equal(await compress(bench, foreign(path), "cat", 4), undefined);
      assert.equal(await compress(bench, foreign(bench.path("missing")), "cat"), undefined);
      await compress(bench, foreign(path), "cat", 3);
      await publish(bench, "");
      assert.deepEqual([readFileSync(path, "utf8"), readFileSync(`${path}.1`, "utf8")], ["", "one\n"]);
      writeFileSync(path, "two\n");
      await compress(bench, foreign(path), "cat");
      renameSync(path, `${path}.0`);
      writeFileSync(path, "three\n");
      await assert.rejects(publish(bench, ""), /Stale file handle/);
      assert.equal(readFileSync(path, "utf8"), "three\n");
      assert.equal(readFileSync(`${path}.0`, "utf8"), "two\n");
      assert.equal(readFileSync(`${path}.1`, "utf8"), "one\n");
    }));

  it("of root's is left alone where somebody else may write, and so are links", () =>
    withLog(async (bench, path) => {
      chmodSync(bench.directory, 0o777);
      writeFileSync(path, "one\n");
      await assert.rejects(compress(bench, foreign(path)), /copy .*: Operation not permitted/);
      chmodSync(bench.directory, 0o700);
      linkSync(path, bench.path("second"));
      assert.equal(await compress(bench, foreign(path)), undefined);
      symlinkSync(path, bench.path("alias"));
      assert.equal(await compress(bench, foreign(bench.path("alias"))), undefined);
      assert.equal(readFileSync(path, "utf8"), "one\n");
    }));
});
