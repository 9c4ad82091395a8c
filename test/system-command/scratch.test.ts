// Directories for what a command needs while it runs: some place takes one, or it is said why none does.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { it, type TestContext } from "node:test";
import { makeScratch } from "../../src/system-command/scratch.js";

function makePlaces(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-scratch-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [missing, file, free] = [join(directory, "missing"), join(directory, "file"), directory];
  writeFileSync(file, "");
  return { missing, file, free };
}

it("the first place that takes one has it, for us alone", async (t) => {
  const { missing, file, free } = makePlaces(t);
  const scratch = await makeScratch([missing, file, free, tmpdir()]);
  assert.equal(dirname(scratch), free);
  assert.equal(statSync(scratch).mode & 0o777, 0o700);
});

it("where none does, it is said of each why, and what to do", async (t) => {
  const { missing, file, free } = makePlaces(t);
  await assert.rejects(makeScratch([missing, file]), {
    name: "CommandError",
    message: `cannot make a directory for temporary files (${missing}: no such file or directory; ${file}: not a directory); mount a tmpfs on one`,
  });
  assert.deepEqual(readdirSync(free), ["file"]);
});
