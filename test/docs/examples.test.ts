// The documents' examples of configurations: each type-checks as in an editor, and loads, or makes a system. And the documents
// name the whole API.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "esbuild";
import * as api from "../../src/daemon/api.js";
import { setRuntime } from "../../src/daemon/definition/runtime.js";
import * as systemApi from "../../src/services/system.js";
import * as systemdApi from "../../systemd-compat/index.js";
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

/** The blocks of a document that are whole modules and import the public module. */
function examplesOf(document: string, module: string): readonly Example[] {
  const text = textOf(document);
  const found = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].flatMap(({ 1: code = "", index }) =>
    code.includes(`from "${module}"`)
      ? [{ document, line: text.slice(0, index).split("\n").length + 1, code }]
      : [],
  );
  assert.notEqual(found.length, 0, `${document} has no example that is a whole module`);
  return found;
}

/** Which asks the supervisor where its programs are. */
const services = "docs/services.md";
setRuntime({
  ...idleRuntime,
  files: () => ({ controlSocket: "/run/shepherd/socket", node: process.execPath, programs: "/nonexistent" }),
});

const examples = [
  "README.md",
  "docs/tutorial.md",
  reference,
  services,
  "docs/timers.md",
  "docs/readiness.md",
  "docs/relations.md",
  "docs/cgroups.md",
  "docs/system-log.md",
  "docs/terminals.md",
  "docs/web.md",
].flatMap((document) => examplesOf(document, "shepherd-ts"));
const units = examplesOf("docs/systemd-units.md", "shepherd-ts/systemd");
const systems = ["docs/systems.md", "docs/definitions.md", "docs/guix-services.md"].flatMap((document) =>
  examplesOf(document, "shepherd-ts/system"),
);

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
  paths: {
    "shepherd-ts": [declarations("daemon/api")],
    "shepherd-ts/system": [declarations("services/system")],
    "shepherd-ts/systemd": [fileURLToPath(new URL("../../systemd-compat/index.d.ts", import.meta.url))],
  },
};

function declarations(module: string): string {
  return fileURLToPath(new URL(`../../src/${module}.d.ts`, import.meta.url));
}

const nameOf = ({ document, line }: Example): string => `${document.replaceAll("/", "-")}-${line}.ts`;

it("the examples have the types that the API asks for", async (t) => {
  const bed = makeBed(t);
  const all = [...examples, ...units, ...systems];
  for (const example of all) bed.write(nameOf(example), example.code);
  bed.write("package.json", JSON.stringify({ type: "module" }));
  const config = bed.write("tsconfig.json", JSON.stringify({ compilerOptions, files: all.map(nameOf) }));
  const { status, stdout, stderr } = await run(join(project.root, "node_modules", ".bin", "tsc"), [
    "--project",
    config,
  ]);
  assert.equal(status, 0, `${stdout}${stderr}`);
});

for (const example of [...examples, ...units]) {
  it(`${example.document}:${example.line} loads`, async (t) => {
    const bed = makeBed(t);
    const { services } = await bed.load(bed.write("config.ts", example.code));
    assert.notEqual(services.length, 0);
  });
}

for (const example of systems) {
  it(`${example.document}:${example.line} makes a system`, async (t) => {
    const bed = makeBed(t);
    const publicModule = new URL("../../src/services/system.js", import.meta.url).href;
    const { code } = await transform(example.code, { loader: "ts" });
    const file = bed.write("system.mjs", code.replace('"shepherd-ts/system"', JSON.stringify(publicModule)));
    const { default: system }: { readonly default: unknown } = await import(pathToFileURL(file).href);
    assert.ok(systemApi.isOperatingSystem(system));
    assert.ok(systemApi.systemTree(system).has("activation.json"));
  });
}

it("the documents name everything that the API exports", () => {
  // Those that people write: the reference that is made from the types has all of them.
  const documents = readdirSync(join(project.root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => textOf(join("docs", name)));
  const words = new Set(documents.join("\n").match(/\w+/g));
  assert.deepEqual(
    [...Object.keys(api), ...Object.keys(systemApi), ...Object.keys(systemdApi)].filter(
      (name) => !words.has(name),
    ),
    [],
  );
});
