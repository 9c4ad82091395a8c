// The example of an action in the manual of GNU Guix, run for real: examples/di-hola.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { project } from "../support/project.js";

describe("di-hola", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, { config: readFileSync(join(project.examples, "di-hola.ts"), "utf8") });
    await system.untilStatus("ejemplo", "running");
  });
  after(() => scope.close());

  it("herd di-hola ejemplo", async () => {
    assert.equal(await system.ok("di-hola", "ejemplo"), "¡Hola, compa! parámetros: ()\n");
  });

  it("herd di-hola ejemplo a b c", async () => {
    assert.equal(
      await system.ok("di-hola", "ejemplo", "a", "b", "c"),
      '¡Hola, compa! parámetros: ("a" "b" "c")\n',
    );
  });

  it("herd doc ejemplo action di-hola", async () => {
    assert.equal(await system.ok("doc", "ejemplo", "action", "di-hola"), "di-hola: ¡Di hola!\n");
  });
});
