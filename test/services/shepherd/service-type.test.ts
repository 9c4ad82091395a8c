// `shepherdServiceType`, and the modules that services name.

import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { DefinitionError } from "../../../src/daemon/definition/check.js";
import { service, simpleService } from "../../../src/services/composition/service-type.js";
import { shepherdRootServiceType } from "../../../src/services/essential/shepherd-root.js";
import { importServiceModules } from "../../../src/services/shepherd/modules.js";
import { shepherdService, shepherdServices } from "../../../src/services/shepherd/service.js";
import { shepherdServiceType } from "../../../src/services/shepherd/service-type.js";

describe("shepherd-service-type", () => {
  const clock = shepherdServiceType(
    "clock",
    (zone: string) => shepherdService({ provision: ["clock"], documentation: zone }),
    { defaultValue: "UTC", description: "Say the time." },
  );

  it("extends only the supervisor, with a list of the one service", () => {
    const [extension, ...others] = clock.extensions;
    assert.deepEqual(others, []);
    assert.equal(extension?.target, shepherdRootServiceType);
    const contribution = extension?.compute("CET" as never);
    assert.ok(shepherdServices.matches(contribution));
    assert.deepEqual(
      contribution.map(({ provision, documentation }) => [provision, documentation]),
      [[["clock"], "CET"]],
    );
  });

  it("has a name, a description and a default value", () => {
    assert.deepEqual([clock.name, clock.description], ["clock", "Say the time."]);
    assert.equal(service(clock).value, "UTC");
  });

  it("may do without a default value", () => {
    const type = shepherdServiceType("t", () => shepherdService({ provision: ["t"] }), { description: "" });
    assert.ok(!("defaultValue" in type));
    assert.equal(service(type, undefined).kind, type);
  });

  it("other services may extend the supervisor as well", () => {
    assert.equal(
      simpleService("s", shepherdRootServiceType, []).kind.extensions[0]?.target,
      shepherdRootServiceType,
    );
  });
});

describe("the field modules", () => {
  const importing = (...modules: readonly string[]): Promise<void> =>
    importServiceModules([
      shepherdService({ provision: ["a"] }),
      shepherdService({ provision: ["web"], modules }),
    ]);

  it("is imported, whatever form the names have", async (t) => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), "shepherd modules-")));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const seen = Symbol.for("shepherd-ts.test-modules");
    t.after(() => Reflect.deleteProperty(globalThis, seen));
    Reflect.set(globalThis, seen, []);
    const write = (name: string): string => {
      const file = join(directory, name);
      writeFileSync(
        file,
        `globalThis[Symbol.for("shepherd-ts.test-modules")].push(${JSON.stringify(name)});\n`,
      );
      return file;
    };
    await importing("node:fs", write("a#%41.mjs"), pathToFileURL(write("b#c.mjs")).href);
    assert.deepEqual(Reflect.get(globalThis, seen), ["a#%41.mjs", "b#c.mjs"]);
  });

  for (const name of ["node:no-such-module", "/no/such/module.mjs", "file:///no/such/module.mjs"]) {
    it(`${name} is told, with the service and the field`, async () => {
      await assert.rejects(importing("node:fs", name), (error: unknown) => {
        assert.ok(error instanceof DefinitionError);
        assert.ok(
          error.message.startsWith(`service "web": field "modules": cannot import "${name}": `),
          error.message,
        );
        return true;
      });
    });
  }
});
