// More streams than there is room for open files: what is closed meanwhile is opened again, nothing of it is lost,
// and who does not fit is told why.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LogError } from "../../../src/daemon/logs/log-writer.js";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { waitFor } from "../../support/wait.js";
import { skip } from "../keeper/bed.js";

/** How many recent histories are open at most. */
const histories = 512;
/** What a writer leaves to others when services have taken the rest. */
const reserve = 32;
const stride = Number(process.env.LOG_SWEEP_STRIDE ?? 23);

/** Each writer may have so many open files as the file `files` says when it starts. */
const limited = `
ulimit -n $(cat $DIR/files)
exec $WRITER`;

/** The same; and it is killed at the stop that the file `at` names, once. */
const swept = `
ulimit -n $(cat $DIR/files)
at=$(cat $DIR/at 2>/dev/null)
echo 0 >$DIR/at
[ "\${at:-0}" = 0 ] && exec $WRITER
exec $DIR/kill-at $at $WRITER 9>>$DIR/killed`;

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** Has one shell write a line to each stream, which begins with the stream's name. */
async function printToAll(bench: Bench, streams: readonly string[], text: string): Promise<void> {
  const first = 10;
  const script = `at=${first}; for name; do echo "$name ${text}" >&$at; at=$((at + 1)); done`;
  const id = `all#${text}`;
  await bench.agent.ok({
    op: "spawn",
    id,
    spec: {
      arguments: ["bash", "-c", script, "bash", ...streams],
      environment: [`PATH=${process.env.PATH}`],
      descriptors: streams.map((stream, index) => ({
        target: first + index,
        source: { name: `log/${stream}` },
      })),
    },
  });
  await bench.finished(id);
}

async function openFiles(bench: Bench): Promise<number> {
  return readdirSync(`/proc/${await bench.pid()}/fd`).length;
}

async function recentLines(bench: Bench, stream: string): Promise<string[]> {
  return (await bench.writer.recent(stream, 1000)).map(({ line }) => line);
}

async function checkAll(bench: Bench, streams: readonly string[], texts: readonly string[]): Promise<void> {
  for (const stream of streams)
    assert.deepEqual(
      await recentLines(bench, stream),
      texts.map((text) => `${stream} ${text}`),
    );
}

/** Opens streams until one is refused; those that are open. */
async function openUntilFull(bench: Bench): Promise<string[]> {
  for (const [index, name] of names("s", 64).entries()) {
    try {
      await bench.open(name);
    } catch (error) {
      assert.ok(error instanceof LogError);
      assert.equal(error.errno, constants.errno.EMFILE);
      assert.match(error.message, /^open stream s\d+: Too many open files .*ulimit -Hn.*LimitNOFILE=/);
      return names("s", index);
    }
  }
  return assert.fail("it is never full");
}

