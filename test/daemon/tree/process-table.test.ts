// All processes below one, however they are found: by ps-tree, or from /proc where ps is not there, fails or cannot be run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { processesBelow } from "../../../src/daemon/tree/process-table.js";

/** Runs `body` where this is what PATH leads to, with a child of ours that has one, too. */
async function withPath(t: TestContext, path: string, body: (child: number) => Promise<void>): Promise<void> {
  const before = process.env.PATH;
  const child = spawn("/bin/sh", ["-c", "sleep 1000000 & wait"], { detached: true });
  t.after(() => {
    process.env.PATH = before;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  });
  await new Promise((resolve) => child.once("spawn", resolve));
  process.env.PATH = path;
  await body(child.pid ?? 0);
}

/** A directory with a `ps` of this text in it. */
function fakePs(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-ps-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "ps"), text, { mode: 0o755 });
  return directory;
}

async function checkFound(child: number): Promise<void> {
  const rows = await processesBelow(process.ppid);
  const parentOf = (pid: number): number | undefined => rows.find((row) => row.pid === pid)?.parent;
  assert.equal(parentOf(process.pid), process.ppid);
  assert.equal(parentOf(child), process.pid);
}

test("with ps", async (t) => {
  await withPath(t, process.env.PATH ?? "", checkFound);
});

test("what ps says is what is told", async (t) => {
  const us = `echo '  PPID   PID STAT COMMAND'; echo '${process.ppid} ${process.pid} S node'; echo '${process.pid} 4000001 S x y'; echo '${process.pid} 4000002 Z z'`;
  await withPath(t, fakePs(t, `#!/bin/sh\n${us}\n`), async () => {
    const rows = await processesBelow(process.ppid);
    assert.deepEqual(rows, [
      { pid: process.pid, parent: process.ppid },
      { pid: 4000001, parent: process.pid },
    ]);
  });
});

for (const [name, text] of [
  ["a ps that fails", "#!/bin/sh\nexit 1\n"],
  ["a ps that knows of nobody", "#!/bin/sh\necho PPID PID STAT COMMAND\n"],
  ["a ps that is no program", "#!/nowhere/interpreter\n"],
] as const)
  test(`with ${name}`, async (t) => {
    await withPath(t, fakePs(t, text), checkFound);
  });

test("without ps", async (t) => {
  await withPath(t, "/nowhere", checkFound);
});
