// Rotation: which file gets which name, who follows, and what happens when it cannot be done.

import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { describe, it } from "node:test";
import { LogError } from "../../../src/daemon/logs/log-writer.js";
import { skip } from "../../native/keeper/bed.js";
import { type Bench, withBench } from "./bench.js";

const user = 12345;

async function log(bench: Bench, stream: string, ...lines: readonly string[]): Promise<void> {
  await bench.write(stream, lines.map((line) => `${line}\\n`).join(""));
  await bench.writer.drain(stream);
}

function fails(path: string, reason: string, stage: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof LogError);
    assert.deepEqual([error.message, error.stage], [`rotate ${path}: ${reason}`, stage]);
    return true;
  };
}

describe("rotation", { skip, concurrency: 2 }, () => {
  it("moves the old files up by one, keeps so many, and goes on in a new file", () =>
    withBench(async (bench) => {
      await bench.sink();
      const path = bench.path("web.log");
      await bench.open("web", { file: { path, mode: 0o600 } });
      for (const line of ["1", "2", "3", "4"]) {
        await log(bench, "web", line);
        assert.equal(await bench.writer.rotate("web", { keep: 3 }), `${path}.1`);
      }
      await log(bench, "web", "5");
      assert.deepEqual(
        ["web.log", "web.log.1", "web.log.2", "web.log.3"].map((name) => bench.lines(name)),
        [["5"], ["4"], ["3"], ["2"]],
      );
      assert.ok(!existsSync(`${path}.4`));
      assert.equal(statSync(path).mode & 0o777, 0o600);
      // The end of the log is not only what came since.
      const recent = await bench.writer.recent("web", 2);
      assert.deepEqual(
        recent.map(({ line }) => line),
        ["4", "5"],
      );
    }));

  it("fills a gap that an interrupted rotation left, instead of dropping the oldest file", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: bench.path("web.log") } });
      for (const n of [1, 3]) writeFileSync(bench.path(`web.log.${n}`), `old ${n}\n`);
      await log(bench, "web", "new");
      await bench.writer.rotate("web", { keep: 3 });
      assert.deepEqual(bench.lines("web.log.1"), ["new"]);
      assert.equal(bench.read("web.log.2"), "old 1\n");
      assert.equal(bench.read("web.log.3"), "old 3\n");
    }));

  it("rotates no empty file, no missing one, and nothing that is no file", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: bench.path("web.log") } });
      assert.equal(await bench.writer.rotate("web"), undefined);
      assert.ok(!existsSync(bench.path("web.log.1")));
      await bench.open("null", { file: { path: "/dev/null" } });
      await log(bench, "null", "gone");
      assert.equal(await bench.writer.rotate("null"), undefined);
      await bench.open("none");
      assert.equal(await bench.writer.rotate("none"), undefined);
      await assert.rejects(bench.writer.rotate("unknown"), /find stream unknown/);
      await assert.rejects(bench.writer.rotate("web", { keep: 0 }), /understand/);
    }));

  it("rotates a file that streams and the main sink share once, and all of them go on in the new one", () =>
    withBench(async (bench) => {
      await bench.sink();
      const path = bench.path("main.log");
      await bench.open("a", { file: { path } });
      await bench.open("b", { file: { path: `${bench.directory}/./main.log` } });
      await bench.open("c");
      for (const name of ["a", "b", "c"]) await log(bench, name, `${name} before`);
      assert.equal(await bench.writer.rotate(), `${path}.1`);
      for (const name of ["a", "b", "c"]) await log(bench, name, `${name} after`);
      const lines = (name: string) => bench.lines(name).map((line) => line.replace("[prog] ", ""));
      assert.deepEqual(lines("main.log.1"), ["a before", "b before", "c before"]);
      assert.deepEqual(lines("main.log"), ["a after", "b after", "c after"]);
      assert.ok(!existsSync(bench.path("main.log.2")));
    }));

  it("does it as the service's user where that user may write, and follows no link of theirs", () =>
    withBench(async (bench) => {
      await bench.sink();
      chmodSync(bench.directory, 0o755);
      mkdirSync(bench.path("home"));
      chownSync(bench.path("home"), user, user);
      writeFileSync(bench.path("precious"), "precious\n", { mode: 0o600 });
      const path = bench.path("home/web.log");
      await bench.open("web", { file: { path, uid: user, gid: user } });
      await log(bench, "web", "one");
      symlinkSync(bench.path("precious"), `${path}.1`);
      symlinkSync(bench.path("precious"), `${path}.2`);
      await bench.writer.rotate("web", { keep: 2 });
      assert.equal(readFileSync(`${path}.1`, "utf8").slice(20), "one\n");
      assert.equal(statSync(path).uid, user);
      assert.equal(bench.read("precious"), "precious\n");
      // Root could rename it; the user may not.
      await log(bench, "web", "two");
      chmodSync(bench.path("home"), 0o555);
      await assert.rejects(bench.writer.rotate("web"), fails(path, "Permission denied", "rename"));
      await log(bench, "web", "three");
      assert.deepEqual(bench.lines("home/web.log"), ["two", "three"]);
    }));

  it("takes the rotation back if no new file can be made, and says so", () =>
    withBench(async (bench) => {
      await bench.sink();
      mkdirSync(bench.path("small"));
      const mount = ["mount", "-t", "tmpfs", "-o", "nr_inodes=2", "none", bench.path("small")] as const;
      await bench.agent.run("mount", mount);
      await bench.finished("mount");
      const path = bench.path("small/web.log");
      await bench.open("web", { file: { path } });
      await log(bench, "web", "one");
      await assert.rejects(bench.writer.rotate("web"), fails(path, "No space left on device", "open"));
      await log(bench, "web", "two");
      const inside = `/proc/${await bench.bed.pid}/root${path}`;
      assert.deepEqual(
        readFileSync(inside, "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => line.slice(20)),
        ["one", "two"],
      );
      assert.ok(!existsSync(`${inside}.1`));
    }));
});
