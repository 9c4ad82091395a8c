// The service `monitoring`, driven by herd as its users do.

import assert from "node:assert/strict";
import { it } from "node:test";
import { bootSystem } from "../support/harness.js";

const line = /service names: \d+; heap: \d+\.\d\d MiB; file descriptors: \d+; processes: \d+/;

it("tells what the supervisor takes, at once and from time to time, also after its death", async (t) => {
  const system = await bootSystem(t, {
    config: `
import { defineConfig, monitoringService } from "shepherd-ts";
export default defineConfig({ services: [monitoringService()] });
`,
  });
  await system.untilStatus("monitoring", "running");
  assert.match(await system.ok("log", "monitoring"), new RegExp(`^${line.source}\n$`));
  const { status, stdout } = await system.herd("period", "monitoring", "abc");
  assert.equal(status, 1);
  assert.equal(stdout, "abc: invalid number; expected a positive integer\n");
  for (const wrong of ["0", "-1", "1.5", "99999999999"])
    assert.equal((await system.herd("period", "monitoring", wrong)).status, 1);

  const lines = (): number =>
    system
      .log()
      .split("\n")
      .filter((one) => line.test(one)).length;
  const before = lines();
  await system.ok("period", "monitoring", "1");
  await system.waitFor("it logs by itself", () => lines() >= before + 2);
  await system.killDaemon();
  const later = lines();
  await system.waitFor("the next daemon logs with the same period", () => lines() >= later + 2);
  await system.ok("stop", "monitoring");
  assert.equal((await system.herd("period", "monitoring", "5")).status, 1);
});
