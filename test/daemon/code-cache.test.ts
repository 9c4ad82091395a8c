// What V8 compiles the supervisor to, on disk: only what is whole, and nobody else can have written, is run.

import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { codeName, readCode, sealed } from "../../src/daemon/code-cache.js";

const uid = process.getuid?.() ?? 0;
const code = Buffer.from("what V8 gave");
const name = codeName("0123456789abcdef");

/** A cache with `contents` in it; reads it. */
function cacheWith(
  t: TestContext,
  contents: Uint8Array,
): { readonly directory: string; read(): string | undefined } {
  const home = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(home, { recursive: true }));
  const directory = join(home, "shepherd-ts");
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(join(directory, name), contents);
  return { directory, read: () => readCode({ XDG_CACHE_HOME: home }, uid, name)?.toString() };
}

it("is what was kept", (t) => {
  assert.equal(cacheWith(t, sealed(code)).read(), "what V8 gave");
});

it("has a name that tells of the build, and of the Node that it is for", () => {
  assert.equal(name, `supervisor-0123456789abcdef-${process.version}-${process.arch}.code`);
});

it("is none when it is damaged, cut off, empty or missing", (t) => {
  const whole = sealed(code);
  for (let at = 0; at < whole.length; at += 1) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    assert.equal(cacheWith(t, damaged).read(), undefined, `byte ${at}`);
  }
  for (const length of [0, 31, 32, whole.length - 1])
    assert.equal(cacheWith(t, whole.subarray(0, length)).read(), undefined, `${length} bytes`);
  const { directory, read } = cacheWith(t, whole);
  rmSync(join(directory, name));
  assert.equal(read(), undefined);
});

it("is none where others may write, or where the directory is somebody else's", (t) => {
  const open = cacheWith(t, sealed(code));
  chmodSync(open.directory, 0o770);
  assert.equal(open.read(), undefined);
  chmodSync(open.directory, 0o755);
  assert.equal(open.read(), "what V8 gave");
  if (uid !== 0) return;
  chownSync(open.directory, 65534, 65534);
  assert.equal(open.read(), undefined);
});
