// Errors of composition name the places in the user's file: modules are compiled and evaluated as the daemon does it.

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import { DefinitionError } from "../../../src/daemon/definition/check.js";
import * as fold from "../../../src/services/composition/fold.js";
import * as instantiate from "../../../src/services/composition/instantiate.js";
import * as modify from "../../../src/services/composition/modify.js";
import * as types from "../../../src/services/composition/service-type.js";
import * as graph from "../../../src/services/shepherd/graph.js";
import * as shepherd from "../../../src/services/shepherd/service.js";

const api = { ...fold, ...instantiate, ...modify, ...types, ...graph, ...shepherd };
Reflect.set(globalThis, Symbol.for("shepherd-ts.test-composition"), api);
const prelude = `const { ${Object.keys(api).join(", ")} } = globalThis[Symbol.for("shepherd-ts.test-composition")];\n`;

/** The message of the DefinitionError with which a module of these lines fails; line numbers count from 1. */
async function failureOf(t: TestContext, ...lines: readonly string[]): Promise<string> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "shepherd-places-")));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const compiled = transformSync(`${lines.join("\n")}\nexport {};\n`, {
    loader: "ts",
    sourcefile: join(directory, "system.ts"),
    sourcemap: "external",
    banner: prelude,
  });
  const file = join(directory, "compiled.mjs");
  writeFileSync(file, compiled.code);
  writeFileSync(`${file}.map`, compiled.map);
  const reason: unknown = await import(pathToFileURL(file).href).then(
    () => assert.fail("the module was evaluated"),
    (error: unknown) => error,
  );
  assert.ok(reason instanceof DefinitionError, String(reason));
  return reason.message.replaceAll(join(directory, "system.ts"), "FILE");
}

const target =
  'const target = serviceType({ name: "target", extensions: [], compose: (all) => all.flat(), extend: (a, b) => [...a, ...b], description: "" });';

describe("the place", () => {
  it("of a service without a value", async (t) => {
    assert.equal(
      await failureOf(t, target, "", "export const services = [", "  service(target),", "];"),
      "FILE:4:3: no value specified for service of type 'target'",
    );
  });

  it("of a service whose target is missing", async (t) => {
    assert.equal(
      await failureOf(
        t,
        target,
        'const s = simpleService("s", target, []);',
        "instantiateMissingServices([s]);",
      ),
      "FILE:2:11: no target of type 'target' for service 's'",
    );
  });

  it("of the type, for a service that was made because something extends it", async (t) => {
    assert.equal(
      await failureOf(
        t,
        target,
        'const middle = serviceType({ name: "middle", extensions: [serviceExtension(target, () => [])], defaultValue: 1, description: "" });',
        'const top = serviceType({ name: "top", extensions: [serviceExtension(middle, () => 1)], defaultValue: 1, description: "" });',
        "instantiateMissingServices([service(top)]);",
      ),
      "FILE:2:16: no target of type 'target' for service 'middle'",
    );
  });

  it("of a service with two targets, and of both of these", async (t) => {
    assert.equal(
      await failureOf(
        t,
        target,
        "const one = service(target, []);",
        "const other = service(target, []);",
        'const s = simpleService("s", target, []);',
        "foldServices([one, other, s], { targetType: target });",
      ),
      "FILE:4:11: more than one target service of type 'target', which service 's' extends: made at FILE:2:13, FILE:3:15",
    );
  });

  it("of a type with two extensions of one target", async (t) => {
    assert.equal(
      await failureOf(
        t,
        target,
        "const edge = () => serviceExtension(target, () => []);",
        'serviceType({ name: "twice", extensions: [edge(), edge()], description: "" });',
      ),
      'FILE:3:1: service type "twice": field "extensions": two extensions of "target", of which only one would count',
    );
  });

  it("of a type with extend and no compose", async (t) => {
    assert.equal(
      await failureOf(
        t,
        'serviceType({ name: "t", extensions: [], extend: (own) => own, description: "" });',
      ),
      'FILE:1:1: service type "t": field "compose" is missing: "extend" needs one value made of all contributions',
    );
  });

  it("of a clause whose type is not in the list", async (t) => {
    assert.equal(
      await failureOf(t, target, "modifyServices([], [", "  deleteService(target),", "]);"),
      "FILE:3:3: modify-services: service 'target' not found in service list",
    );
  });

  it("of a clause for what was deleted, and of the deletion", async (t) => {
    assert.equal(
      await failureOf(
        t,
        target,
        "modifyServices([service(target, [])], [",
        "  deleteService(target),",
        "  updateService(target, (value) => value),",
        "]);",
      ),
      "FILE:4:3: modify-services: service 'target' was deleted here: FILE:3:3",
    );
  });

  it("of the types in a circle", async (t) => {
    assert.equal(
      await failureOf(
        t,
        'const a = { ...serviceType({ name: "a", extensions: [], description: "" }), extensions: [] };',
        'const b = { ...serviceType({ name: "b", extensions: [], description: "" }), extensions: [] };',
        "a.extensions.push({ target: b, compute: () => [] });",
        "b.extensions.push({ target: a, compute: () => [] });",
        "foldServices([{ kind: a, value: 1 }, { kind: b, value: 1 }], { targetType: a });",
      ),
      "FILE:2:16: service types extend each other in a circle: b -> a -> b; see also FILE:1:16",
    );
  });

  it("of a field of a shepherd service", async (t) => {
    assert.equal(
      await failureOf(t, "", '  shepherdService({ provision: ["tor"], respawn: 1 });'),
      'FILE:2:3: service "tor": field "respawn": expected true or false, got 1',
    );
  });

  it("of a shepherd service that requires what nobody provides", async (t) => {
    assert.equal(
      await failureOf(
        t,
        'const a = shepherdService({ provision: ["web"], requirement: ["databse"] });',
        'assertValidGraph([a, shepherdService({ provision: ["database"] })]);',
      ),
      "FILE:1:11: service 'web' requires 'databse', which is not provided by any service; did you mean \"database\"?",
    );
  });

  it("of both shepherd services that provide one name", async (t) => {
    assert.equal(
      await failureOf(
        t,
        'const a = shepherdService({ provision: ["web", "http"] });',
        'const b = shepherdService({ provision: ["proxy", "http"] });',
        "assertValidGraph([a, b]);",
      ),
      "FILE:2:11: service 'http' provided more than once; see also FILE:1:11",
    );
  });

  it("of the shepherd services that require each other", async (t) => {
    assert.equal(
      await failureOf(
        t,
        'const a = shepherdService({ provision: ["a"], requirement: ["b"] });',
        'const b = shepherdService({ provision: ["b"], requirement: ["a"] });',
        "assertValidGraph([a, b]);",
      ),
      "FILE:1:11: services require each other in a circle: a -> b -> a; see also FILE:2:11",
    );
  });
});
