// Loading configurations that are right: what modules may say and how, and what a later daemon gets of it.

import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { it } from "node:test";
import {
  ConfigurationError,
  type LoadedConfiguration,
  loadCompiled,
  loadConfiguration,
} from "../../../src/daemon/configuration/load.js";
import { configuration, module, sleeper } from "../../support/configuration.js";
import { makeBed } from "./support.js";

const names = ({ services }: LoadedConfiguration): string[] => services.map(({ provision: [name] }) => name);

it("a default export gives services, and starts those that start by themselves", async (t) => {
  const bed = makeBed(t);
  const file = bed.write(
    "config.ts",
    configuration(
      [sleeper("one"), sleeper("two", "autoStart: false")],
      "",
      'exitWith: "one", shutdownTimeout: 8',
    ),
  );
  const loaded = await bed.load(file);
  assert.deepEqual(names(loaded), ["one", "two"]);
  assert.deepEqual(loaded.toStart, ["one"]);
  assert.equal(loaded.exitWith, "one");
  assert.equal(loaded.shutdownTimeout, 8);
  assert.equal(loaded.file, file);
  assert.equal(loaded.compiled, `${bed.cache}/${loaded.hash}.mjs`);
});

it("a default export need not be made by defineConfig", async (t) => {
  const bed = makeBed(t);
  const loaded = await bed.load(
    bed.write("config.ts", module(`export default { services: [${sleeper("one")}] };`)),
  );
  assert.deepEqual(names(loaded), ["one"]);
  assert.equal("exitWith" in loaded, false);
});

it("services may be promised, and what is wrong with them is told all the same", async (t) => {
  const bed = makeBed(t);
  const promise = (text: string): string =>
    module(`export default defineConfig({ services: Promise.${text}, exitWith: "one" });`);
  const loaded = await bed.load(bed.write("config.ts", promise(`resolve([${sleeper("one")}])`)));
  assert.deepEqual([names(loaded), loaded.toStart, loaded.exitWith], [["one"], ["one"], "one"]);
  const failure = (text: string): Promise<string> => bed.failure(bed.write("config.ts", promise(text)));
  assert.match(await failure(`resolve([${sleeper("two")}])`), /no service's canonical name is "one"/);
  assert.match(await failure('resolve([{ provision: ["one"] }] as never)'), /expected a list of services/);
  assert.match(await failure('reject(new Error("nothing there"))'), /nothing there/);
});

it("a module may export `services` alone", async (t) => {
  const bed = makeBed(t);
  const loaded = await bed.load(
    bed.write("config.ts", module(`export const services = [${sleeper("one")}];`)),
  );
  assert.deepEqual([names(loaded), loaded.toStart], [["one"], ["one"]]);
});

it("a module may register services itself, even after it awaited something", async (t) => {
  const bed = makeBed(t);
  const loaded = await bed.load(
    bed.write(
      "config.mts",
      `import { setTimeout } from "node:timers/promises";
import { registerServices, service, startInTheBackground } from "shepherd-ts";
const one = service(["one"]);
registerServices([one]);
await setTimeout(1);
registerServices([service(["two"])]);
startInTheBackground(["two"]);
export const services = [one];
`,
    ),
  );
  assert.deepEqual(names(loaded), ["one", "two"]);
  assert.deepEqual(loaded.toStart, ["two", "one"]);
});

it("modules that are loaded at the same time do not mix", async (t) => {
  const bed = makeBed(t);
  const files = ["a", "b"].map((name) =>
    bed.write(
      `${name}.ts`,
      `import { registerServices, service } from "shepherd-ts";
for (let i = 0; i < 20; i += 1) {
  registerServices([service(["${name}" + i])]);
  await null;
}
`,
    ),
  );
  const [a, b] = await Promise.all(files.map((file) => bed.load(file)));
  assert.ok(a !== undefined && b !== undefined);
  assert.deepEqual([names(a).length, names(b).length], [20, 20]);
  assert.ok(names(a).every((name) => name.startsWith("a")));
  assert.ok(names(b).every((name) => name.startsWith("b")));
});

it("a module that defines nothing is right", async (t) => {
  const bed = makeBed(t);
  const loaded = await bed.load(bed.write("config.js", "// Nothing yet.\n"));
  assert.deepEqual([loaded.services, loaded.toStart], [[], []]);
});

it("JavaScript goes the same way, CommonJS too", async (t) => {
  const bed = makeBed(t);
  const cjs = bed.write(
    "config.cjs",
    'const { service } = require("shepherd-ts");\nmodule.exports = { services: [service([require("node:path").basename(__filename, ".cjs")])] };\n',
  );
  assert.deepEqual(names(await bed.load(cjs)), ["config"]);
  const mjs = bed.write(
    "config.mjs",
    module('export default defineConfig({ services: [service(["esm"])] });'),
  );
  assert.deepEqual(names(await bed.load(mjs)), ["esm"]);
});

it("imports are part of it: other files, JSON, packages and what they require", async (t) => {
  const bed = makeBed(t);
  bed.write("parts/names.ts", "export enum Name { One = 'one' }\n");
  bed.write("parts/more.json", '{ "name": "two" }');
  bed.write("node_modules/three/package.json", '{ "name": "three", "main": "index.js" }');
  bed.write("node_modules/three/index.js", 'module.exports = require("path").basename("/x/three");\n');
  const loaded = await bed.load(
    bed.write(
      "config.ts",
      module(`import { Name } from "./parts/names.js";
import more from "./parts/more.json";
import three from "three";
export default defineConfig({ services: [Name.One, more.name, three].map((name) => service([name])) });`),
    ),
  );
  assert.deepEqual(names(loaded), ["one", "two", "three"]);
});

it("each module knows the place of its source", async (t) => {
  const bed = makeBed(t);
  bed.write(
    "deep/place.ts",
    "export const place: unknown[] = [import.meta.url, import.meta.filename, import.meta.dirname, __dirname];\n",
  );
  const file = bed.write(
    "config.ts",
    `import { service } from "shepherd-ts";
import { place } from "./deep/place.ts";
export const services = [service(["place"], { documentation: JSON.stringify(place) })];
`,
  );
  const [service] = (await bed.load(file)).services;
  assert.deepEqual(JSON.parse(service?.documentation ?? ""), [
    `file://${bed.path("deep/place.ts")}`,
    bed.path("deep/place.ts"),
    bed.path("deep"),
    bed.path("deep"),
  ]);
});

it("a tsconfig.json beside it changes nothing, whatever it says", async (t) => {
  const bed = makeBed(t);
  bed.write(
    "tsconfig.json",
    '{ "extends": "a-package-that-is-missing", "compilerOptions": { "paths": 5, } ]',
  );
  assert.deepEqual(names(await bed.load(bed.write("config.ts", configuration([sleeper("one")])))), ["one"]);
});

it("what was loaded runs again each time, and was compiled once", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", configuration([sleeper("one")]));
  const first = await bed.load(file);
  const second = await bed.load(file);
  assert.equal(bed.compilations(), 1);
  assert.equal(second.compiled, first.compiled);
  assert.notEqual(second.services[0], first.services[0]);
});

