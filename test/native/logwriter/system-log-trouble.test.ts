// What can go wrong with a system log: files of two names, sources that cannot be read, changes while messages come.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { constants, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { skip } from "../keeper/bed.js";
import { type SystemLogBench, systemLogBench } from "./syslog-bench.js";

function withSystemLog(test: (log: SystemLogBench, bench: Bench) => Promise<void>): Promise<void> {
  return withBench(async (bench) => {
    await bench.sink();
    await test(await systemLogBench(bench), bench);
  });
}

/** More than wait in a socket. */
const lines = 100;
/** Binds its socket at first and for each line `again`; reads only when it is told to, and says how much came. */
const slowLogger = `
import os, socket, sys
def listen():
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.bind(sys.argv[1])
    print("listens", flush=True)
    return one
log = listen()
for line in sys.stdin:
    if line == "again\\n":
        log.close()
        os.unlink(sys.argv[1])
        log = listen()
        continue
    log.settimeout(5)
    count = 0
    try:
        while count < ${lines}:
            count += b"a line" in log.recv(65536)
    except TimeoutError:
        pass
    print(count, flush=True)`;

/** A system log of one file that is read and written all the time, until `task` is done. How much was sent. */
async function whileSending(log: SystemLogBench, task: () => Promise<void>): Promise<number> {
  let sent = 0;
  let done = false;
  const sending = (async () => {
    while (!done) {
      await log.sendNumbers("<13>", sent + 1, sent + 50);
      sent += 50;
    }
  })();
  await task();
  done = true;
  await sending;
  return sent;
}

describe("a system log in trouble", { skip }, () => {
  it("goes on in its files while it is opened once more, as by a daemon whose predecessor died half-way", () =>
    withSystemLog(async (log, bench) => {
      await log.open();
      const sent = await whileSending(log, async () => {
        for (let times = 0; times < 20; times += 1) await log.open();
      });
      await bench.writer.drain();
      assert.deepEqual(
        bench.lines("messages"),
        Array.from({ length: sent }, (_, index) => `localhost ${index + 1}`),
      );
      assert.equal(bench.read("main.log"), "");
    }));

  it("refuses a kernel's log that cannot be waited for, and the next writer lives", () =>
    withSystemLog(async (log, bench) => {
      const path = bench.path("kmsg");
      writeFileSync(path, "<6>one\n");
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      await bench.agent.ok({ op: "open", name: "kernel", path, flags });
      await assert.rejects(log.open({ kernelLog: "kernel" }), /kernel: Invalid argument/);
      await log.send("<13>before");
      await bench.writer.drain();
      await bench.signal("SIGKILL");
      await log.send("<13>after");
      await bench.writer.drain();
      assert.deepEqual(bench.lines("messages"), ["localhost before", "localhost after"]);
    }));

  it("sends every line to a system logger that was started anew and reads slowly", () =>
    withBench(async (bench) => {
      const path = bench.path("logger.socket");
      const logger = spawn("python3", ["-c", slowLogger, path], { stdio: ["pipe", "pipe", "inherit"] });
      const answers = createInterface({ input: logger.stdout })[Symbol.asyncIterator]();
      const answer = async (): Promise<string | undefined> => (await answers.next()).value;
      try {
        assert.equal(await answer(), "listens");
        await bench.sink({ syslog: path });
        logger.stdin.write("again\n");
        assert.equal(await answer(), "listens");
        await bench.open("a");
        await bench.write("a", "%s\\n".repeat(lines).replaceAll("%s", "a line"));
        await bench.writer.drain();
        logger.stdin.write("read\n");
        assert.equal(await answer(), String(lines));
      } finally {
        logger.kill("SIGKILL");
      }
    }));

  it("says how much was suppressed before it is closed", () =>
    withSystemLog(async (log, bench) => {
      await log.open({ routes: { rateLimit: { messages: 10, seconds: 1000 } } });
      await log.sendNumbers("<13>flood: ", 1, 100);
      await bench.writer.systemLog.close("system-log");
      const suppressed = bench.lines("messages").flatMap((line) => {
        // Of the process, or of its user once it has ended.
        const [, count] = /^localhost (\d+) messages of flood.* suppressed$/.exec(line) ?? [];
        return count === undefined ? [] : [Number(count)];
      });
      assert.notEqual(suppressed.length, 0);
      const logged = bench.lines("messages").length - suppressed.length;
      assert.equal(
        suppressed.reduce((sum, count) => sum + count, logged),
        100,
      );
    }));
});
