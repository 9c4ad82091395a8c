// The last lines of a service, whatever stands where its files should.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readHistory } from "../../../src/daemon/logs/history.js";

for (const pipe of ["web.log", "web.log.1", "web.log.1.gz"])
  it(`a FIFO as ${pipe}, which a service's user can put there, holds nobody up`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "history-"));
    const [file, fifo] = [join(directory, "web.log"), join(directory, pipe)];
    if (pipe !== "web.log") writeFileSync(file, "2026-11-21 06:30:00 line\n");
    execFileSync("mkfifo", [fifo]);
    t.after(() => {
      // Whoever waits for a writer does so no more.
      closeSync(openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK));
      rmSync(directory, { recursive: true });
    });
    const late = delay(5000, "nothing for 5 s" as const, { ref: false });
    const lines = await Promise.race([readHistory(file, undefined, 5), late]);
    assert.ok(Array.isArray(lines), String(lines));
    assert.deepEqual(
      lines.map(({ line }) => line),
      pipe === "web.log" ? [] : ["line"],
    );
  });
