// Derivations as text and as objects: written, read, and known by digests.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type DerivationText, parseDerivation, writeDerivation } from "../../src/store/aterm.js";
import {
  type Derivation,
  type DerivationParts,
  derivationReferences,
  derivationText,
  hashModulo,
  isDerivation,
  makeDerivation,
} from "../../src/store/derivation.js";
import { readDerivation } from "../../src/store/operations/derivations.js";
import { textPath } from "../../src/store/store-path.js";

const output = (path: string): { path: string; hashAlgorithm: string; hash: string } => ({
  path,
  hashAlgorithm: "",
  hash: "",
});

const text: DerivationText = {
  outputs: new Map([
    ["out", output("/s/o")],
    ["doc", output("/s/d")],
  ]),
  inputDerivations: new Map([
    ["/s/b.drv", ["out", "doc", "out"]],
    ["/s/a.drv", ["out"]],
  ]),
  inputSources: ["/s/y", "/s/x", "/s/y"],
  system: "x86_64-linux",
  builder: "/bin/sh",
  args: ["-c", 'say "é\\"\n\r\t'],
  env: new Map([
    ["z", ""],
    ["B", "1"],
    ["a", "2"],
  ]),
};

const written =
  'Derive([("doc","/s/d","",""),("out","/s/o","","")],[("/s/a.drv",["out"]),("/s/b.drv",["doc","out"])],' +
  '["/s/x","/s/y"],"x86_64-linux","/bin/sh",["-c","say \\"é\\\\\\"\\n\\r\\t"],[("B","1"),("a","2"),("z","")])';

test("the text has every part in order", () => {
  assert.equal(writeDerivation(text), written);
  const read = parseDerivation(written);
  assert.equal(writeDerivation(read), written);
  assert.deepEqual(read.args, text.args);
  assert.deepEqual(new Map(read.env), text.env);
});

test("what is no derivation's text is told by the place where it is something else", () => {
  for (let length = 0; length < written.length; length++)
    assert.throws(
      () => parseDerivation(written.slice(0, length)),
      /^StoreError: a derivation's text: expected /,
    );
  assert.throws(
    () => parseDerivation(`${written}x`),
    new RegExp(`expected the end at character ${written.length}`),
  );
  assert.throws(() => parseDerivation('Derive(["x"])'), /expected "\(" at character 8/);
  const long = "x\\\\".repeat(2_000_000);
  const parsed = parseDerivation(`Derive([],[],[],"${long}","",[],[])`);
  assert.equal(parsed.system.length, 4_000_000);
});

const store = "/gnu/store";

const parts = (name: string, more: Partial<DerivationParts> = {}): DerivationParts => ({
  name,
  inputs: [],
  sources: [],
  outputs: ["out"],
  system: "x86_64-linux",
  builder: "/bin/sh",
  args: [],
  env: new Map(),
  ...more,
});

test("inputs that are given twice are one, with all their outputs", () => {
  const two = makeDerivation(store, parts("two", { outputs: ["out", "doc"] }));
  const needs = makeDerivation(
    store,
    parts("needs", {
      inputs: [
        { derivation: two, outputs: ["out"] },
        { derivation: two, outputs: ["doc", "out"] },
      ],
      sources: ["/gnu/store/y", "/gnu/store/x", "/gnu/store/y"],
    }),
  );
  assert.deepEqual(
    needs.inputs.map(({ derivation, outputs }) => [derivation.fileName, outputs]),
    [[two.fileName, ["doc", "out"]]],
  );
  assert.deepEqual(derivationReferences(needs), [two.fileName, "/gnu/store/x", "/gnu/store/y"].sort());
  assert.ok(isDerivation(needs) && !isDerivation({ ...needs }));
});

/** As a derivation's file has it, with what it needs. */
function write(directory: string, derivation: Derivation): void {
  for (const input of derivation.inputs) write(directory, input.derivation);
  writeFileSync(derivation.fileName, writeDerivation(derivationText(derivation)));
}

test("a derivation is read from its file, which must be what its name says", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "store-drv-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const digest = Buffer.alloc(32, 1);
  const fixed = makeDerivation(
    directory,
    parts("fixed", { fixed: { algorithm: "sha256", digest, recursive: true } }),
  );
  const needs = makeDerivation(
    directory,
    parts("needs", { inputs: [{ derivation: fixed, outputs: ["out"] }], env: new Map([["A", "é\n"]]) }),
  );
  write(directory, needs);
  const read = await readDerivation(directory, needs.fileName);
  assert.deepEqual({ ...read }, { ...needs, inputs: read.inputs });
  assert.equal(hashModulo(read), hashModulo(needs));
  assert.equal(read.inputs[0]?.derivation.outputs.get("out")?.hashAlgorithm, "r:sha256");
  assert.ok(isDerivation(read));
  for (const name of ["/etc/passwd", `${directory}/x.drv`, needs.fileName.replace(/\.drv$/, ".txt")])
    await assert.rejects(readDerivation(directory, name), /is no derivation's file in/);
  writeFileSync(fixed.fileName, writeDerivation(derivationText({ ...fixed, system: "i686-linux" })));
  await assert.rejects(readDerivation(directory, needs.fileName), {
    name: "StoreError",
    message: `readDerivation: the contents of ${fixed.fileName} are not what its name says`,
  });
  const garbage = textPath(directory, "garbage.drv", "garbage");
  writeFileSync(garbage, "garbage");
  await assert.rejects(readDerivation(directory, garbage), /expected "Derive\(" at character 0/);
});
