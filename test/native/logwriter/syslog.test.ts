// The system log in the log writer: messages of every kind, rules, rates, marks, and writers that die.

import assert from "node:assert/strict";
import { constants, createWriteStream, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { run } from "../../support/run.js";
import { waitFor } from "../../support/wait.js";
import { skip } from "../keeper/bed.js";
import { all, type SystemLogBench, type SystemLogBenchOptions, systemLogBench } from "./syslog-bench.js";

function withSystemLog(
  test: (log: SystemLogBench, bench: Bench) => Promise<void>,
  options?: SystemLogBenchOptions,
): Promise<void> {
  return withBench(async (bench) => {
    await bench.sink();
    const log = await systemLogBench(bench);
    await log.open(options);
    await test(log, bench);
  });
}

const messages = (bench: Bench, file = "messages"): string[] => bench.lines(file);

/** Everything that was sent is written. */
const written = (bench: Bench): Promise<void> => bench.writer.drain();

describe("the system log", { skip }, () => {
  it("writes messages of both formats, and what is of none, each on one line", () =>
    withSystemLog(async (log, bench) => {
      const long = "x".repeat(65_000);
      const cases: readonly (readonly [string | Uint8Array, string | undefined])[] = [
        ["<13>Nov 20 21:07:59 root: hello from logger", "root: hello from logger"],
        ["<86>Nov  2 01:02:03 sshd[42]: no host", "sshd[42]: no host"],
        ["<13>foo[3]: legacy", "foo[3]: legacy"],
        ["no prefix at all", "no prefix at all"],
        ["<13>1 2026-11-20T21:07:59.1Z host app 17 ID47 - of RFC 5424", "app[17]: of RFC 5424"],
        ["<13>1 - - app - - - \u{feff}marked", "app: marked"],
        ['<13>1 - h app - - [a@1 b="]\\"x"][c@1] text', 'app: text [a@1 b="]\\"x"][c@1]'],
        ['<13>1 - h app - - [timeQuality tzKnown="1"] text', "app: text"],
        ["<13>1 not a header", "1 not a header"],
        ["<192>priority too high", "<192>priority too high"],
        ["<>no priority", "<>no priority"],
        ["<13", "<13"],
        ["<13>two\nlines\tand a tab\r\u{7f}\n", "two#012lines\tand a tab#015#177"],
        [Buffer.from("<13>a\0b\xff\0", "latin1"), "a#000b\u{fffd}"],
        ["<13>", ""],
        ["", undefined],
        [`<13>${long}`, long],
      ];
      for (const [bytes] of cases) await log.send(bytes);
      await written(bench);
      assert.deepEqual(
        messages(bench),
        cases.flatMap(([, line]) => (line === undefined ? [] : [`localhost ${line}`])),
      );
    }));

  it("cuts a datagram at 65,536 bytes", () =>
    withSystemLog(async (log, bench) => {
      await log.send("y".repeat(100_000));
      await written(bench);
      assert.deepEqual(messages(bench), [`localhost ${"y".repeat(65_536)}`]);
    }));

  it("sends each message where the rules say, until one stops", () => {
    const mail = 1 << 2;
    return withSystemLog(
      async (log, bench) => {
        await log.send("<22>m[1]: mail info");
        await log.send("<15>u: user debug");
        await log.send("<11>u: user err");
        await log.send("<13>noise: dropped");
        await written(bench);
        assert.deepEqual(messages(bench, "mail"), ["localhost m[1]: mail info"]);
        assert.deepEqual(messages(bench, "errors"), ["localhost u: user err"]);
        assert.deepEqual(messages(bench, "rest"), ["localhost u: user debug", "localhost u: user err"]);
        const recent = await bench.writer.recent("system-log", 10);
        assert.deepEqual(
          recent.map(({ line }) => line),
          [
            "localhost m[1]: mail info",
            "localhost u: user debug",
            "localhost u: user err",
            "localhost noise: dropped",
          ],
        );
        assert.deepEqual(
          bench.writer.files("system-log"),
          ["mail", "errors", "rest"].map((file) => bench.path(file)),
        );
      },
      {
        files: ["mail", "errors", "rest"],
        routes: {
          rules: [
            { ...all, facilities: mail, file: 0, stop: true },
            { facilities: all.facilities, priorities: all.priorities, tag: "noise", stop: true },
            { ...all, priorities: 0x0f, file: 1 },
            { ...all, file: 2 },
          ],
        },
      },
    );
  });

  it("counts what a sender logs beyond its rate, and says once how much it was", () =>
    withSystemLog(
      async (log, bench) => {
        // Both are alive when their messages are read: of those that have ended only the user is known.
        await bench.open("a");
        await bench.shell(log.command("<13>flood[9]: ", 1, 100), "a");
        await bench.shell(log.command("<13>other: is heard ", 1, 1), "a");
        await waitFor("it is said", () => messages(bench).some((line) => line.endsWith("suppressed")));
        const lines = messages(bench);
        assert.equal(lines.filter((line) => line.startsWith("localhost flood[9]: ")).length, 10);
        assert.ok(lines.includes("localhost other: is heard 1"));
        assert.match(lines.at(-1) ?? "", /^localhost 90 messages of flood\[\d+\] suppressed$/);
      },
      { routes: { rateLimit: { messages: 10, seconds: 1 } } },
    ));

  it("marks silence", () =>
    withSystemLog(
      async (_log, bench) => {
        await waitFor("a mark", () => messages(bench).includes("localhost -- MARK --"));
      },
      { routes: { markInterval: 1 } },
    ));

  it("reads the kernel's log, whose lines may come in pieces", () =>
    withBench(async (bench) => {
      await bench.sink();
      const log = await systemLogBench(bench);
      const fifo = bench.path("kmsg");
      assert.equal((await run("mkfifo", [fifo])).status, 0);
      await bench.agent.ok({
        op: "open",
        name: "kernel",
        path: fifo,
        flags: constants.O_RDONLY | constants.O_NONBLOCK,
      });
      const kernel = createWriteStream(fifo);
      await log.open({
        kernelLog: "kernel",
        files: ["messages", "emergencies"],
        routes: { rules: [{ ...all, facilities: 1, priorities: 1, file: 1 }, all] },
      });
      kernel.write("<6>[    1.000000] one\n<0>[    2.0");
      await waitFor("the first line", () => messages(bench).length === 1);
      await bench.signal("SIGKILL"); // half a line is not lost with it
      kernel.write("00000] two\n<30>systemd[1]: three\n");
      await waitFor("all lines", () => messages(bench).length === 3);
      assert.deepEqual(messages(bench), [
        "localhost linux: [    1.000000] one",
        "localhost linux: [    2.000000] two",
        "localhost linux: systemd[1]: three",
      ]);
      assert.deepEqual(messages(bench, "emergencies"), ["localhost linux: [    2.000000] two"]);
      kernel.destroy();
      await log.send("<13>the kernel's log is at its end");
      await waitFor("others are heard", () => messages(bench).length === 4);
    }));

  it("rotates its files by their streams", () =>
    withSystemLog(async (log, bench) => {
      await log.send("<13>before");
      await written(bench);
      const [stream] = bench.writer.systemLog.files;
      assert.equal(await bench.writer.rotate(stream?.name), bench.path("messages.1"));
      await log.send("<13>after");
      await written(bench);
      assert.deepEqual(messages(bench, "messages.1"), ["localhost before"]);
      assert.deepEqual(messages(bench), ["localhost after"]);
    }));

  it("tells of a file that cannot be opened, by its name", () =>
    withBench(async (bench) => {
      await bench.sink();
      const log = await systemLogBench(bench);
      await assert.rejects(log.open({ files: ["."] }), /open .*: Is a directory/);
      await log.open();
      await log.send("<13>it works");
      await written(bench);
      assert.deepEqual(messages(bench), ["localhost it works"]);
    }));

  it("counts what a file does not take, says so of the service, and writes it elsewhere all the same", () =>
    withBench(async (bench) => {
      await bench.sink();
      const log = await systemLogBench(bench);
      await bench.writer.systemLog.open({
        service: "system-log",
        sockets: ["log/socket"],
        files: ["/dev/full", bench.path("messages")],
        routes: { rules: [all, { ...all, file: 1 }], host: "web1", markInterval: 0 },
      });
      await log.send("<13>one");
      await log.send("<13>two");
      await written(bench);
      assert.deepEqual(messages(bench), ["web1 one", "web1 two"]);
      await waitFor("it is told", () =>
        /^write \/dev\/full: No space left on device; [12] lines? lost$/.test(
          bench.writer.trouble("system-log") ?? "",
        ),
      );
    }));

  it("takes no descriptors from those who send some", () =>
    withSystemLog(async (log, bench) => {
      const python = `
import array, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
for i in range(20):
    s.sendmsg([b"<13>with a gift"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])`;
      await log.send("<13>before");
      await written(bench);
      const descriptors = async () => readdirSync(`/proc/${await bench.pid()}/fd`).length;
      const before = await descriptors();
      const { status, stderr } = await run("python3", ["-c", python, bench.path("log.socket")]);
      assert.equal(status, 0, stderr);
      await written(bench);
      assert.equal(messages(bench).length, 21);
      assert.equal(await descriptors(), before);
    }));

  it("writes what was accepted before it is closed, and then refuses", () =>
    withSystemLog(async (log, bench) => {
      await log.sendNumbers("<13>", 1, 500);
      await bench.writer.systemLog.close("system-log");
      assert.equal(messages(bench).length, 500);
      await assert.rejects(log.send("too late"));
      assert.equal(bench.writer.systemLog.setup, undefined);
    }));

  it("loses, doubles and tears nothing of a flood, though writer and daemon are killed", (t) =>
    withSystemLog(async (log, bench) => {
      const count = 10_000;
      let isOver = false;
      const flood = Promise.all([
        log.sendNumbers("<13>a: ", 1, count),
        log.sendNumbers("<14>1 - - b - - - ", 1, count),
      ]).finally(() => {
        isOver = true;
      });
      let kills = 0;
      for (; !isOver; kills += 1) {
        await (kills % 4 === 3 ? bench.killDaemon() : bench.signal("SIGKILL"));
        const before = readFileSync(bench.path("messages")).length;
        await waitFor(
          "it goes on",
          () => isOver || readFileSync(bench.path("messages")).length > before + 40_000,
        );
      }
      await flood;
      await written(bench);
      const numbers = Array.from({ length: count }, (_, index) => index + 1);
      for (const tag of ["a", "b"])
        assert.deepEqual(
          messages(bench)
            .filter((line) => line.startsWith(`localhost ${tag}: `))
            .map((line) => Number(line.slice(13))),
          numbers,
        );
      assert.equal(messages(bench).length, 2 * count);
      t.diagnostic(`${kills} kills`);
      assert.ok(kills >= 4);
    }));

  it("starves neither a service's stream nor another sender", () =>
    withSystemLog(
      async (log, bench) => {
        await bench.open("a", { file: { path: bench.path("a.log") } });
        let isOver = false;
        const flood = log.sendNumbers("<13>flood: ", 1, 40_000).finally(() => {
          isOver = true;
        });
        await bench.write("a", "a line\\n");
        await log.send("<11>other: me too");
        await bench.writer.drain("a");
        await waitFor("the other is heard", () => bench.read("errors").includes("me too"));
        assert.deepEqual(bench.lines("a.log"), ["a line"]);
        assert.ok(!isOver, "the flood goes on");
        await flood;
      },
      { files: ["messages", "errors"], routes: { rules: [{ ...all, priorities: 0x0f, file: 1 }, all] } },
    ));
});
