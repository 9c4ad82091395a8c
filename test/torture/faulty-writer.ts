// Builds the native programs with a mistake in the log writer: what it has taken from a pipe counts as written before
// it is written.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "../support/harness.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

const file = "logwriter/stream.c";
const right = "    commit_phase(WRITING);\n";
/** As on a slow disk: the instant must be long enough to be hit. */
const wrong = "    commit_phase(IDLE);\n    usleep(1000);\n";

/** Resolves with the directory of the programs, which goes with `scope`. */
export async function buildFaultyWriter(scope: Scope): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-native-"));
  scope.after(() => rmSync(directory, { recursive: true, force: true }));
  const native = join(directory, "native");
  cpSync(join(project.root, "native"), native, { recursive: true });
  const source = readFileSync(join(native, file), "utf8");
  if (source.split(right).length !== 2)
    throw new Error(`seed a fault into native/${file}: it has not one place that says ${right.trim()}`);
  writeFileSync(join(native, file), source.replace(right, wrong));
  const { status, stdout, stderr } = await run("make", ["--silent", "-C", native], { timeout: 300_000 });
  if (status !== 0) throw new Error(`make -C native: exit ${status}\n${stdout}${stderr}`);
  return join(directory, "dist", "native");
}
