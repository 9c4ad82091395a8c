// The documents' examples of configurations: each type-checks as in an editor, and loads. And the documents name the whole API.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import * as api from "../../src/daemon/api.js";
import { setRuntime } from "../../src/daemon/definition/runtime.js";
import { makeBed } from "../daemon/configuration/support.js";
import { idleRuntime } from "../daemon/definition/support.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

const reference = "docs/configuration.md";

const textOf = (document: string): string => readFileSync(join(project.root, document), "utf8");

interface Example {
  readonly document: string;
  readonly line: number;
  readonly code: string;
}

/** The blocks of a document that are whole modules. */
function examplesOf(document: string): readonly Example[] {
  const text = textOf(document);
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].flatMap(({ 1: code = "", index }) =>
    code.includes('from "shepherd-ts"')
      ? [{ document, line: text.slice(0, index).split("\n").length + 1, code }]
      : [],
  );
}

/** Which asks the supervisor where its programs are. */
const services = "docs/services.md";
setRuntime({
  ...idleRuntime,
  files: () => ({ controlSocket: "/run/shepherd/socket", node: process.execPath, programs: "/nonexistent" }),
});

const examples = [
  "README.md",
  reference,
  services,
  "docs/timers.md",
  "docs/readiness.md",
  "docs/cgroups.md",
  "docs/system-log.md",
].flatMap((document) => {
  const found = examplesOf(document);
  assert.notEqual(found.length, 0, `${document} has no example that is a whole module`);
  return found;
});

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
  paths: { "shepherd-ts": [fileURLToPath(new URL("../../src/daemon/api.d.ts", import.meta.url))] },
};

const nameOf = ({ document, line }: Example): string => `${document.replaceAll("/", "-")}-${line}.ts`;

it("the examples have the types that the API asks for", async (t) => {
  const bed = makeBed(t);
  for (const example of examples) bed.write(nameOf(example), example.code);
  bed.write("package.json", JSON.stringify({ type: "module" }));
  const config = bed.write("tsconfig.json", JSON.stringify({ compilerOptions, files: examples.map(nameOf) }));
  const { status, stdout, stderr } = await run(join(project.root, "node_modules", ".bin", "tsc"), [
    "--project",
    config,
  ]);
  assert.equal(status, 0, `${stdout}${stderr}`);
});

for (const example of examples) {
  it(`${example.document}:${example.line} loads`, async (t) => {
    const bed = makeBed(t);
    const { services } = await bed.load(bed.write("config.ts", example.code));
    assert.notEqual(services.length, 0);
  });
}

it("the documents name everything that the API exports", () => {
  const documents = readdirSync(join(project.root, "docs")).map((name) => textOf(join("docs", name)));
  const words = new Set(documents.join("\n").match(/\w+/g));
  assert.deepEqual(
    Object.keys(api).filter((name) => !words.has(name)),
    [],
  );
});
