import assert from "node:assert/strict";
import { test } from "node:test";
import { client, definition, testSystem } from "../../support/system.js";

test("a service that is split in two becomes two, whether it runs or not", async () => {
  for (const running of [false, true]) {
    const { system } = testSystem([definition("web mail")]);
    if (running) await system.supervisor.start("web", [], client());
    system.registry.register([definition("mail"), definition("web", { documentation: "new" })]);
    await system.supervisor.stop("web", [], client());
    assert.equal(system.registry.get("web").name, "web");
    assert.equal(system.registry.get("web").definition.documentation, "new");
    assert.equal(system.registry.get("mail").name, "mail");
  }
});

test("a name that a pending replacement will provide is taken", async () => {
  const { system } = testSystem([definition("web")]);
  await system.supervisor.start("web", [], client());
  system.registry.register([definition("web http")]);
  assert.throws(() => system.registry.register([definition("http")]), /"http" is provided twice/);
});