it("a change of any input counts, even of the same size and time", async (t) => {
  const bed = makeBed(t);
  const part = bed.write("part.ts", 'export const name = "one";\n');
  utimesSync(part, 1, 1);
  const file = bed.write(
    "config.ts",
    module('import { name } from "./part.js"; export default defineConfig({ services: [service([name])] });'),
  );
  const first = await bed.load(file);
  bed.write("part.ts", 'export const name = "two";\n');
  utimesSync(part, 1, 1);
  const second = await bed.load(file);
  assert.deepEqual([names(first), names(second)], [["one"], ["two"]]);
  assert.notEqual(second.hash, first.hash);
  assert.equal(bed.compilations(), 2);
});

it("a link that points elsewhere is another configuration", async (t) => {
  const bed = makeBed(t);
  const link = bed.path("current.ts");
  const old = bed.write("old.ts", configuration([sleeper("old")]));
  const next = bed.write("next.ts", configuration([sleeper("next")]));
  symlinkSync(old, link);
  assert.deepEqual(names(await bed.load(link)), ["old"]);
  rmSync(link);
  symlinkSync(next, link);
  assert.deepEqual(names(await bed.load(link)), ["next"]);
});

it("a later daemon gets what was compiled, without a compiler and whatever became of the file", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", configuration([sleeper("old")]));
  const { compiled, hash } = await bed.load(file);
  bed.write("config.ts", "not even TypeScript (");
  const again = await loadCompiled(file, compiled);
  assert.deepEqual([names(again), again.hash, again.file, again.compiled], [["old"], hash, file, compiled]);
  rmSync(file);
  assert.deepEqual(names(await loadCompiled(file, compiled)), ["old"]);
});

it("a compiled module that is missing or damaged is not run", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", configuration([sleeper("one")]));
  const { compiled } = await bed.load(file);
  const intact = readFileSync(compiled, "utf8");
  bed.write(`cache/shepherd-ts/${compiled.slice(bed.cache.length + 1)}`, intact.slice(0, -20));
  await assert.rejects(
    loadCompiled(file, compiled),
    new ConfigurationError(
      `cannot read ${compiled}, compiled from ${file}: it is damaged: its contents do not match its name`,
    ),
  );
  assert.deepEqual(names(await bed.load(file)), ["one"]);
  assert.equal(bed.compilations(), 2);
  assert.equal(readFileSync(compiled, "utf8"), intact);
  renameSync(compiled, `${compiled}.away`);
  await assert.rejects(
    loadCompiled(file, compiled),
    new ConfigurationError(`cannot read ${compiled}, compiled from ${file}: no such file or directory`),
  );
});

it("what never settles can be given up", async (t) => {
  const bed = makeBed(t);
  const file = bed.write(
    "config.ts",
    "globalThis.isWaiting?.();\nawait new Promise(() => {});\nexport {};\n",
  );
  const controller = new AbortController();
  Reflect.set(globalThis, "isWaiting", () => controller.abort(new Error("enough")));
  t.after(() => Reflect.deleteProperty(globalThis, "isWaiting"));
  await assert.rejects(
    loadConfiguration(file, { ...bed.dependencies, signal: controller.signal }),
    new ConfigurationError(`load ${file}: given up: enough`),
  );
  await assert.rejects(
    loadConfiguration(file, { ...bed.dependencies, signal: AbortSignal.abort(new Error("at once")) }),
    new ConfigurationError(`load ${file}: given up: at once`),
  );
});
