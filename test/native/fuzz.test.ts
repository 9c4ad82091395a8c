// Each libFuzzer target for a short while; by hand: make -C native fuzz && build/native-fuzz/TARGET -max_total_time=600.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { before, describe, it } from "node:test";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

const seconds = 5;
const targets = readdirSync(join(project.root, "native", "fuzz")).map((file) => basename(file, ".c"));

describe("fuzzing", () => {
  before(async () => {
    const { status, stderr } = await run("make", ["--silent", "-C", join(project.root, "native"), "fuzz"]);
    assert.equal(status, 0, stderr);
  });

  for (const target of targets)
    it(`finds nothing in ${target}`, async (t) => {
      const directory = mkdtempSync(join(tmpdir(), "fuzz-"));
      t.after(() => rmSync(directory, { recursive: true, force: true }));
      const corpus = join(directory, "corpus");
      mkdirSync(corpus);
      const { status, stderr } = await run(
        join(project.root, "build", "native-fuzz", target),
        [`-max_total_time=${seconds}`, "-max_len=512", "-print_final_stats=1", corpus],
        { cwd: directory },
      );
      assert.equal(status, 0, stderr);
      t.diagnostic(stderr.match(/^Done .*$/m)?.[0] ?? "");
    });
});
