// The log writer is killed at each of its system calls in turn, before the call and after it, while it carries lines
// and rotates their file: LOG_SWEEP_STRIDE=1 tries all of them, a larger one every so many.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { skip } from "../keeper/bed.js";

const stride = Number(process.env.LOG_SWEEP_STRIDE ?? 23);
const keep = 5;
/** Lines before the first rotation, between the two, and after. */
const part = 100;

/** The first writer is let alone; each next one is killed at the stop that the file `at` names, once. */
const wrapper = `
at=$(cat $DIR/at 2>/dev/null)
echo 0 >$DIR/at
[ "\${at:-0}" = 0 ] && exec $WRITER
exec $DIR/kill-at $at $WRITER 9>>$DIR/killed`;

function numbers(from: number): string {
  return `seq -f 'line %g of the scenario' ${from} ${from + part - 1}`;
}

/** All that was logged, oldest first, each line whole and with its stamp. */
function history(bench: Bench, file: string): string[] {
  const files = [file, ...Array.from({ length: keep }, (_, index) => `${file}.${index + 1}`)].reverse();
  return files.filter((name) => existsSync(bench.path(name))).flatMap((name) => bench.lines(name));
}

/** Whether the writer had so many stops that it could be killed. */
async function scenario(bench: Bench, at: number): Promise<boolean> {
  const killed = bench.path("killed");
  const kills = (): number => (existsSync(killed) ? readFileSync(killed).length : 0);
  const before = kills();
  const file = `at-${at}.log`;
  await bench.open("a", { file: { path: bench.path(file) } });
  await bench.finished(await bench.shell(numbers(1), "a"));
  await bench.writer.drain("a");
  await bench.writer.rotate("a", { keep });
  writeFileSync(bench.path("at"), `${at}\n`);
  await bench.signal("SIGKILL");
  await bench.finished(await bench.shell(numbers(1 + part), "a"));
  await bench.writer.drain("a");
  const rotated = bench.writer.rotate("a", { keep }); // the older file moves up, too
  await bench.finished(await bench.shell(numbers(1 + 2 * part), "a"));
  await rotated;
  await bench.writer.drain("a");
  assert.deepEqual(
    history(bench, file),
    Array.from({ length: 3 * part }, (_, index) => `line ${index + 1} of the scenario`),
    `killed at stop ${at}`,
  );
  assert.ok(existsSync(bench.path(`${file}.2`)), `killed at stop ${at}: it was rotated`);
  return kills() > before;
}

describe("a log writer that is killed at its n-th system call", { skip }, () => {
  it("loses, doubles and tears no line, in a rotation neither", (t) =>
    withBench(
      async (bench) => {
        const source = join(project.root, "test", "native", "logwriter", "kill-at.c");
        const built = await run("cc", ["-D_GNU_SOURCE", "-o", bench.path("kill-at"), source]);
        assert.equal(built.status, 0, built.stderr);
        await bench.sink();
        let at = 1;
        while (await scenario(bench, at)) at += stride;
        t.diagnostic(`killed at ${Math.ceil((at - 1) / stride)} stops, up to the last one before ${at}`);
        assert.ok(at > 100, `a whole scenario has more than ${at} stops`);
      },
      { wrapper },
    ));
});
