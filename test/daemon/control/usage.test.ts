// What all services use, as it is told to `herd top`.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { briefUsageOf } from "../../../src/daemon/cgroups/usage.js";
import { usageOfAll } from "../../../src/daemon/control/usage.js";
import { pidNamespace } from "../../../src/protocol/pid-namespace.js";
import { definition, testSystem } from "../../support/system.js";

test("the supervisor's own use is root's; a service without a cgroup has none", async () => {
  const { system } = testSystem([definition("root"), definition("web")]);
  const { services, pidNamespace: place } = await usageOfAll(system.registry.controllers);
  assert.deepEqual([...services.keys()], ["root"]);
  const { memory = 0, cpu = 0 } = services.get("root") ?? {};
  assert.ok(memory > 1_000_000 && cpu > 0, `${memory} ${cpu}`);
  assert.equal(place, pidNamespace());
  assert.match(place ?? "", /^[0-9a-f-]{36} pid:\[\d+\]$/);
});

test("of a cgroup, what changes all the time; what it does not tell is not there", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "usage-"));
  context.after(() => rmSync(directory, { recursive: true }));
  assert.deepEqual(await briefUsageOf(directory), {});
  writeFileSync(join(directory, "cpu.stat"), "usage_usec 1234\nuser_usec 1000\n");
  writeFileSync(join(directory, "memory.current"), "4096\n");
  assert.deepEqual(await briefUsageOf(directory), { cpu: 1234, memory: 4096 });
});
