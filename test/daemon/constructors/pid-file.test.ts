// Pid files as a hostile service would write them.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { waitForPidFile } from "../../../src/daemon/constructors/pid-file.js";
import { processStat } from "../../../src/daemon/survivors.js";
import { fakeKeeper, testSystem } from "../../support/system.js";

function pidFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-pid-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "pid");
}

/** Waits, as for a service whose process started at `start`. */
async function waitFor(file: string, start: number, timeout = 0.05) {
  const { system } = testSystem([], fakeKeeper());
  const launcher = system.processes.spawn("web#0.1", { arguments: ["/bin/web"] });
  await launcher.started;
  launcher.start = start;
  return await waitForPidFile(system.processes, {
    file,
    timeout,
    launcher,
    cgroup: undefined,
    signal: new AbortController().signal,
  });
}

test("a pipe in the place of a pid file does not hold anybody up", async (t) => {
  const file = pidFile(t);
  execFileSync("mkfifo", [file]);
  await assert.rejects(waitFor(file, 0), /did not show up/);
});

test("an endless file in its place is not read to its end", async (t) => {
  const file = pidFile(t);
  symlinkSync("/dev/zero", file);
  await assert.rejects(waitFor(file, 0), /did not show up/);
});

test("a process that is older than the service is not taken for it", async (t) => {
  const file = pidFile(t);
  writeFileSync(file, `${process.pid}\n`);
  const stat = await processStat(process.pid);
  await assert.rejects(
    waitFor(file, (stat?.start ?? 0) + 1),
    /names process \d+, which is older than the service/,
  );
});
