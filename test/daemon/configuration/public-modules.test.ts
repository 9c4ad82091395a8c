// The public modules, as configurations import them: one is always there, the others are loaded when they are asked for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import * as api from "../../../src/daemon/api.js";
import { setRuntime } from "../../../src/daemon/definition/runtime.js";
import * as system from "../../../src/services/system.js";
import * as store from "../../../src/store/index.js";
import { idleRuntime } from "../definition/support.js";
import { makeBed } from "./support.js";

/** What a configuration hands to its test. */
const handed = globalThis as { handed?: unknown };

for (const [name, exported] of [
  ["shepherd-ts", api],
  ["shepherd-ts/system", system],
  ["shepherd-ts/store", store],
] as const)
  it(`${name} is the supervisor's own, with all that it exports`, async (t) => {
    const bed = makeBed(t);
    await bed.load(
      bed.write("a.ts", `import * as all from "${name}";\nObject.assign(globalThis, { handed: all });\n`),
    );
    assert.deepEqual(Object.keys(handed.handed as object).sort(), Object.keys(exported).sort());
    for (const [key, value] of Object.entries(handed.handed as object))
      assert.equal(value, Reflect.get(exported, key), key);
  });

it("CommonJS asks for them too", async (t) => {
  const bed = makeBed(t);
  const file = bed.write(
    "a.cjs",
    'const { base32 } = require("shepherd-ts/store");\nconst { operatingSystem } = require("shepherd-ts/system");\n' +
      "globalThis.handed = [base32, operatingSystem];\nmodule.exports = { services: [] };\n",
  );
  await bed.load(file);
  assert.deepEqual(handed.handed, [store.base32, system.operatingSystem]);
});

it("only what is used of them is compiled into a module", async (t) => {
  const bed = makeBed(t);
  const { compiled } = await bed.load(
    bed.write("a.ts", 'import { service } from "shepherd-ts/system";\nconsole.assert(service);\n'),
  );
  const text = readFileSync(compiled, "utf8");
  assert.match(text, /"service"/);
  assert.doesNotMatch(text, /shepherdRootServiceType|makeForkexecConstructor/);
});

it("a module that asks for none of those loaded later does not make the supervisor load them", async (t) => {
  const bed = makeBed(t);
  const { compiled } = await bed.load(
    bed.write("a.ts", 'import { service } from "shepherd-ts";\nconsole.assert(service);\n'),
  );
  assert.doesNotMatch(readFileSync(compiled, "utf8"), /shepherd-ts\.load/);
});

it("a name that one does not have is named, with the place", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("a.ts", 'import { servce } from "shepherd-ts/system";\nservce();\n');
  assert.match(
    await bed.failure(file),
    /^DIR\/a\.ts:1:10: error: No matching export in "shepherd-ts:shepherd-ts\/system" for import "servce"$/,
  );
});

it("a module that is not there is named, with those that are", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("a.ts", 'import { x } from "shepherd-ts/systems";\nx();\n');
  assert.equal(
    await bed.failure(file),
    'DIR/a.ts:1:19: error: there is no module "shepherd-ts/systems"; there are "shepherd-ts", "shepherd-ts/system", "shepherd-ts/store", "shepherd-ts/systemd"',
  );
});

it("an operating system is not loaded, and what to do instead is told", async (t) => {
  const bed = makeBed(t);
  const file = bed.write(
    "a.ts",
    'import { operatingSystem } from "shepherd-ts/system";\nexport default operatingSystem();\n',
  );
  assert.equal(
    await bed.failure(file),
    "DIR/a.ts: default export: this is an operating system, which is not loaded but booted: run " +
      "'shepherd system boot DIR/a.ts' or, where a system runs, 'shepherd system reconfigure DIR/a.ts'",
  );
});

it("a mistake in a composed system has the place in the user's file", async (t) => {
  const bed = makeBed(t);
  setRuntime(idleRuntime);
  const file = bed.write(
    "a.ts",
    'import { operatingSystem } from "shepherd-ts/system";\n\nexport default operatingSystem({ hostname: "x" } as never);\n',
  );
  assert.equal(
    await bed.failure(file),
    'DIR/a.ts:3:16: operatingSystem: unknown field "hostname"; did you mean "hostName"?',
  );
});
