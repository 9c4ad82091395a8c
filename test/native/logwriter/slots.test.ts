// The log writer's index of names, alone: compared with a plain list, full, and after each of several processes.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { skip } from "../keeper/bed.js";

describe("the log writer's slots", { skip }, () => {
  it("are found by name in few steps, whoever has claimed and released them", async () => {
    const directory = mkdtempSync(join(tmpdir(), "slots-"));
    try {
      const program = join(directory, "slots");
      const native = (...names: readonly string[]) => join(project.root, "native", ...names);
      const built = await run("cc", [
        ...["-std=c11", "-D_GNU_SOURCE", "-Dmemcmp=compare_counted", "-o", program],
        ...[`-I${native("common")}`, `-I${native("logwriter")}`],
        ...[native("logwriter", "slots.c"), join(project.root, "test", "native", "logwriter", "slots.c")],
      ]);
      assert.equal(built.status, 0, built.stderr);
      const { status, stderr } = await run(program, []);
      assert.equal(status, 0, stderr);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
