// The log writer is killed at each of its system calls in turn, before the call and after it, while an old file is
// compressed and while another program's file is copied and cut: LOG_SWEEP_STRIDE=1 tries all of them.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import type { FileOrder, FileOwner } from "../../../src/daemon/logs/messages.js";
import { type Bench, withBench } from "../../daemon/logs/bench.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { skip } from "../keeper/bed.js";

const stride = Number(process.env.LOG_SWEEP_STRIDE ?? 53);
const store = "log/compress";

/** The first writer is let alone; each next one is killed at the stop that the file `at` names, once. */
const wrapper = `
at=$(cat $DIR/at 2>/dev/null)
echo 0 >$DIR/at
[ "\${at:-0}" = 0 ] && exec $WRITER
PASS_STATS=1 exec $DIR/kill-at $at $WRITER 9>>$DIR/killed`;

const kills = (bench: Bench): number =>
  existsSync(bench.path("killed")) ? readFileSync(bench.path("killed")).length : 0;

/** Kills the writer now, and the next one at its n-th stop. */
async function doom(bench: Bench, at: number): Promise<void> {
  writeFileSync(bench.path("at"), `${at}\n`);
  await bench.signal("SIGKILL");
}

/** Begins anew until it is done, as the daemon does; the program that makes the draft is this process. */
async function pack(bench: Bench, of: FileOwner): Promise<void> {
  const publish: FileOrder = { op: "publish", suffix: ".gz", keep: 9 };
  for (;;) {
    await bench.agent.send([0, 1].map((n) => ({ op: "close", name: `${store}.${n}` }) as const));
    const { path, count = 0 } = await bench.writer.order({ op: "claim", of }, store);
    if (path === undefined) return;
    const id = `pack#${runs++}`;
    await bench.agent.run(id, ["sh", "-c", `head -c ${count} | gzip -c`], {
      descriptors: [
        { target: 0, source: { name: `${store}.0` } },
        { target: 1, source: { name: `${store}.1` } },
      ],
    });
    await bench.finished(id);
    try {
      await bench.writer.order(publish);
    } catch (error) {
      assert.match(String(error), /Stale file handle/);
    }
    if ("file" in of) return;
  }
}
let runs = 0;

function text(bench: Bench, name: string): string {
  const bytes = readFileSync(bench.path(name));
  return (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

function clear(bench: Bench): void {
  for (const name of readdirSync(bench.directory).filter((one) => one.startsWith("web.log")))
    rmSync(bench.path(name));
}

async function sweep(test: (bench: Bench, at: number) => Promise<void>): Promise<number> {
  let at = 1;
  await withBench(
    async (bench) => {
      const source = join(project.root, "test", "native", "logwriter", "kill-at.c");
      const built = await run("cc", ["-D_GNU_SOURCE", "-o", bench.path("kill-at"), source]);
      assert.equal(built.status, 0, built.stderr);
      await bench.sink();
      await bench.open("web", { file: { path: bench.path("web.log") } });
      for (let before = -1; kills(bench) > before; at += stride) {
        before = kills(bench);
        clear(bench);
        await test(bench, at);
      }
    },
    { wrapper },
  );
  return at;
}

describe("a log writer that is killed at its n-th system call, with old files", {
  skip,
  concurrency: 2,
}, () => {
  it("compresses each old file once, whole, and in its place", async (t) => {
    const at = await sweep(async (bench, stop) => {
      writeFileSync(bench.path("web.log.1"), "one\n");
      writeFileSync(bench.path("web.log.2"), "two\n");
      writeFileSync(bench.path("web.log.3.gz"), gzipSync("three\n"));
      await doom(bench, stop);
      await pack(bench, { name: "web" });
      const names = readdirSync(bench.directory).filter((name) => /^web\.log\.\d/.test(name));
      assert.deepEqual(
        names.sort().map((name) => [name, text(bench, name)]),
        [
          ["web.log.1.gz", "one\n"],
          ["web.log.2.gz", "two\n"],
          ["web.log.3.gz", "three\n"],
        ],
        `killed at stop ${stop}`,
      );
    });
    t.diagnostic(`up to stop ${at}`);
    assert.ok(at > 200, `it has more than ${at} stops`);
  });

  it("loses nothing of another program's file, and cuts nothing that is not in an old one", async (t) => {
    const lines = "one\ntwo\nthree\n";
    const at = await sweep(async (bench, stop) => {
      const path = bench.path("web.log.foreign");
      rmSync(`${path}.1.gz`, { force: true });
      writeFileSync(path, lines);
      await doom(bench, stop);
      await pack(bench, { file: { path } });
      const now = readFileSync(path, "utf8");
      const old = existsSync(`${path}.1.gz`) ? text(bench, "web.log.foreign.1.gz") : "";
      // A kill between the two leaves it in both.
      assert.ok(
        old + now === lines || (old === lines && now === lines),
        `killed at stop ${stop}: ${old}|${now}`,
      );
    });
    t.diagnostic(`up to stop ${at}`);
    assert.ok(at > 100, `it has more than ${at} stops`);
  });
});
