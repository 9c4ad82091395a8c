// The supervisor restarted on purpose: the program and the configuration that are on disk now, over running services.

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, sleeper } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { project } from "../support/project.js";

/** Restarts the supervisor and waits for the next one. */
async function restart(system: System): Promise<void> {
  const old = system.daemon();
  await system.ok("restart", "root");
  await system.waitFor("the next supervisor is there", () => {
    const daemon = system.daemon();
    return daemon !== undefined && daemon !== old;
  });
  await system.service("root");
}

function rewrite(system: System, services: readonly string[], helpers = ""): void {
  writeFileSync(system.config, configuration(services, helpers));
}

it("what the configuration has no more runs on until it stops, also when the supervisor is killed meanwhile", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("stays"), sleeper("goes")]) });
  const pids = [await system.untilProcess("stays"), await system.untilProcess("goes")];
  rewrite(system, [sleeper("stays"), sleeper("comes")]);
  await restart(system);
  await system.untilProcess("comes");
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual([await system.untilProcess("stays"), await system.untilProcess("goes")], pids);
    assert.match(await system.ok("status", "goes"), /not in the configuration any more/);
    assert.doesNotMatch(await system.ok("status", "stays"), /not in the configuration any more/);
    await system.killDaemon();
  }
  await system.ok("stop", "goes");
  assert.equal((await system.herd("status", "goes")).status, 1);
  await system.killDaemon();
  assert.equal((await system.herd("status", "goes")).status, 1);
  assert.deepEqual(await system.untilProcess("stays"), pids[0]);
});

it("a definition that changed waits until its service stops, also when the supervisor is killed meanwhile", async (t) => {
  const action = (text: string): string =>
    `actions: [shepherdAction({ name: "say", procedure: () => console.log(${JSON.stringify(text)}) })]`;
  const system = await bootSystem(t, { config: configuration([sleeper("web", action("old"))]) });
  const pid = await system.untilProcess("web");
  rewrite(system, [sleeper("web", action("new"))]);
  await restart(system);
  await system.waitForLog(/has changed and is in force/);
  for (let round = 0; round < 2; round += 1) {
    assert.equal(await system.untilProcess("web"), pid);
    assert.match(await system.ok("say", "web"), /old/);
    await system.killDaemon();
  }
  await system.ok("restart", "web");
  assert.match(await system.ok("say", "web"), /new/);
  await system.killDaemon();
  assert.match(await system.ok("say", "web"), /new/);
});

it("a configuration that is wrong, or kills who reads it, leaves the old one in force", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
  const pid = await system.untilProcess("web");
  const isAsBefore = async (): Promise<void> => {
    assert.equal(await system.untilProcess("web"), pid);
    assert.equal((await system.herd("status", "other")).status, 1);
  };
  rewrite(system, [sleeper("other")], "this is no module");
  await restart(system);
  await system.waitForLog(/what was in force of .* stays/);
  await isAsBefore();
  rewrite(system, [sleeper("other")], "process.kill(process.pid, 'SIGKILL');");
  await restart(system);
  await system.waitFor("two daemons have died of it", () => {
    const deaths = system.log().match(/The supervisor died/g) ?? [];
    return deaths.length >= 2;
  });
  await isAsBefore();
  assert.doesNotMatch(await system.ok("status", "root"), /[Rr]escue/);
});

it("code that kills the supervisor each time it runs ends in rescue mode, with every service under control", async (t) => {
  const deadly = `service(["deadly"], { start: () => { process.kill(process.pid, "SIGKILL"); return true; }, retryable: true, autoStart: false })`;
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("web"),
      sleeper("db"),
      `service(["made"], { start: () => ({ by: "a function" }) })`,
      deadly,
    ]),
    keeperOptions: ["--deaths=3", "--window=20"],
  });
  const pid = await system.untilProcess("web");
  await system.herd("start", "deadly");
  await system.waitForLog(/Rescue mode/);
  const status = await system.ok("status", "root");
  assert.match(status, /[Rr]escue mode: .*start of service deadly/s);
  assert.equal(await system.untilProcess("web"), pid);
  assert.equal((await system.service("made")).status, "running");
  await system.ok("restart", "db");
  assert.notEqual(await system.untilProcess("db"), undefined);
  await system.ok("stop", "made");
  const again = await system.herd("start", "made");
  assert.equal(again.status, 1);
  assert.match(`${again.stdout}${again.stderr}`, /rescue mode/);
  // Mended, it is left by a restart.
  rewrite(system, [sleeper("web"), sleeper("db"), `service(["made"], { start: () => true })`]);
  await restart(system);
  await system.waitFor(
    "rescue mode is over",
    async () => !/[Rr]escue/.test((await system.herd("status", "root")).stdout),
  );
  assert.equal(await system.untilProcess("web"), pid);
  // Clients do not wait until the configuration was read anew.
  await system.waitFor(
    "what is mended starts",
    async () => (await system.herd("start", "made")).status === 0,
  );
});

it("a program on disk that cannot go on is refused, and the supervisor serves on", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    native: project.native("none"),
  });
  const daemon = system.daemon();
  // A link to the real one.
  rmSync(system.path("programs/shepherd.cjs"));
  writeFileSync(system.path("programs/shepherd.cjs"), "process.exit(3)");
  const { status, stderr } = await system.herd("restart", "root");
  assert.equal(status, 1);
  assert.match(stderr, /not fit to go on.*exited with 3/s);
  assert.equal(system.daemon(), daemon);
});

it("the keeper is replaced in place, again and again, while services run, end and print", async (t) => {
  const talker =
    'service(["talker"], { start: makeForkexecConstructor(["/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done"], { logFile: "{directory}/talker.log" }) })';
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("web"),
      sleeper("crashing", "respawn: true, respawnLimit: false"),
      talker,
    ]),
  });
  const pid = await system.untilProcess("web");
  let crashing = await system.untilProcess("crashing");
  const keeper = system.keeper();
  const daemon = system.daemon();
  for (let round = 0; round < 5; round += 1) {
    const upgrade = system.ok("upgrade", "keeper");
    system.kill(crashing, "SIGKILL");
    assert.match(await upgrade, /keeper runs the program that is on disk now/);
    crashing = await system.untilProcess("crashing", crashing);
  }
  assert.equal(system.keeper(), keeper);
  assert.equal(system.daemon(), daemon);
  assert.equal(await system.untilProcess("web"), pid);
  assert.deepEqual((await system.service("crashing")).exits, [9, 9, 9, 9, 9]);
  await system.killDaemon();
  assert.equal(await system.untilProcess("web"), pid);
  const end = await system.stop();
  assert.deepEqual(end, { code: 0, signal: null });
  const lines = system.read("talker.log").trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.replace(/^.* line /, "")),
    lines.map((_, index) => String(index + 1)),
  );
});

it("a keeper on disk that is none is refused", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    native: project.native("none"),
  });
  const pid = await system.untilProcess("web");
  rmSync(system.path("programs/native"));
  mkdirSync(system.path("programs/native"));
  for (const name of ["keeper", "spawn"])
    writeFileSync(system.path(`programs/native/${name}`), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  const { status, stderr } = await system.herd("upgrade", "keeper");
  assert.equal(status, 1);
  assert.match(stderr, /upgrade keeper: .*programs\/native\/keeper/s);
  assert.equal(await system.untilProcess("web"), pid);
});
