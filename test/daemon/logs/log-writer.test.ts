// The log writer under a real keeper: orders, lines, files, and what is left when any part of it is killed.

import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { LogError } from "../../../src/daemon/logs/log-writer.js";
import { skip } from "../../native/keeper/bed.js";
import { waitFor } from "../../support/wait.js";
import { withBench } from "./bench.js";

const user = 12345;

/** Numbered lines of growing length: what is lost, torn or doubled shows. */
function numbered(count: number): string {
  return `i=0; y=$(printf 'y%.0s' {1..150}); while [ $i -lt ${count} ]; do b=; for k in {1..50}; do b+="$i \${y:0:i%150}"$'\\n'; i=$((i+1)); done; printf %s "$b"; done`;
}

function checkNumbered(lines: readonly string[], count: number): void {
  assert.equal(lines.length, count);
  lines.forEach((line, i) => {
    assert.equal(line, `${i} ${"y".repeat(i % 150)}`);
  });
}

function failure(path: string, stage: string, reason: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof LogError);
    assert.equal(error.message, `open ${path}: ${reason}`);
    assert.deepEqual([error.path, error.stage], [path, stage]);
    return error.errno > 0;
  };
}

describe("lines", { skip, concurrency: 2 }, () => {
  it("stamps the lines of a service's file, whatever ends them", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: bench.path("deep/er/web.log") } });
      await bench.write("web", "one\\r\\ntwo\\rthree\\n\\nlast");
      await bench.writer.drain("web");
      assert.deepEqual(bench.lines("deep/er/web.log"), ["one", "two", "three", "", "last"]);
      assert.equal(statSync(bench.path("deep/er/web.log")).mode & 0o777, 0o640);
      assert.equal(statSync(bench.path("deep/er")).mode & 0o777, 0o755);
      assert.deepEqual(bench.writer.files("web"), [bench.path("deep/er/web.log")]);
      const now = Date.now() / 1000;
      const recent = await bench.writer.recent("web", 2);
      assert.deepEqual(
        recent.map(({ line }) => line),
        ["", "last"],
      );
      assert.ok(recent.every(({ time }) => Math.abs(time - now) < 60));
    }));

  it("names program and pid in the main sink, and leaves the daemon's own lines as they are", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web");
      await bench.write("web", "before\\n");
      await bench.writer.drain("web");
      bench.writer.label("web", "prog", 42);
      await bench.writer.drain("web"); // orders are carried out one after the other
      await bench.write("web", "after\\n");
      bench.agent.command({ kind: "print", text: "the daemon's\rown line\n" });
      await waitFor("both are there", () => bench.read("main.log").split("\n").length > 3);
      const [before, ...rest] = bench.read("main.log").trimEnd().split("\n");
      assert.match(before ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[prog\] before$/);
      rest.sort();
      assert.match(rest[0] ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d prog\[42\] after$/);
      assert.equal(rest[1], "the daemon's\rown line");
    }));

  it("writes JSON that every parser reads", () =>
    withBench(async (bench) => {
      await bench.sink({ format: "json" });
      await bench.open('we"b\\', { pid: 7 });
      await bench.write(
        'we"b\\',
        'a "quoted" \\\\ \\t \\1 \\0 \\377 \\303\\251 enough to be copied in words\\n',
      );
      await bench.writer.drain();
      const record = JSON.parse(bench.read("main.log")) as Record<string, unknown>;
      assert.ok(Math.abs(Number(record.time) - Date.now()) < 60_000);
      assert.deepEqual(record, {
        level: 30,
        time: record.time,
        service: 'we"b\\',
        pid: 7,
        msg: 'a "quoted" \\ \t \u0001 \0 \ufffd é enough to be copied in words',
      });
    }));

  it("replaces what is not UTF-8 exactly as a browser does", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("bin", { file: { path: bench.path("bin.log") } });
      await bench.finished(
        await bench.shell(
          "head -c 300000 /dev/urandom | tr -d '\\n\\r' | head -c 60000 | tee >(cat >&2); echo",
          "bin",
        ),
      );
      await bench.writer.drain();
      const [line = ""] = bench.lines("bin.log");
      assert.ok(line.length > 20_000);
      assert.doesNotMatch(line, /\0/);
      const cases = [
        "\\360\\237\\230\\200",
        "\\355\\240\\200",
        "\\300\\257",
        "\\364\\220\\200\\200",
        "\\342\\202",
        "\\0\\177",
      ];
      await bench.write("bin", cases.map((text) => `${text}|`).join(""));
      await bench.writer.drain();
      const bytes = cases.flatMap((text) =>
        [...text.matchAll(/\\([0-7]+)/g)].map((m) => Number.parseInt(m[1] ?? "", 8)).concat(124),
      );
      assert.equal(
        bench.lines("bin.log").at(-1),
        new TextDecoder().decode(Buffer.from(bytes)).replaceAll("\0", "\ufffd"),
      );
    }));

  it("splits no line of 64 KiB, and marks the pieces of a longer one", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("long", { file: { path: bench.path("long.log") } });
      const script =
        "x() { head -c $1 /dev/zero | tr '\\0' $2; }; x 65536 a; echo; x 65537 b; echo; x 65535 c; printf '\\303\\251'; x 140000 d";
      await bench.finished(await bench.shell(script, "long"));
      await bench.writer.drain();
      assert.deepEqual(
        bench
          .lines("long.log")
          .map((line) => line.replace(/(.)\1*/g, (run, char: string) => `${char}${run.length} `)),
        ["a65536 ", "b65536 ", ".3  1 b1 ", "c65535 ", ".3  1 é1 d65534 ", ".3  1 d65536 ", ".3  1 d8930 "],
      );
    }));

  it("keeps a line without its end until it is told, or the stream is closed", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: bench.path("web.log") } });
      await bench.write("web", "one\\ntw");
      await bench.writer.drain("web", { partial: false });
      assert.deepEqual(bench.lines("web.log"), ["one"]);
      await bench.write("web", "o\\nthr");
      await bench.writer.closeStream("web");
      assert.deepEqual(bench.lines("web.log"), ["one", "two", "thr"]);
      await bench.writer.closeStream("web");
      assert.deepEqual(
        (await bench.writer.recent("web", 1)).map(({ line }) => line),
        ["thr"],
      );
    }));

  it("keeps the last lines of a service without a file, in two segments that follow each other", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a/b c");
      for (let batch = 0; batch < 6; batch++) {
        await bench.write(
          "a/b c",
          Array.from({ length: 40 }, (_, i) => `${batch * 40 + i} ${"z".repeat(60)}\\n`).join(""),
        );
        await bench.writer.drain();
      }
      for (const name of ["run/a%2Fb%20c.recent", "run/a%2Fb%20c.recent.1"])
        assert.ok(statSync(bench.path(name)).size <= 8192);
      await bench.signal("SIGKILL");
      await bench.writer.closeStream("a/b c");
      const numbers = (await bench.writer.recent("a/b c", 1000)).map(({ line }) =>
        Number(line.split(" ")[0]),
      );
      assert.ok(numbers.length > 85);
      assert.deepEqual(
        numbers,
        Array.from({ length: numbers.length }, (_, i) => 240 - numbers.length + i),
      );
      await bench.write("a/b c", `${"long ".repeat(4000)}\\n`);
      await bench.open("a/b c");
      await bench.writer.drain();
      assert.ok((await bench.writer.recent("a/b c", 1))[0]?.line.startsWith("long long"));
      assert.ok(statSync(bench.path("run/a%2Fb%20c.recent")).size <= 8192);
      await bench.writer.forget("a/b c");
      assert.deepEqual(await bench.writer.recent("a/b c", 1000), []);
    }));

  it("is shared fairly: a flood delays nobody", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("flood", { file: { path: bench.path("flood.log") } });
      await bench.open("quiet", { file: { path: bench.path("quiet.log") } });
      const flood = await bench.shell("exec head -c 300000000 <(yes)", "flood");
      await waitFor(
        "it floods",
        () => existsSync(bench.path("flood.log")) && statSync(bench.path("flood.log")).size > 1e6,
      );
      await bench.write("quiet", "hello\\n");
      await waitFor("the other line is there", () => bench.read("quiet.log") !== "");
      assert.equal(
        bench.ended.some(({ id }) => id === flood),
        false,
        "the flood is still on",
      );
    }));

  it("carries many streams at once", () =>
    withBench(async (bench) => {
      await bench.sink();
      const names = Array.from({ length: 300 }, (_, i) => `s${i}`);
      await Promise.all(names.map((name) => bench.open(name)));
      await Promise.all(
        names.map((name) =>
          bench.agent.send([
            {
              op: "spawn",
              id: name,
              spec: {
                arguments: ["/bin/echo", name],
                descriptors: [{ target: 1, source: { name: `log/${name}` } }],
              },
            },
          ]),
        ),
      );
      await Promise.all(names.map((name) => bench.finished(name)));
      await bench.writer.drain();
      assert.deepEqual(bench.lines("main.log").sort(), names.map((name) => `[prog] ${name}`).sort());
    }));
});

