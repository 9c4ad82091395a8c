// System directories: what a module that exports an operating system comes to, and how one is written and taken over.

import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { userPosition } from "../../src/daemon/definition/call-site.js";
import { setRuntime } from "../../src/daemon/definition/runtime.js";
import { hashOfTree } from "../../src/services/files/tree.js";
import { CommandError } from "../../src/system-command/error.js";
import { withSystem } from "../../src/system-command/evaluate.js";
import { placesBelow } from "../../src/system-command/places.js";
import { describe } from "../../src/system-command/provenance.js";
import { servicesOfSystem } from "../../src/system-command/services-file.js";
import {
  adoptSystem,
  checkSystem,
  putSystem,
  treeOf,
  writeSystem,
} from "../../src/system-command/systems.js";
import { makeBed } from "../daemon/configuration/support.js";
import { idleRuntime } from "../daemon/definition/support.js";

interface Bed {
  readonly directory: string;
  write(name: string, text: string): string;
  /** The message with which building a module of this text fails, with the directory's name as `DIR`. */
  mistake(text: string): Promise<string>;
}

function bedOf(t: TestContext): Bed {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-systems-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  return {
    directory,
    write,
    mistake: async (text) => {
      const error: unknown = await withSystem(write("wrong.ts", text), treeOf).catch(
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof Error, "nothing was thrown");
      return error.message.replaceAll(directory, "DIR");
    },
  };
}

const imports = `import {
  localFile, makeForkexecConstructor, operatingSystem, shepherdRootServiceType, shepherdService, simpleService,
} from "shepherd-ts/system";
import { seconds } from "./part.ts";
`;
const sound = (directory: string): string => `${imports}
const web = shepherdService({
  provision: ["web", "http"],
  start: makeForkexecConstructor(["/bin/sleep", seconds, localFile("${directory}/motto")]),
});

export default operatingSystem({
  services: [simpleService("web", shepherdRootServiceType, [web])],
});
`;

function writeSound(bed: Bed): string {
  bed.write("part.ts", 'export const seconds = "1000000";\n');
  bed.write("motto", "Festina lente.\n");
  return bed.write("system.ts", sound(bed.directory));
}

/** Everything below a directory, with permissions, times and contents. */
function listing(directory: string): readonly string[] {
  const read = (below: string): readonly string[] =>
    readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
      const path = join(below, entry.name);
      if (entry.isSymbolicLink()) return [`${path} link`];
      const { mode, mtimeMs } = statSync(join(directory, path));
      const line = `${path} ${mode.toString(8)} ${mtimeMs}`;
      if (entry.isDirectory()) return [line, ...read(path)];
      return [`${line} ${readFileSync(join(directory, path)).toString("base64")}`];
    });
  return read("").slice().sort();
}

it("the same module gives the same bytes, in a directory named by them", async (t) => {
  const bed = bedOf(t);
  const file = writeSound(bed);
  const places = placesBelow(bed.directory);
  const tree = await withSystem(file, treeOf);
  const again = await withSystem(file, treeOf);
  const system = await putSystem(places, tree);
  assert.equal(system, join(places.systems, `${hashOfTree(tree).slice(0, 32)}-system`));
  assert.equal(await putSystem(places, again), system);
  const other = await writeSystem(join(bed.directory, "new", "place"), again);
  assert.deepEqual(listing(other), listing(system));
  assert.deepEqual(readdirSync(places.systems).length, 1);
  bed.write("part.ts", 'export const seconds = "1";\n');
  assert.notEqual(await putSystem(places, await withSystem(file, treeOf)), system);
});

it("the supervisor loads its module, without the user's files, and knows their positions", async (t) => {
  const bed = bedOf(t);
  const file = writeSound(bed);
  const system = await writeSystem(join(bed.directory, "system"), await withSystem(file, treeOf));
  for (const name of ["system.ts", "part.ts", "motto"]) rmSync(join(bed.directory, name));
  Reflect.deleteProperty(globalThis, Symbol.for("shepherd-ts.building"));
  setRuntime(idleRuntime);
  const supervisor = makeBed(t);
  const { services } = await supervisor.load(join(system, "shepherd/configuration.mjs"));
  assert.equal(supervisor.compilations(), 0);
  const web = services.find(({ provision }) => provision[0] === "web");
  assert.ok(web?.position !== undefined);
  assert.deepEqual(userPosition(web.position), { file, line: 6, column: 13 });
});

it("its services and what it was made from are told as data", async (t) => {
  const bed = bedOf(t);
  const file = writeSound(bed);
  const system = await writeSystem(join(bed.directory, "system"), await withSystem(file, treeOf));
  const web = (await servicesOfSystem(system)).find(({ provision }) => provision[0] === "web");
  assert.deepEqual([web?.provision, web?.requirement, web?.autoStart], [["web", "http"], [], true]);
  const text = await describe({ number: 5, system, made: 0 }, ["current", "booted"], true);
  assert.match(text, /^Generation 5\t1970-01-01T00:00:00\.000Z\t\(current, booted\)$/m);
  assert.match(text, new RegExp(`^ {2}configuration file: ${file}\n {2}SHA-256: [0-9a-f]{64}$`, "m"));
  assert.match(text, new RegExp(`^ {2}imports: ${bed.directory}/part.ts \\(SHA-256 [0-9a-f]{64}\\)$`, "m"));
  assert.equal(readFileSync(join(system, "configuration.ts"), "utf8"), sound(bed.directory));
});

