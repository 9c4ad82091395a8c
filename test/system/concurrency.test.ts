// Starts and stops that meet: what is shared, what runs side by side, and what waits for what.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

/** Statements for a configuration: notes that something happened, and waiting for a file. */
const helpers = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
const note = (text: string): void => appendFileSync("{directory}/notes", text + "\\n");
const fileExists = async (name: string): Promise<void> => {
  while (!existsSync("{directory}/" + name)) await delay(10);
};
`;

it("concurrent starts share one attempt and its result", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        'service(["slow"], { autoStart: false, start: async () => { note("start"); await fileExists("go"); return true; } })',
      ],
      helpers,
    ),
  });
  const starts = [1, 2, 3].map(() => system.herd("start", "slow"));
  await system.untilStatus("slow", "starting");
  await system.ok("status", "slow");
  writeFileSync(system.path("go"), "");
  for (const { status, stdout } of await Promise.all(starts)) {
    assert.equal(status, 0);
    assert.match(stdout, /Service slow (has been started|is already running)\./);
  }
  assert.equal(system.read("notes"), "start\n");
});

it("requirements start in parallel", async (t) => {
  // Each of them waits for the other two to have begun: one after the other would never end.
  const begin = (name: string): string =>
    `service(["${name}"], { autoStart: false, start: async () => {
       appendFileSync("{directory}/${name}", "");
       await Promise.all(["a", "b", "c"].map(fileExists));
       return true;
     } })`;
  const system = await bootSystem(t, {
    config: configuration(
      [begin("a"), begin("b"), begin("c"), sleeper("top", 'autoStart: false, requirement: ["a", "b", "c"]')],
      helpers,
    ),
  });
  await system.ok("start", "top");
  assert.equal((await system.service("top")).status, "running");
});

it("a slow start keeps nobody from being served", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        'service(["slow"], { autoStart: false, start: async () => { await fileExists("go"); return true; } })',
        sleeper("quick", "autoStart: false"),
      ],
      helpers,
    ),
  });
  const starting = system.herd("start", "slow");
  await system.untilStatus("slow", "starting");
  await system.ok("start", "quick");
  await system.ok("stop", "quick");
  assert.match(await system.ok("status"), /Starting:\n \^ slow\n/);
  writeFileSync(system.path("go"), "");
  assert.equal((await starting).status, 0);
});

it("a start during a stop waits for it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        `service(["slow"], {
           start: () => { note("start"); return true; },
           stop: async () => { note("stop"); await fileExists("go"); note("stopped"); return false; },
         })`,
      ],
      helpers,
    ),
  });
  await system.untilStatus("slow", "running");
  const stopping = system.herd("stop", "slow");
  await system.untilStatus("slow", "stopping");
  const starting = system.herd("start", "slow");
  await system.ok("status", "slow");
  writeFileSync(system.path("go"), "");
  assert.equal((await stopping).status, 0);
  assert.equal((await starting).status, 0);
  assert.equal(system.read("notes"), "start\nstop\nstopped\nstart\n");
});

it("stop stops dependents first", async (t) => {
  const stop = (name: string): string => `stop: () => { note("${name}"); return false; }`;
  const system = await bootSystem(t, {
    config: configuration(
      [
        `service(["base"], { start: () => true, ${stop("base")} })`,
        `service(["middle"], { requirement: ["base"], start: () => true, ${stop("middle")} })`,
        `service(["top"], { requirement: ["middle"], start: () => true, ${stop("top")} })`,
        `service(["aside"], { start: () => true, ${stop("aside")} })`,
      ],
      helpers,
    ),
  });
  await system.untilStatus("top", "running");
  await system.untilStatus("aside", "running");
  await system.ok("stop", "base");
  assert.equal(system.read("notes"), "top\nmiddle\nbase\n");
  assert.equal((await system.service("aside")).status, "running");
});

it("restart brings back what it stopped, and nothing else", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("base"),
      sleeper("middle", 'requirement: ["base"]'),
      sleeper("top", 'requirement: ["middle"]'),
      sleeper("idle", 'autoStart: false, requirement: ["base"]'),
    ]),
  });
  const pids = { base: 0, middle: 0, top: 0 };
  for (const name of ["base", "middle", "top"] as const) pids[name] = await system.untilProcess(name);
  const output = await system.ok("restart", "base");
  for (const name of ["base", "middle", "top"] as const) {
    assert.match(output, new RegExp(`^Service ${name} has been started\\.$`, "m"));
    const { status, pid } = await system.service(name);
    assert.equal(status, "running");
    assert.notEqual(pid, pids[name]);
  }
  assert.equal((await system.service("idle")).status, "stopped");
});

it("restart of a stopped service starts it", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web", "autoStart: false")]) });
  assert.match(
    await system.ok("restart", "web"),
    /Service web is not running\.\n(.*\n)*Service web has been started\./,
  );
});

it("a one-shot runs once per request, however many need it, and again for the next one", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        'service(["prepare"], { oneShot: true, autoStart: false, start: () => { note("prepare"); return true; } })',
        sleeper("left", 'autoStart: false, requirement: ["prepare"]'),
        sleeper("right", 'autoStart: false, requirement: ["prepare"]'),
        sleeper("top", 'autoStart: false, requirement: ["left", "right"]'),
      ],
      helpers,
    ),
  });
  await system.ok("start", "top");
  assert.equal(system.read("notes"), "prepare\n");
  assert.equal((await system.service("prepare")).status, "stopped");
  assert.match(await system.ok("status"), /One-shot:\n \* prepare\n/);
  await system.ok("start", "prepare");
  assert.equal(system.read("notes"), "prepare\nprepare\n");
});

it("a one-shot that fails keeps what needs it from starting", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      'service(["prepare"], { oneShot: true, autoStart: false, start: makeSystemConstructor("exit 1") })',
      sleeper("web", 'autoStart: false, requirement: ["prepare"]'),
    ]),
  });
  const { status, stdout } = await system.herd("start", "web");
  assert.equal(status, 1);
  assert.match(stdout, /Service web depends on prepare\./);
});

it("a transient service is unregistered when it is stopped", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("passing", "transient: true")]) });
  await system.untilStatus("passing", "running");
  assert.match(await system.ok("stop", "passing"), /Transient service passing unregistered\./);
  assert.match((await system.herd("status", "passing")).stderr, /service 'passing' could not be found/);
});

it("a transient service is unregistered when its process dies", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("passing", "transient: true")]) });
  system.kill(await system.untilProcess("passing"), "SIGKILL");
  await system.waitFor("it is gone", async () => (await system.herd("status", "passing")).status === 1);
});

it("a transient service cannot be restarted", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("passing", "transient: true")]) });
  await system.untilStatus("passing", "running");
  assert.equal((await system.herd("restart", "passing")).status, 1);
  assert.equal((await system.herd("status", "passing")).status, 1);
});
