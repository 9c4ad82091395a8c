// When a service whose process ended is started again, and when no more.

import assert from "node:assert/strict";
import { it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

/** Appends a line for each start and fails. */
const failing = (fields: string): string =>
  `service(["crasher"], { respawn: true, respawnDelay: 0.01, start: ${shell("echo x >>{directory}/starts; exit 3")}, ${fields} })`;

it("a service that always fails is respawned as often as its limit says, then disabled with the reason", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([failing("respawnLimit: { times: 3, seconds: 60 }")]),
  });
  const service = await system.until(
    "crasher",
    "is disabled",
    ({ enabled, status }) => !enabled && status === "stopped",
  );
  assert.equal(system.read("starts"), "x\n".repeat(1 + 3));
  assert.equal(service.respawns.length, 3);
  assert.deepEqual(service.exits, Array(4).fill(3 << 8));
  assert.match(system.log(), /Service crasher has been disabled\.\n.*\(Respawning too fast\.\)/);
  const status = await system.ok("status", "crasher");
  assert.match(status, /It is disabled/);
  assert.match(status, /espawn\w* too fast/);
});

it("a disabled service is refused until it is enabled", async (t) => {
  const system = await bootSystem(t, { config: configuration([failing("respawnLimit: [1, 60]")]) });
  await system.until("crasher", "is disabled", ({ enabled }) => !enabled);
  const refused = await system.herd("start", "crasher");
  assert.equal(refused.status, 1);
  assert.match(refused.stdout, /^Service crasher is currently disabled\.$/m);
  const starts = system.read("starts");
  await system.ok("enable", "crasher");
  await system.herd("start", "crasher");
  await system.waitFor("it was started again", () => system.read("starts").length > starts.length);
});

it("without a limit a service is respawned without end", async (t) => {
  const system = await bootSystem(t, { config: configuration([failing("respawnLimit: false")]) });
  await system.waitForFile("starts", /(x\n){20}/);
  assert.equal((await system.service("crasher")).enabled, true);
});

it("a respawn limit of no times disables at the first end", async (t) => {
  const system = await bootSystem(t, { config: configuration([failing("respawnLimit: [0, 60]")]) });
  await system.until("crasher", "is disabled", ({ enabled }) => !enabled);
  assert.equal(system.read("starts"), "x\n");
});

it("an explicit stop does not respawn", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web", "respawn: true")]) });
  await system.untilStatus("web", "running");
  await system.ok("stop", "web");
  assert.equal((await system.service("web")).status, "stopped");
  assert.doesNotMatch(system.log(), /Respawning web/);
});

it("ten kills give ten new processes", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0, respawnLimit: false")]),
  });
  const seen = new Set<number>();
  let pid = await system.untilProcess("web");
  for (let kill = 0; kill < 10; kill += 1) {
    seen.add(pid);
    system.kill(pid, "SIGKILL");
    pid = await system.untilProcess("web", pid);
  }
  seen.add(pid);
  assert.equal(seen.size, 11);
  assert.equal((await system.service("web")).respawns.length, 10);
});

it("the respawn delay is waited, and a stop during it ends it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 3600")]),
  });
  const pid = await system.untilProcess("web");
  system.kill(pid, "SIGKILL");
  await system.untilStatus("web", "stopped");
  await system.ok("stop", "web");
  assert.equal((await system.service("web")).status, "stopped");
  await system.ok("start", "web");
  assert.notEqual(await system.untilProcess("web"), pid);
});

it("a termination handler decides", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["picky"], {
         start: ${shell("echo x >>{directory}/starts; exit $(wc -l <{directory}/starts)")},
         terminationHandler: (_service, { exitCode }) => (exitCode === 3 ? "stop" : "respawn"),
       })`,
    ]),
  });
  const { exits, enabled } = await system.until(
    "picky",
    "has ended with 3",
    (service) => service.exits[0] === 3 << 8,
  );
  assert.deepEqual(exits, [3 << 8, 2 << 8, 1 << 8]);
  assert.equal(enabled, true);
});
