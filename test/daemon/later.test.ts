// The bundles that are loaded later: always those of the supervisor's own build, whatever becomes of the files.

import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

type Later = typeof import("../../src/daemon/later.js");

/** A supervisor's directory with the module under test, which finds its bundles beside it. */
async function installed(t: TestContext): Promise<{ later: Later; write: (build: string) => void }> {
  const directory = mkdtempSync(join(tmpdir(), "later-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const module = join(directory, "later.mjs");
  copyFileSync(new URL("../../src/daemon/later.js", import.meta.url), module);
  const write = (build: string): void => {
    // As package managers do: another file takes the name.
    writeFileSync(join(directory, "new"), `// build ${build}\nexports.build = () => "${build}";\n`);
    renameSync(join(directory, "new"), join(directory, "part.cjs"));
  };
  Reflect.set(globalThis, "SHEPHERD_LATER", { build: "ours", bundles: ["part.cjs", "missing.cjs"] });
  t.after(() => Reflect.deleteProperty(globalThis, "SHEPHERD_LATER"));
  return { later: (await import(pathToFileURL(module).href)) as Later, write };
}

const buildOf = (exported: unknown): string => (exported as { build: () => string }).build();

it("a bundle is loaded once, from the file that was there at the start", async (t) => {
  const { later, write } = await installed(t);
  write("ours");
  later.holdLater();
  write("other");
  assert.equal(buildOf(later.later("part.cjs")), "ours");
  assert.equal(later.later("part.cjs"), later.later("part.cjs"));
});

it("one of another build is refused, at the start and when it is needed", async (t) => {
  const { later, write } = await installed(t);
  write("other");
  assert.throws(() => later.later("part.cjs"), /part\.cjs belongs to another build than the supervisor/);
  assert.throws(() => later.holdLater(), /part\.cjs belongs to another build than the supervisor/);
});

it("one that is not there is missed by whoever asks for it", async (t) => {
  const { later, write } = await installed(t);
  write("ours");
  later.holdLater();
  assert.throws(() => later.later("missing.cjs"), /ENOENT.*missing\.cjs/);
  assert.equal(buildOf(later.later("part.cjs")), "ours");
});
