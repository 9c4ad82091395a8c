// The log writer is killed at each of its system calls in turn, before the call and after it, while it receives messages
// and writes them to two files: LOG_SWEEP_STRIDE=1 tries all of them, a larger one every so many.

import assert from "node:assert/strict";
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { skip } from "../keeper/bed.js";
import { all, type SystemLogBench, systemLogBench } from "./syslog-bench.js";

const stride = Number(process.env.LOG_SWEEP_STRIDE ?? 67);
/** Messages of each of two senders, before the kill and after it. */
const part = 40;

/** The first writer is let alone; each next one is killed at the stop that the file `at` names, once. */
const wrapper = `
at=$(cat $DIR/at 2>/dev/null)
echo 0 >$DIR/at
[ "\${at:-0}" = 0 ] && exec $WRITER
exec $DIR/kill-at $at $WRITER 9>>$DIR/killed`;

/** Whether the writer had so many stops that it could be killed. */
async function scenario(bench: Bench, log: SystemLogBench, kernel: number, at: number): Promise<boolean> {
  const killed = bench.path("killed");
  const kills = (): number => (existsSync(killed) ? readFileSync(killed).length : 0);
  const before = kills();
  const files = [`all-${at}`, `errors-${at}`];
  const rules = [{ ...all, priorities: 0x0f, file: 1 }, all];
  await log.open({
    files,
    kernelLog: "kernel",
    routes: { rules, rateLimit: { messages: 1_000_000, seconds: 60 } },
  });
  writeFileSync(bench.path("at"), `${at}\n`);
  await bench.signal("SIGKILL");
  // They wait where they are until the next writer has come.
  writeSync(kernel, Array.from({ length: part }, (_, index) => `<6>${index + 1}\n`).join(""));
  await Promise.all([log.sendNumbers("<11>a: ", 1, part), log.sendNumbers("<14>b: ", 1, part)]);
  await bench.writer.drain();
  await log.sendNumbers("<11>a: ", part + 1, 2 * part);
  await bench.writer.drain();
  const expected = Array.from({ length: 2 * part }, (_, index) => index + 1);
  const numbers = (file = "", tag = ""): number[] =>
    bench
      .lines(file)
      .flatMap((line) =>
        line.startsWith(`localhost ${tag}: `) ? [Number(line.slice(12 + tag.length))] : [],
      );
  for (const file of files) assert.deepEqual(numbers(file, "a"), expected, `${file}, killed at stop ${at}`);
  assert.deepEqual(numbers(files[0], "b"), expected.slice(0, part), `killed at stop ${at}`);
  assert.deepEqual(numbers(files[0], "linux"), expected.slice(0, part), `the kernel's, killed at stop ${at}`);
  assert.equal(bench.lines(files[0] ?? "").length, 4 * part, `killed at stop ${at}: nothing else is there`);
  return kills() > before;
}

describe("a log writer that is killed at its n-th system call", { skip }, () => {
  it("loses, doubles and tears no message that was accepted", (t) =>
    withBench(
      async (bench) => {
        const source = join(project.root, "test", "native", "logwriter", "kill-at.c");
        const built = await run("cc", ["-D_GNU_SOURCE", "-o", bench.path("kill-at"), source]);
        assert.equal(built.status, 0, built.stderr);
        await bench.sink();
        const log = await systemLogBench(bench);
        const fifo = bench.path("kmsg");
        assert.equal((await run("mkfifo", [fifo])).status, 0);
        const flags = constants.O_RDONLY | constants.O_NONBLOCK;
        await bench.agent.ok({ op: "open", name: "kernel", path: fifo, flags });
        const kernel = openSync(fifo, "r+");
        t.after(() => closeSync(kernel));
        let at = 1;
        while (await scenario(bench, log, kernel, at)) at += stride;
        t.diagnostic(`killed at ${Math.ceil((at - 1) / stride)} stops, up to the last one before ${at}`);
        assert.ok(at > 100, `a whole scenario has more than ${at} stops`);
      },
      { wrapper },
    ));
});