describe("files", { skip, concurrency: 2 }, () => {
  it("says why a file cannot be opened, and goes on without it", () =>
    withBench(async (bench) => {
      await bench.sink();
      const open = (path: string, uid = 0) => bench.open("web", { file: { path, uid, gid: uid } });
      await assert.rejects(
        open("/proc/no/web.log"),
        failure("/proc/no/web.log", "directory", "No such file or directory"),
      );
      await assert.rejects(open("web.log"), failure("web.log", "directory", "Invalid argument"));
      await assert.rejects(open(bench.directory), failure(bench.directory, "open", "Is a directory"));
      const link = bench.path("link.log");
      symlinkSync("/etc/passwd", link);
      await assert.rejects(open(link), failure(link, "open", "Too many levels of symbolic links"));
      mkdirSync(bench.path("theirs"), { mode: 0o555 });
      chownSync(bench.path("theirs"), user, user);
      const theirs = bench.path("theirs/web.log");
      chownSync(bench.directory, user, user);
      await assert.rejects(open(theirs, user), failure(theirs, "open", "Permission denied"));
      await assert.rejects(
        bench.writer.configureSink({ path: "/proc/no/main.log" }),
        failure("/proc/no/main.log", "directory", "No such file or directory"),
      );
      await open(bench.path("web.log"));
      await bench.write("web", "hello\\n");
      await bench.writer.drain();
      assert.deepEqual(bench.lines("web.log"), ["hello"]);
    }));

  it("does nothing as root where the service's user may write, and follows no link of theirs", () =>
    withBench(async (bench) => {
      await bench.sink();
      chmodSync(bench.directory, 0o755);
      mkdirSync(bench.path("home"));
      mkdirSync(bench.path("secret"), { mode: 0o700 });
      chownSync(bench.path("home"), user, user);
      symlinkSync(bench.path("secret"), bench.path("home/logs"));
      symlinkSync(bench.path("home"), bench.path("ours"));
      const file = (path: string) => ({ file: { path: bench.path(path), uid: user, gid: user } });
      const trap = bench.path("home/logs/web.log");
      await assert.rejects(
        bench.open("web", file("home/logs/web.log")),
        failure(trap, "open", "Permission denied"),
      );
      await bench.open("web", file("ours/made/web.log"));
      const made = statSync(bench.path("home/made/web.log"));
      assert.deepEqual([made.uid, made.gid, statSync(bench.path("home/made")).uid], [user, user, user]);
      mkdirSync(bench.path("root"), { mode: 0o755 });
      await bench.open("other", file("root/other.log"));
      assert.equal(statSync(bench.path("root/other.log")).uid, 0);
    }));

  it("opens its files anew when it is told to", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("web", { file: { path: bench.path("web.log") } });
      await bench.write("web", "one\\n");
      await bench.writer.drain();
      renameSync(bench.path("web.log"), bench.path("web.log.1"));
      await bench.write("web", "two\\n");
      await bench.writer.drain();
      await bench.writer.reopen();
      await bench.write("web", "three\\n");
      await bench.writer.drain();
      assert.deepEqual([bench.lines("web.log.1"), bench.lines("web.log")], [["one", "two"], ["three"]]);
    }));

  it("survives a full disk: nobody blocks, what is lost is counted and told of once", () =>
    withBench(async (bench) => {
      await bench.sink();
      mkdirSync(bench.path("full"));
      const run = async (...argv: [string, ...string[]]) => {
        const id = argv.join(" ");
        await bench.agent.run(id, argv);
        await bench.finished(id);
      };
      await run("mount", "-t", "tmpfs", "-o", "size=128k", "none", bench.path("full"));
      const inside = `/proc/${await bench.bed.pid}/root${bench.path("full/web.log")}`;
      await bench.open("web", { file: { path: bench.path("full/web.log") } });
      await bench.finished(await bench.shell(numbered(5000), "web"));
      await bench.writer.drain();
      assert.deepEqual(bench.troubles, [`write ${bench.path("full/web.log")}: No space left on device`]);
      const recent = await bench.writer.recent("web", 3);
      assert.deepEqual(
        recent.map(({ line }) => line.split(" ")[0]),
        ["4997", "4998", "4999"],
      );
      await run("mount", "-o", "remount,size=4m", "none", bench.path("full"));
      let tries = 0;
      await waitFor("it is tried again", async () => {
        tries++;
        await bench.write("web", "room again\\n");
        await bench.writer.drain();
        return readFileSync(inside, "utf8").includes("room");
      });
      const lost = 5000 + tries - 1;
      const lines = readFileSync(inside, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => line.slice(20));
      const at = lines.findIndex((line) => line.includes("lost"));
      checkNumbered(lines.slice(0, at), at);
      assert.deepEqual(lines.slice(at), [`${lost - at} lines lost: No space left on device`, "room again"]);
      await waitFor(
        "it is told",
        () => bench.troubles.length === 2,
        () => bench.troubles.join("\n"),
      );
      assert.equal(
        bench.troubles[1],
        `write ${bench.path("full/web.log")}: works again; ${lost - at} lines were lost`,
      );
    }));

  it("does not wait for an output that takes nothing", () =>
    withBench(
      async (bench) => {
        await waitFor("it has its output", () => existsSync(bench.path("fifo")));
        const fifo = openSync(bench.path("fifo"), constants.O_RDWR | constants.O_NONBLOCK);
        await bench.sink({ outputs: [1] });
        await bench.open("web", { label: "" });
        await bench.finished(await bench.shell(numbered(30_000), "web"));
        await bench.writer.drain();
        checkNumbered(bench.lines("main.log"), 30_000);
        await waitFor("it is told", () => bench.troubles.length > 0);
        assert.deepEqual(bench.troubles, ["write standard output: Resource temporarily unavailable"]);
        let text = "";
        const buffer = Buffer.alloc(65536);
        const pump = () => {
          try {
            text += buffer.toString("utf8", 0, readSync(fifo, buffer));
          } catch {
            return false;
          }
          return true;
        };
        await waitFor("all that waited is out", async () => {
          while (pump());
          await delay(20);
          return !pump() && text.length > 1_000_000;
        });
        await bench.write("web", "after\\n");
        await bench.writer.drain();
        await waitFor("it goes on", () => {
          pump();
          return text.endsWith("after\n");
        });
        closeSync(fifo);
        const lines = text
          .trimEnd()
          .split("\n")
          .map((line) => line.slice(20));
        const at = lines.length - 2;
        checkNumbered(lines.slice(0, at), at);
        assert.deepEqual(lines.slice(at), [
          `${30_000 - at} lines lost: Resource temporarily unavailable`,
          "after",
        ]);
      },
      { wrapper: "mkfifo $DIR/fifo; exec $WRITER 1<>$DIR/fifo" },
    ));

  it("copies the main sink to an output", () =>
    withBench(async (bench) => {
      await bench.writer.configureSink({ outputs: [2] });
      await bench.open("web");
      await bench.write("web", "seen\\n");
      await waitFor("it is seen", () => / \[prog\] seen\n/.test(bench.bed.stderr));
    }));
});