describe("a log writer with many streams", { skip }, () => {
  it("opens a history with its first line, and few of them at a time, whose lines go on all the same", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.writer.drain(); // it has begun
      const idle = await openFiles(bench);
      const streams = names("s", histories + 60);
      await Promise.all(streams.map((name) => bench.open(name)));
      assert.equal(await openFiles(bench), idle + streams.length);
      assert.deepEqual(existsSync(bench.path("run")) ? readdirSync(bench.path("run")) : [], []);
      // Each time those come first that were closed for the last ones.
      for (const text of ["one", "two", "three"]) {
        await printToAll(bench, streams, text);
        await bench.writer.drain();
        assert.equal(await openFiles(bench), idle + streams.length + histories);
      }
      await checkAll(bench, streams, ["one", "two", "three"]);
      // What is closed is forgotten: neither is it closed once more, nor does its place stay taken.
      await Promise.all(streams.slice(0, histories).map((name) => bench.writer.closeStream(name)));
      assert.ok((await openFiles(bench)) <= idle + 2 * 60);
      await printToAll(bench, streams.slice(histories), "four");
      await bench.writer.drain();
      await checkAll(bench, streams.slice(histories), ["one", "two", "three", "four"]);
      assert.equal(await openFiles(bench), idle + 2 * 60);
    }));

  it("finds each stream by its name, whatever was closed before and whoever has written the names", () =>
    withBench(async (bench) => {
      await bench.sink();
      const [first, second, third] = [names("a", 90), names("b", 70), names("c", 80)];
      const open = (streams: readonly string[]) =>
        Promise.all(streams.map((name) => bench.open(name, { file: { path: bench.path(`${name}.log`) } })));
      const close = (streams: readonly string[]) =>
        Promise.all(streams.map((name) => bench.writer.closeStream(name)));
      await open(first);
      await close(first.filter((_, index) => index % 3 > 0));
      await open(second);
      await bench.signal("SIGKILL");
      await close(second.slice(0, 30));
      await open([...third, ...first]);
      const all = [...first, ...second.slice(30), ...third];
      await printToAll(bench, all, "here");
      await bench.writer.drain();
      for (const name of all) assert.deepEqual(bench.lines(`${name}.log`), [`${name} here`]);
      for (const name of second.slice(0, 30)) assert.equal(bench.read(`${name}.log`), "");
    }));

  it("tells a stream that it has no room for, and keeps the histories of the others", () =>
    withBench(
      async (bench) => {
        await bench.sink();
        const streams = await openUntilFull(bench);
        assert.ok(streams.length >= 15, `${streams.length} of 64 files are for streams`);
        await printToAll(bench, streams, "one");
        await bench.writer.drain();
        // The next has room for three histories: for another one it must close one.
        const scarce = 64 - reserve + 5;
        writeFileSync(bench.path("files"), `${scarce}\n`);
        await bench.signal("SIGKILL");
        for (const text of ["two", "three"]) {
          await printToAll(bench, streams, text);
          await bench.writer.drain();
          assert.ok((await openFiles(bench)) <= scarce);
        }
        await checkAll(bench, streams, ["one", "two", "three"]);
      },
      { wrapper: `[ -e $DIR/files ] || echo 64 >$DIR/files${limited}` },
    ));

  it("takes over what it has room for and tells of the rest, which loses no line to that", () =>
    withBench(
      async (bench) => {
        await bench.sink();
        const streams = await openUntilFull(bench);
        writeFileSync(bench.path("files"), "24\n");
        await bench.signal("SIGKILL");
        await waitFor("it tells", () =>
          bench.troubles.some((text) => /open .*stream s\d+: Too many open files .*LimitNOFILE/.test(text)),
        );
        await printToAll(bench, streams, "one");
        writeFileSync(bench.path("files"), "64\n");
        await bench.signal("SIGKILL");
        await bench.writer.drain();
        const lines = bench.lines("main.log").map((line) => line.replace("[prog] ", ""));
        assert.deepEqual(lines.sort(), streams.map((stream) => `${stream} one`).sort());
      },
      { wrapper: `[ -e $DIR/files ] || echo 64 >$DIR/files${limited}` },
    ));

  it("neither loses nor doubles a line of a history when it is killed at its n-th system call", (t) =>
    withBench(
      async (bench) => {
        const source = join(project.root, "test", "native", "logwriter", "kill-at.c");
        const built = await run("cc", ["-D_GNU_SOURCE", "-o", bench.path("kill-at"), source]);
        assert.equal(built.status, 0, built.stderr);
        const kills = (): number =>
          existsSync(bench.path("killed")) ? readFileSync(bench.path("killed")).length : 0;
        await bench.sink();
        const streams = names("s", 4);
        for (const name of streams) await bench.open(name);
        // Room for one or two of the four histories.
        writeFileSync(bench.path("files"), `${(await openFiles(bench)) + 3}\n`);
        const printed: string[] = [];
        let at = 1;
        for (let killed = true; killed; at += stride) {
          const before = kills();
          writeFileSync(bench.path("at"), `${at}\n`);
          await bench.signal("SIGKILL");
          for (const round of ["a", "b"]) {
            const text = `${at} ${round}`;
            printed.push(text);
            await printToAll(bench, streams, text);
            await bench.writer.drain();
          }
          const last = printed.slice(-6);
          for (const stream of streams)
            assert.deepEqual(
              (await recentLines(bench, stream)).slice(-last.length),
              last.map((text) => `${stream} ${text}`),
              `killed at stop ${at}`,
            );
          killed = kills() > before;
        }
        assert.ok(at > 100, `a whole scenario has more than ${at} stops`);
        t.diagnostic(`killed at ${kills()} stops, up to the last one before ${at}`);
      },
      { wrapper: `[ -e $DIR/files ] || echo 1024 >$DIR/files${swept}` },
    ));
});
