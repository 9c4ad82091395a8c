// The document's examples: each type-checks as in an editor. And it names the whole module.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as store from "../../src/store/index.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

const text = readFileSync(join(project.root, "docs", "store.md"), "utf8");

/** What an editor's project says that knows the package. */
const compilerOptions = {
  target: "es2023",
  module: "nodenext",
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: true,
  types: ["node"],
  typeRoots: [join(project.root, "node_modules", "@types")],
  paths: { "shepherd-ts/store": [fileURLToPath(new URL("../../src/store/index.d.ts", import.meta.url))] },
};

test("the examples have the types that the module asks for", async (t) => {
  const examples = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
  assert.ok(examples.length >= 5);
  const directory = mkdtempSync(join(tmpdir(), "store-docs-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = examples.map((code, index) => {
    assert.ok(code.includes('from "shepherd-ts/store"'), "a whole module");
    writeFileSync(join(directory, `${index}.ts`), code);
    return `${index}.ts`;
  });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const { status, stdout, stderr } = await run(join(project.root, "node_modules", ".bin", "tsc"), [
    "--project",
    join(directory, "tsconfig.json"),
  ]);
  assert.equal(status, 0, `${stdout}${stderr}`);
});

test("the document names everything that the module exports", () => {
  const words = new Set(text.match(/\w+/g));
  assert.deepEqual(
    Object.keys(store).filter((name) => !words.has(name)),
    [],
  );
});
