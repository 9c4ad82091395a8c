// Modules that are compiled already, such as those of system directories.

import assert from "node:assert/strict";
import { chmodSync, chownSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { it, type TestContext } from "node:test";
import { bundle } from "../../../src/daemon/configuration/bundle.js";
import { loadCompiled } from "../../../src/daemon/configuration/load.js";
import { precompiled } from "../../../src/daemon/configuration/precompiled.js";
import { configuration, sleeper } from "../../support/configuration.js";
import { type Bed, makeBed } from "./support.js";

interface Precompiled {
  readonly bed: Bed;
  /** The compiled module. */
  readonly file: string;
}

/** A configuration that was compiled from `source.ts`, which is gone, into `system/configuration.mjs`. */
async function makePrecompiled(t: TestContext, text: string): Promise<Precompiled> {
  const bed = makeBed(t);
  const source = bed.write("source.ts", text);
  const { code, map } = await bundle(source);
  rmSync(source);
  const file = bed.write("system/configuration.mjs", precompiled(code, "configuration.mjs"));
  bed.write("system/configuration.mjs.map", map);
  chmodSync(file, 0o600);
  chmodSync(`${file}.map`, 0o600);
  return { bed, file };
}

const sound = configuration([sleeper("one")]);
const late = `import { service } from "shepherd-ts";

export const services = [
  service(["web"], { respawnLimit: "5" as never }),
];
`;
const lateMistake = /^DIR\/source\.ts:4:3: service "web": field "respawnLimit": expected /;

it("one is run without being compiled again, and stays in the cache when it is gone", async (t) => {
  const { bed, file } = await makePrecompiled(t, sound);
  const loaded = await bed.load(file);
  assert.equal(loaded.services.length, 1);
  assert.equal(bed.compilations(), 0);
  assert.ok(loaded.compiled.startsWith(`${bed.cache}/`));
  assert.deepEqual(
    [(await bed.load(file)).compiled, bed.compilations()],
    [loaded.compiled, 0],
    "found by its manifest",
  );
  rmSync(bed.path("system"), { recursive: true });
  assert.equal((await loadCompiled(file, loaded.compiled)).services.length, 1);
});

it("another one under the same name is another module", async (t) => {
  const { bed, file } = await makePrecompiled(t, sound);
  const first = await bed.load(file);
  writeFileSync(file, readFileSync(file, "utf8").replace('["one"]', '["two"]'));
  const second = await bed.load(file);
  assert.notEqual(first.compiled, second.compiled);
  assert.deepEqual(second.toStart, ["two"]);
});

it("a mistake has the place in the file that it was compiled from, though that is gone", async (t) => {
  const { bed, file } = await makePrecompiled(t, late);
  assert.match(await bed.failure(file), lateMistake);
  assert.equal(bed.compilations(), 0);
});

it("one of another compiler is compiled again, and places are those of the user's file", async (t) => {
  const { bed, file } = await makePrecompiled(t, late);
  const text = readFileSync(file, "utf8");
  const other = text.replace(/^\/\/ compiled by .*$/m, "// compiled by shepherd-ts 0.0.0");
  assert.notEqual(text, other);
  writeFileSync(file, other);
  assert.match(await bed.failure(file), lateMistake);
  assert.equal(bed.compilations(), 1);
});

it("one that others can write, or whose source map they can write, is compiled again", async (t) => {
  for (const suffix of ["", ".map"]) {
    const { bed, file } = await makePrecompiled(t, sound);
    chmodSync(`${file}${suffix}`, 0o620);
    assert.equal((await bed.load(file)).services.length, 1);
    assert.equal(bed.compilations(), 1, suffix);
  }
});

it("one that belongs to somebody else is compiled again", {
  skip: process.getuid?.() !== 0 && "it takes root to give a file away",
}, async (t) => {
  const { bed, file } = await makePrecompiled(t, sound);
  chownSync(file, 12345, 0);
  assert.equal((await bed.load(file)).services.length, 1);
  assert.equal(bed.compilations(), 1);
});

it("one without a source map, or cut off, is compiled again", async (t) => {
  const one = await makePrecompiled(t, sound);
  rmSync(`${one.file}.map`);
  assert.equal((await one.bed.load(one.file)).services.length, 1);
  assert.equal(one.bed.compilations(), 1);
  const other = await makePrecompiled(t, sound);
  writeFileSync(other.file, readFileSync(other.file, "utf8").slice(0, 200));
  assert.match(await other.bed.failure(other.file), /error:/);
  assert.equal(other.bed.compilations(), 1);
});

it("what looks like one and is none is compiled", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("plain.mjs", configuration([sleeper("one")]));
  assert.equal((await bed.load(file)).services.length, 1);
  assert.equal(bed.compilations(), 1);
});
