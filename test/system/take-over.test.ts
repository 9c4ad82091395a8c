// What the next daemon finds and goes on with, where that takes a whole system: modules in force, the end of a container,
// a shutdown, rescue mode.

import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { type BootOptions, bootSystem, type Scope, type System } from "../support/harness.js";
import type { ProcessInfo } from "../support/processes.js";
import { Ambush, armedFile, type CrashPoint } from "../torture/ambush.js";

const before = (label: string): CrashPoint => ({ when: "before", label, skip: 0 });
const after = (label: string): CrashPoint => ({ when: "after", label, skip: 0 });

/** Boots a system whose daemon dies where it is told to, be it in its first life. */
async function bootMortal(
  scope: Scope,
  options: BootOptions,
  ...points: readonly CrashPoint[]
): Promise<{ readonly system: System; readonly ambush: Ambush }> {
  const system = await bootSystem(scope, {
    ...options,
    files: { ...options.files, ...armedFile(points) },
    nodeOptions: [`--import=${new URL("../torture/interposer.js", import.meta.url).href}`],
    env: { SHEPHERD_TORTURE: "{directory}" },
  });
  return { system, ambush: new Ambush(system.directory) };
}

/** Statements of a module whose evaluation waits while there is a file of that name. */
const waitsFor = (file: string): string =>
  `import { existsSync } from "node:fs";
   import { setTimeout as delay } from "node:timers/promises";
   while (existsSync("{directory}/${file}")) await delay(20);`;

it("rescue mode is left by a mended file, though the module in force kills who evaluates it", async (t) => {
  const deadly = `import { existsSync } from "node:fs";
    if (existsSync("{directory}/bomb")) process.kill(process.pid, "SIGKILL");`;
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")], deadly),
    keeperOptions: ["--deaths=3", "--window=20"],
  });
  const pid = await system.untilProcess("web");
  writeFileSync(system.path("bomb"), "");
  await system.killDaemon();
  await system.waitForLog(/Rescue mode/);
  writeFileSync(system.config, configuration([sleeper("web"), sleeper("mended")]));
  await system.ok("restart", "root");
  await system.untilStatus("mended", "running");
  assert.equal(await system.untilProcess("web"), pid);
  assert.doesNotMatch(await system.ok("status", "root"), /rescue/i);
});

it("a stop that comes while another module is still evaluated ends the service's only process", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    files: { "slow.ts": configuration([sleeper("slow")], waitsFor("slow")) },
  });
  const pid = await system.untilProcess("web");
  await system.ok("load", "root", system.path("slow.ts"));
  writeFileSync(system.path("slow"), "");
  await system.killDaemon();
  const stopping = system.ok("stop", "web");
  // Who only asks is answered meanwhile.
  await system.ok("status", "root");
  assert.doesNotMatch(system.log(), /services go on as they were/);
  rmSync(system.path("slow"));
  await stopping;
  assert.equal(system.isAlive(pid), false);
  await system.ok("start", "web");
  const isSleeping = ({ command, state }: ProcessInfo): boolean =>
    command[0] === "/bin/sleep" && state !== "Z";
  assert.equal(system.processes().filter(isSleeping).length, 2, "one of web, one of slow");
});

for (const label of ["put-note service starting", "put-note shutdown"])
  it(`a container whose program is missing ends with 127, also where the daemon dies before ${label}`, async (t) => {
    const options: BootOptions = {
      config: configuration([]),
      command: ["/nonexistent/program"],
      ready: "started",
    };
    const { system, ambush } = await bootMortal(t, options, before(label));
    await system.waitFor("the daemon has died", () => ambush.hits().length > 0);
    assert.deepEqual(await system.waitForEnd(), { code: 127, signal: null });
  });

it("nobody is told that a missing program was started, though the daemon dies right after the spawn", async (t) => {
  const missing = `service(["missing"], { start: makeForkexecConstructor(["/nonexistent/program"]), autoStart: false })`;
  const { system, ambush } = await bootMortal(t, { config: configuration([missing]) });
  ambush.arm([after("spawn service")]);
  const { status, stdout } = await system.herd("start", "missing");
  assert.equal(ambush.hits().length, 1);
  assert.equal(status, 1);
  assert.doesNotMatch(stdout, /has been started/);
});

it("a restart of the supervisor that was confirmed reads the configuration anew, though the daemon dies", async (t) => {
  const { system, ambush } = await bootMortal(t, { config: configuration([sleeper("web")]) });
  writeFileSync(system.config, configuration([sleeper("web"), sleeper("new")]));
  ambush.arm([before("put-note refresh")]);
  await system.ok("restart", "root");
  await system.untilStatus("new", "running");
  assert.equal(ambush.hits().length, 1);
});

it("the end of the deciding service ends the container, though the daemon dies while a function decides", async (t) => {
  const app = `service(["app"], { start: ${shell("exec sleep 1000000")}, terminationHandler: () => new Promise(() => {}) })`;
  const system = await bootSystem(t, { config: configuration([app], "", 'exitWith: "app"') });
  system.kill(await system.untilProcess("app"), "SIGKILL");
  await system.waitForLog(/terminated with signal 9/);
  await system.killDaemon();
  assert.deepEqual(await system.waitForEnd(), { code: 137, signal: null });
});

it("the pipe of a transient service that is over is closed, though the daemon dies before", async (t) => {
  const jobs = ["one", "two", "three"];
  const moduleOf = (name: string): string =>
    configuration([
      `service(["${name}"], { start: makeForkexecConstructor(["/bin/true"]), transient: true })`,
    ]);
  const { system, ambush } = await bootMortal(t, {
    config: configuration([sleeper("web")]),
    files: Object.fromEntries(jobs.map((name) => [`${name}.ts`, moduleOf(name)])),
    keeperOptions: ["--deaths=10"],
  });
  await system.untilProcess("web");
  const held = (): number => readdirSync(`/proc/${system.keeper()}/fd`).length;
  const usual = held();
  for (const [round, name] of jobs.entries()) {
    ambush.arm([before("delete-note log")]);
    await system.herd("load", "root", system.path(`${name}.ts`));
    await system.waitFor("the daemon has died", () => ambush.hits().length > round);
    await system.ok("status", "root");
    await system.waitFor("the keeper holds what it held", () => held() === usual);
  }
});

it("nothing is started by the daemon that follows one that died in a shutdown during its first start", async (t) => {
  const options: BootOptions = {
    config: configuration([sleeper("web")], waitsFor("config.ts")),
    ready: "started",
  };
  const { system, ambush } = await bootMortal(t, options, after("begin-shutdown"));
  await system.waitFor("the configuration is compiled", () => ambush.seen().has("spawn compiler"));
  system.signal("SIGTERM");
  await system.waitForEnd();
  assert.doesNotMatch(system.log(), /Starting service web/);
});
