// Messages name the place in the file that the user wrote, not in what it was compiled to.

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import * as api from "../../../src/daemon/api.js";
import { callSite, positionOf, userPosition } from "../../../src/daemon/definition/call-site.js";
import { DefinitionError } from "../../../src/daemon/definition/check.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";

Reflect.set(globalThis, Symbol.for("shepherd-ts.test-api"), api);
const prelude = 'const { service, makeKillDestructor } = globalThis[Symbol.for("shepherd-ts.test-api")];\n';

interface Compiled {
  readonly source: string;
  readonly file: string;
  evaluate(): Promise<Readonly<Record<string, unknown>>>;
}

/** Compiles a module into a directory whose name needs escapes in a URL; `map` is what is beside it. */
function compile(t: TestContext, text: string, map?: string): Compiled {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "shepherd call%20site-")));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const source = join(directory, "config.ts");
  const file = join(directory, "0123abcd.mjs");
  const compiled = transformSync(prelude + text, {
    loader: "ts",
    sourcefile: source,
    sourcemap: "external",
    banner: "/* a line that the user did not write */",
  });
  writeFileSync(file, compiled.code);
  writeFileSync(`${file}.map`, map ?? compiled.map);
  const evaluate = async () =>
    (await import(`${pathToFileURL(file).href}?evaluation=1`)) as Readonly<Record<string, unknown>>;
  return { source, file, evaluate };
}

async function messageOf(compiled: Compiled): Promise<string> {
  const error = await compiled.evaluate().then(
    () => new Error("the module was evaluated"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DefinitionError, String(error));
  return error.message;
}

const wrong = `// A comment, which is not compiled.
interface Nothing { readonly of: string }

export const services = [
    service(["web"], { respawnLimit: "5" as never }),
];
`;
const complaint =
  'service "web": field "respawnLimit": expected {times, seconds}, [times, seconds] or false, got "5"';

it("the call of the builder, in the user's file", async (t) => {
  const compiled = compile(t, wrong);
  assert.equal(await messageOf(compiled), `${compiled.source}:6:5: ${complaint}`);
});

it("the innermost call, where the user's functions call one another", async (t) => {
  const compiled = compile(
    t,
    'function make(name: string) {\n  return service([name], { oneShot: 1 as never });\n}\nmake("web");\nexport {};\n',
  );
  assert.match(await messageOf(compiled), /config\.ts:3:10: service "web": field "oneShot"/);
});

it("a constructor has a place of its own", async (t) => {
  const compiled = compile(
    t,
    'service(["web"], {\n  stop: makeKillDestructor("SIGNOPE"),\n});\nexport {};\n',
  );
  assert.match(await messageOf(compiled), /config\.ts:3:9: makeKillDestructor: expected a signal/);
});

it("a good definition knows where it was made, before anything is mapped", async (t) => {
  const compiled = compile(t, '\n\nexport const web = service(["web"]);\n');
  const { web } = (await compiled.evaluate()) as { web: ServiceDefinition };
  assert.equal(web.position?.file, compiled.file);
  assert.deepEqual(web.position && userPosition(web.position), {
    file: compiled.source,
    line: 4,
    column: 20,
  });
});

for (const [what, map] of [
  ["is none", ""],
  ["is damaged", '{"version":3,"mappings":5}'],
  ["says nothing", '{"version":3,"sources":[],"names":[],"mappings":""}'],
] as const) {
  it(`where the source map ${what}, a place in the compiled file is better than none`, async (t) => {
    const compiled = compile(t, wrong, map);
    assert.match(await messageOf(compiled), /\/0123abcd\.mjs:\d+:\d+: service "web": /);
  });
}

it("elsewhere there is no place", () => {
  assert.equal(callSite(), undefined);
});

it("looking for it changes nothing for others, and others change nothing for it", async (t) => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  t.after(() => {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  });
  const hostile = (): never => {
    throw new Error("prepared");
  };
  const compiled = compile(t, '\n\nexport const web = service(["web"]);\n');
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = hostile;
  callSite();
  assert.equal(Error.stackTraceLimit, 0);
  assert.equal(Error.prepareStackTrace, hostile);
  const { web } = (await compiled.evaluate()) as { web: ServiceDefinition };
  assert.equal(web.position?.file, compiled.file);
});

it("a stack names its innermost compiled frame", () => {
  const stack = [
    "Error: at file:///no/frame.mjs",
    "    at fail (file:///opt/shepherd/build/check.js:1:2)",
    "    at file:///a%20b/c.mjs?evaluation=3:10:20",
    "    at async make (file:///d.mjs:30:40)",
  ];
  assert.deepEqual(positionOf(stack.join("\n")), { file: "/a b/c.mjs", line: 10, column: 20 });
  assert.deepEqual(positionOf(stack.slice(3).join("\n")), { file: "/d.mjs", line: 30, column: 40 });
  assert.equal(positionOf(stack.slice(0, 2).join("\n")), undefined);
});