it("a directory becomes one of all systems, and stays what it was", async (t) => {
  const bed = bedOf(t);
  const tree = await withSystem(writeSound(bed), treeOf);
  const places = placesBelow(join(bed.directory, "root"));
  const elsewhere = await writeSystem(join(bed.directory, "built"), tree);
  const adopted = await adoptSystem(places, elsewhere);
  assert.equal(adopted, await putSystem(places, tree));
  assert.deepEqual(listing(adopted), listing(elsewhere));
  assert.equal(await adoptSystem(places, adopted), adopted);
  const link = join(bed.directory, "link");
  symlinkSync(adopted, link);
  assert.equal(await adoptSystem(places, link), adopted);
});

it("what is no system is refused", async (t) => {
  const bed = bedOf(t);
  const refused = (directory: string): Promise<void> =>
    assert.rejects(
      checkSystem(directory),
      (error) =>
        error instanceof CommandError && /is no directory that 'shepherd system build'/.test(error.message),
    );
  await refused(bed.directory);
  await refused(join(bed.directory, "missing"));
});

it("what cannot be written leaves nothing", {
  skip: process.getuid?.() === 0 && "root may write anywhere",
}, async (t) => {
  const bed = bedOf(t);
  const tree = await withSystem(writeSound(bed), treeOf);
  const place = join(bed.directory, "place");
  mkdirSync(place);
  chmodSync(place, 0o500);
  await assert.rejects(
    writeSystem(join(place, "system"), tree),
    /cannot write the system .*: permission denied$/,
  );
  assert.deepEqual(readdirSync(place), []);
});

it("a directory that is there already is not written into", async (t) => {
  const bed = bedOf(t);
  const tree = await withSystem(writeSound(bed), treeOf);
  mkdirSync(join(bed.directory, "there"));
  await assert.rejects(writeSystem(join(bed.directory, "there"), tree), /cannot write the system .*there: /);
  assert.deepEqual(readdirSync(join(bed.directory, "there")), []);
});

it("mistakes have their place in the user's file", async (t) => {
  const { mistake, write } = bedOf(t);
  write("part.ts", 'export const seconds = "1";\n');
  const composed = (services: string): string =>
    `${imports}\n\n  export default operatingSystem({ services: [${services}] });\n`;
  assert.match(await mistake("export default 1 +;\n"), /^DIR\/wrong\.ts:1:19: error: /);
  assert.match(await mistake("\nthrow new Error('no');\n"), /^DIR\/wrong\.ts:2:7: Error: no$/);
  assert.match(
    await mistake(
      composed(
        'simpleService("x", shepherdRootServiceType, [shepherdService({ provision: ["x"], requirement: ["y"] })])',
      ),
    ),
    /^DIR\/wrong\.ts:7:\d+: service 'x' requires 'y', which is not provided by any service$/,
  );
  assert.match(
    await mistake(composed("1")),
    /^DIR\/wrong\.ts:7:18: operatingSystem: field "services": expected /,
  );
});

it("a default export that is no system is named, with what it is instead", async (t) => {
  const { mistake } = bedOf(t);
  assert.equal(
    await mistake("export const x = 1;\n"),
    "DIR/wrong.ts: default export: expected a system made by operatingSystem({…}), got undefined",
  );
  assert.match(
    await mistake(
      'import { defineConfig } from "shepherd-ts";\nexport default defineConfig({ services: [] });\n',
    ),
    /, got \{ services: \[\] \}; services alone are run with 'shepherd --config=DIR\/wrong\.ts'$/,
  );
});

it("what is wrong where the supervisor would make services has the place of the export", async (t) => {
  const bed = bedOf(t);
  const text = `import { operatingSystem, shepherdRootServiceType, shepherdService, simpleService } from "shepherd-ts/system";
const x = shepherdService({ provision: ["x"], freeForm: () => { throw new Error("only in the supervisor"); } });

export default operatingSystem({ services: [simpleService("x", shepherdRootServiceType, [x])] });
`;
  const file = bed.write("system.ts", text);
  const system = await writeSystem(join(bed.directory, "system"), await withSystem(file, treeOf));
  Reflect.deleteProperty(globalThis, Symbol.for("shepherd-ts.building"));
  assert.match(
    await makeBed(t).failure(join(system, "shepherd/configuration.mjs")),
    new RegExp(`^${file}:2:71: Error: only in the`),
  );
});

for (const [what, text] of [
  ["no JSON", "{"],
  ["another version", '{"version":2,"services":[]}'],
  ["no services", '{"version":1,"services":[{"provision":[]}]}'],
] as const)
  it(`a description of services that is ${what} is refused`, async (t) => {
    const bed = bedOf(t);
    mkdirSync(join(bed.directory, "shepherd"));
    bed.write("shepherd/services.json", text);
    await assert.rejects(servicesOfSystem(bed.directory), CommandError);
  });
