// When a service whose process ended is started again, and when no more.

import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
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

const immediate = (name: string, script: string): string =>
  `service(["${name}"], { respawn: true, respawnDelay: 0, respawnLimit: false, cgroup: false, start: ${shell(script)} })`;

it("without a delay the keeper respawns by itself, while the supervisor stands still and again for the next one", async (t) => {
  const script = "echo $$ >>{directory}/lives; exec sleep 1000000";
  const system = await bootSystem(t, { config: configuration([immediate("web", script)]) });
  const lives = (): readonly string[] => system.read("lives").trim().split("\n");
  const respawned = async (): Promise<boolean> => {
    const daemon = system.daemon();
    assert.ok(daemon !== undefined);
    const before = lives();
    const pid = await system.untilProcess("web");
    // Only then somebody stands by.
    await delay(1500);
    process.kill(daemon, "SIGSTOP");
    try {
      system.kill(pid, "SIGKILL");
      return await system
        .waitFor("it lives again", () => lives().length > before.length)
        .then(
          () => true,
          () => false,
        );
    } finally {
      process.kill(daemon, "SIGKILL");
    }
  };
  assert.ok(await respawned());
  await system.until(
    "web",
    "is the process that the keeper has spawned",
    ({ pid }) => String(pid) === lives()[1],
  );
  assert.ok(await respawned());
  await system.until("web", "is that of the next one", ({ pid }) => String(pid) === lives()[2]);
  const { respawns, exits } = await system.service("web");
  assert.deepEqual([respawns.length, exits, lives().length], [2, [9, 9], 3]);
});

it("what the keeper has respawned writes lines of its own, whatever the one before has begun", async (t) => {
  const script = "echo begin $$; printf 'the rest of %s' $$; exec sleep 1000000";
  const system = await bootSystem(t, { config: configuration([immediate("web", script)]) });
  const first = await system.untilProcess("web");
  await delay(1500);
  system.kill(first, "SIGKILL");
  const second = await system.untilProcess("web", first);
  await system.waitForLog(new RegExp(`begin ${second}$`, "m"));
  const lines = system.log().split("\n");
  assert.equal(lines.filter((line) => line.endsWith(`[${first}] the rest of ${first}`)).length, 1);
  assert.equal(lines.filter((line) => line.endsWith(`sh[${second}] begin ${second}`)).length, 1);
});

it("a log writer that stands still while hundreds are respawned misses nothing that it is told", async (t) => {
  const names = Array.from({ length: 200 }, (_, index) => `web-${index}`);
  const system = await bootSystem(t, {
    config: configuration(names.map((name) => immediate(name, "exec sleep 1000000"))),
  });
  const pids = await Promise.all(names.map((name) => system.untilProcess(name)));
  await delay(2000);
  const writer = system.logWriter();
  assert.ok(writer !== undefined);
  process.kill(writer, "SIGSTOP");
  for (const pid of pids) system.kill(pid, "SIGKILL");
  await delay(500);
  process.kill(writer, "SIGCONT");
  await Promise.all(names.map((name, index) => system.untilProcess(name, pids[index])));
  await system.waitForLog(/Service web-199 running/);
  assert.doesNotMatch(system.log(), /error:/);
});