describe("death", { skip, concurrency: 1 }, () => {
  it("loses, tears and doubles nothing when the writer is killed again and again", () =>
    withBench(async (bench) => {
      const count = 40_000;
      const kills = 20;
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      await bench.open("b", { label: "" });
      const shells = [await bench.shell(numbered(count), "a"), await bench.shell(numbered(count), "b")];
      let done = 0;
      while (bench.ended.filter(({ id }) => shells.includes(id)).length < 2 || done < kills) {
        await delay(Math.random() * 60);
        await bench.signal("SIGKILL");
        done++;
        await waitFor("its end is told", () => bench.troubles.length === done);
      }
      await Promise.all(shells.map((id) => bench.finished(id)));
      await bench.writer.drain();
      checkNumbered(bench.lines("a.log"), count);
      checkNumbered(bench.lines("main.log"), count);
      // A kill may hit the helper that is about to become the writer.
      for (const text of bench.troubles) assert.match(text, /ended by signal 9|: Operation canceled$/);
    }));

  it("goes on when daemon and writer die together", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      await bench.open("b", { label: "" });
      const shells = [await bench.shell(numbered(20_000), "a"), await bench.shell(numbered(20_000), "b")];
      for (let i = 0; i < 3; i++) {
        await delay(Math.random() * 100);
        if (i > 0) await bench.signal("SIGKILL");
        await bench.killDaemon();
      }
      await Promise.all(shells.map((id) => bench.finished(id)));
      await bench.open("a", { file: { path: bench.path("a.log") } });
      await bench.writer.drain();
      checkNumbered(bench.lines("a.log"), 20_000);
      checkNumbered(bench.lines("main.log"), 20_000);
    }));

  it("writes all that is in the pipes before it ends on TERM", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      await bench.signal("SIGSTOP");
      await bench.write("a", "one\\ntwo");
      await bench.signal("SIGTERM");
      await bench.signal("SIGCONT");
      await waitFor("it ends", () => bench.troubles[0]);
      assert.equal(bench.troubles[0], "The log writer ended with status 0; it is started again.");
      assert.deepEqual(bench.lines("a.log"), ["one", "two"]);
    }));

  it("waits for the last words of services when the keeper ends everything alone", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      await bench.shell(
        `trap 'sleep 0.2; echo goodbye; exit' TERM; touch ${bench.path("ready")}; while :; do sleep 0.1; done`,
        "a",
      );
      await waitFor("the service is ready", () => existsSync(bench.path("ready")));
      await bench.agent.ok({ op: "begin-shutdown", deadline: 1, how: "exit", code: 9 });
      assert.equal(await bench.bed.exit(), 9);
      assert.match(bench.bed.stderr, /the shutdown was not finished in time/);
      assert.deepEqual(bench.lines("a.log"), ["goodbye"]);
    }));

  it("ends on TERM though a service never stops printing", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      await bench.shell("while :; do echo more; sleep 0.01; done", "a");
      await waitFor("it prints", () => statSync(bench.path("a.log")).size > 0);
      await bench.signal("SIGTERM");
      await waitFor("it ends", () => bench.troubles[0]);
      assert.equal(bench.troubles[0], "The log writer ended with status 0; it is started again.");
      assert.ok(bench.lines("a.log").every((line) => line === "more"));
    }));

  it("waits for nothing when the daemon has ordered all, or nobody can order any more", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      const quickest = async (end: () => Promise<void>): Promise<number> => {
        let least = Number.POSITIVE_INFINITY;
        // A machine may be busy once, but hardly each time.
        for (let i = 0; i < 5 && least >= 250; i++) {
          await bench.write("a", "line\\n");
          await bench.writer.finish();
          const known = bench.troubles.length;
          const begun = Date.now();
          await end();
          await waitFor("it ends", () => bench.troubles.length > known);
          least = Math.min(least, Date.now() - begun);
          await bench.writer.drain();
        }
        return least;
      };
      assert.ok((await quickest(() => bench.signal("SIGTERM"))) < 250);
      assert.ok(
        (await quickest(async () => {
          await bench.agent.send([{ op: "close", name: "log/control" }]);
        })) < 250,
      );
      assert.ok(bench.troubles.every((text) => text.includes("ended with status 0")));
      assert.ok(bench.lines("a.log").every((line) => line === "line"));
    }));

  it("names a stream whose name is hostile without tearing a line", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { label: "x\u0001y\ud800" });
      await bench.write("a", "line\\n");
      await bench.writer.drain();
      assert.deepEqual(bench.lines("main.log"), ["[x?y\ufffd] line"]);
    }));

  it("answers hostile orders, and outlives them", () =>
    withBench(async (bench) => {
      await bench.sink();
      await bench.open("a", { file: { path: bench.path("a.log") } });
      const first = await bench.pid();
      const descriptors = () => readdirSync(`/proc/${first}/fd`).length;
      const before = descriptors();
      let seed = 7;
      const random = (limit: number) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return seed % limit;
      };
      for (let i = 0; i < 1500; i++) {
        const data = Buffer.alloc(1 + random(200));
        for (let at = 0; at < data.length; at++) data[at] = random(256);
        if (i % 3 > 0 && data.length >= 20) {
          data.writeUInt32LE(data.length - 4, 0);
          data.writeUInt16LE(0x0101, 4);
          data.writeUInt16LE(0, 6);
          data.writeUInt32LE(data.length - 16, 12);
          data.writeUInt32LE(1 + random(10), 16);
          if (data.length >= 28) data.writeUInt32LE([20, 24, 131, 133, 137][random(5)] ?? 0, 20);
          if (data.length >= 28) data.writeUInt32LE(random(2) === 0 ? 8 : data.length - 28, 24);
        }
        await bench.agent.send([
          { op: "pass", through: "log/control", names: i % 5 === 0 ? ["log/a", "log/a"] : [], data },
        ]);
      }
      await bench.write("a", "still here\\n");
      await bench.writer.drain("a");
      assert.deepEqual(bench.lines("a.log"), ["still here"]);
      assert.equal(await bench.pid(), first);
      assert.equal(descriptors(), before);
    }));
});
