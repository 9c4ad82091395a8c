// A service whose lines go to no file of its own runs before the log writer has heard of it; none of them is lost for that.

import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { it, type TestContext } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";

const late = `service(["late"], { autoStart: false, start: ${shell(
  "echo early line; until [ -e {directory}/go ]; do sleep 0.01; done; echo late line; exec sleep 1000000",
)} })`;

/** A system whose log writer stands still, with a start under way whose program runs. */
async function bootWithout(t: TestContext): Promise<{
  readonly system: System;
  readonly pid: number;
  goOn(): void;
  readonly started: Promise<string>;
}> {
  const system = await bootSystem(t, { config: configuration([late]) });
  await system.waitForLog(/successfully loaded/);
  const writer = await system.waitFor("a log writer lives", () => system.logWriter());
  process.kill(writer, "SIGSTOP");
  const started = system.herd("start", "late").then(({ stdout, stderr }) => stdout + stderr);
  const { inner } = await system.waitFor("the program runs", () =>
    system.processes().find(({ command }) => command.some((word) => word.includes("early line"))),
  );
  return { system, pid: inner, started, goOn: () => process.kill(writer, "SIGCONT") };
}

/** Its lines in the daemon's log, each with the number of its process. */
function linesOf(system: System): readonly string[] {
  return system
    .log()
    .split("\n")
    .filter((line) => / (early|late) line$/.test(line))
    .map((line) => line.slice("2026-01-01 00:00:00 ".length));
}

/** It runs as that process, and none of its lines is lost. */
async function bothLinesOf(system: System, pid: number): Promise<void> {
  assert.equal(await system.untilProcess("late"), pid);
  writeFileSync(system.path("go"), "");
  await system.waitForLog(/ late line$/m);
  assert.deepEqual(linesOf(system), [`sh[${pid}] early line`, `sh[${pid}] late line`]);
}

it("it counts as started when they are read", async (t) => {
  const { system, pid, goOn, started } = await bootWithout(t);
  assert.equal((await system.service("late")).status, "starting");
  goOn();
  assert.match(await started, /late/);
  await bothLinesOf(system, pid);
});

it("the daemon dies meanwhile: the next one has them read, and tells whose they are", async (t) => {
  const { system, pid, goOn } = await bootWithout(t);
  await system.killDaemon();
  goOn();
  await bothLinesOf(system, pid);
});

it("it is stopped meanwhile: the program is ended", async (t) => {
  const { system, pid, goOn } = await bootWithout(t);
  await system.ok("stop", "late");
  assert.equal(system.isAlive(pid), false);
  goOn();
  assert.equal((await system.service("late")).status, "stopped");
});

it("a start that fails before its process is there leaves no pipe when the service goes", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["failing"], { autoStart: false, start: makeForkexecConstructor(["/bin/true"], { pidFile: "{directory}" }) })`,
    ]),
  });
  await system.waitForLog(/successfully loaded/);
  const held = (): number => readdirSync(`/proc/${system.keeper()}/fd`).length;
  await system.waitFor("the log writer runs", () => system.logWriter());
  const before = held();
  assert.equal((await system.herd("start", "failing")).status, 1);
  await system.ok("unload", "root", "failing");
  await system.waitFor("the keeper holds what it held", () => held() === before);
});
