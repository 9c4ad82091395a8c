// A boot that was recorded and is repeated by the keeper: what runs then, and all that must make the next boot an ordinary one.

import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { findCgroups, inside, makeTestCgroup } from "../support/cgroups.js";
import { configuration, sleeper } from "../support/configuration.js";
import { type BootOptions, bootSystem, type Scope, type System } from "../support/harness.js";

const recorded = /The start of (\d+) services? (?:was|were) recorded/;
const repeated = /(\d+) services? (?:was|were) started from the record of an earlier boot/;

/** A service that says when it begins. */
const stamped = (name: string, needs: readonly string[] = [], more = ""): string =>
  `service(["${name}"], {
    requirement: ${JSON.stringify(needs)},
    start: makeForkexecConstructor(["/bin/sh", "-c", "echo ${name} is up; echo ${name} >>{directory}/stamps; exec sleep 1000000"]),
    stop: makeKillDestructor(), respawn: true, ${more}
  })`;

const chain = configuration([
  stamped("third", ["second"]),
  stamped("second", ["first"]),
  stamped("first"),
  `service(["task"], { requirement: ["third"], oneShot: true,
     start: makeForkexecConstructor(["/bin/sh", "-c", "echo task >>{directory}/stamps"]) })`,
  `service(["inside"], { requirement: ["first"], start: () => true })`,
]);

async function boot(scope: Scope, config: string, more: Partial<BootOptions> = {}): Promise<System> {
  return await bootSystem(scope, { config, args: ["--boot-record"], ...more });
}

/** The next boot in the same place. */
async function bootAgain(scope: Scope, system: System, more: Partial<BootOptions> = {}): Promise<System> {
  await system.waitForLog(recorded);
  await system.stop();
  writeFileSync(system.path("stamps"), "");
  writeFileSync(system.path("shepherd.log"), "");
  return await bootSystem(scope, {
    config: "",
    args: ["--boot-record"],
    keeperOptions: [`--record=${recordOf(system)}`],
    after: system,
    ...more,
  });
}

/** What has begun, each as often as it has. A program that is executed need not come to say so before the next one does. */
const stampsOf = (system: System): readonly string[] =>
  system.read("stamps").split("\n").filter(Boolean).sort();
const everyone = ["first", "second", "task", "third"];

/** Waits until all of them have begun, and asserts that each has once. */
async function haveBegun(system: System, names: readonly string[]): Promise<void> {
  await system.waitFor("all have begun", () => stampsOf(system).length >= names.length);
  assert.deepEqual(stampsOf(system), names);
}

const recordOf = (system: System): string => system.path("state/shepherd/boot-record");

/** Waits until a service runs and gives its process's number inside. */
async function processes(system: System, ...names: readonly string[]): Promise<readonly number[]> {
  return await Promise.all(names.map((name) => system.untilProcess(name)));
}

it("the keeper starts what was started, in the same order and once, and the daemon goes on with it", async (t) => {
  const first = await boot(t, chain);
  const second = await bootAgain(t, first);
  assert.equal((await second.waitForLog(repeated))[1], "3");
  assert.doesNotMatch(second.log(), /Starting service (?:first|second|third)/);
  await haveBegun(second, everyone);
  await second.untilStatus("inside", "running");
  const pids = await processes(second, "first", "second", "third");
  assert.deepEqual(
    pids,
    pids.toSorted((a, b) => a - b),
  );
  const [pid = 0] = pids;
  // What they print before there is a log writer is theirs all the same.
  await second.waitForLog(new RegExp(`sh\\[${pid}\\] first is up`));
  const since = (await second.service("first")).changes.map(({ time }) => time);
  assert.ok(
    since.every((time) => Math.abs(Date.now() / 1000 - time) < 600),
    `times: ${since.join()}`,
  );

  second.kill(pid, "SIGKILL");
  await second.untilProcess("first", pid);
  const { code } = await second.stop();
  assert.equal(code, 0);
});

it("a later boot repeats it again, and so does one after a crash of the daemon", async (t) => {
  const first = await boot(t, chain);
  const second = await bootAgain(t, first);
  const before = await processes(second, "first", "second", "third");
  await second.killDaemon();
  await second.waitForLog(/started anew/);
  assert.deepEqual(await processes(second, "first", "second", "third"), before);
  await second.stop();
  writeFileSync(second.path("shepherd.log"), "");
  const third = await bootSystem(t, {
    config: "",
    args: ["--boot-record"],
    keeperOptions: [`--record=${recordOf(second)}`],
    after: second,
  });
  assert.equal((await third.waitForLog(repeated))[1], "3");
});

it("a daemon that is killed in the midst of it leaves all to the next one", async (t) => {
  const waits = `import { existsSync } from "node:fs";
    import { setTimeout as delay } from "node:timers/promises";
    while (existsSync("{directory}/hold")) await delay(20);`;
  const config = configuration(
    [stamped("one"), stamped("two", ["one"]), stamped("late", ["two"], "oneShot: false,")],
    waits,
  );
  const first = await boot(t, config);
  await first.waitForLog(recorded);
  writeFileSync(first.path("hold"), "");
  const second = await bootAgain(t, first, { ready: "started" });
  await haveBegun(second, ["late", "one", "two"]);
  await second.killDaemon();
  await second.killDaemon();
  rmSync(second.path("hold"));
  await second.waitForLog(repeated);
  await processes(second, "one", "two", "late");
  assert.deepEqual(stampsOf(second), ["late", "one", "two"]);
});

it("a configuration that was touched is booted as it is, and recorded anew", async (t) => {
  const first = await boot(t, chain);
  await first.waitForLog(recorded);
  const before = readFileSync(recordOf(first));
  utimesSync(first.config, 1, 1);
  const second = await bootAgain(t, first);
  await second.waitForLog(recorded);
  assert.doesNotMatch(second.log(), repeated);
  assert.doesNotMatch(second.stderr, /record/);
  await haveBegun(second, everyone);
  assert.notDeepEqual(readFileSync(recordOf(second)), before);
});

it("another environment or command line is none that was recorded", async (t) => {
  const first = await boot(t, chain);
  const second = await bootAgain(t, first, { env: { COLOUR: "red" } });
  await second.waitForLog(recorded);
  assert.doesNotMatch(second.log(), repeated);
  const third = await bootAgain(t, second, { env: { COLOUR: "red" }, args: ["--boot-record", "--silent"] });
  await third.waitForLog(recorded);
  assert.doesNotMatch(third.log(), repeated);
});

it("a program that is gone fails as it would at any boot", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "program-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const program = join(directory, "program");
  copyFileSync("/bin/sleep", program);
  const needed = `service(["needed"], { start: makeForkexecConstructor(["${program}", "1000000"]), stop: makeKillDestructor() })`;
  const config = configuration([stamped("other"), needed, stamped("needs", ["needed"])]);
  const first = await boot(t, config);
  await first.waitForLog(recorded);
  rmSync(program);
  const second = await bootAgain(t, first);
  await second.waitForLog(/Failed to start needed: exec .*program: No such file/);
  await second.waitForLog(/Service needs depends on needed/);
  await second.untilProcess("other");
  await second.untilStatus("needed", "stopped");
  assert.equal((await second.service("needs")).status, "stopped");
  await haveBegun(second, ["other"]);
  await second.waitFor("the record is removed", () => !existsSync(recordOf(second)));
});

it("a record that is cut off, or is none, is a boot like any other", async (t) => {
  const first = await boot(t, chain);
  await first.waitForLog(recorded);
  const whole = readFileSync(recordOf(first));
  truncateSync(recordOf(first), whole.length - 600);
  const second = await bootAgain(t, first);
  await processes(second, "first", "second", "third");
  await haveBegun(second, everyone);
  assert.match(second.stderr, /record of a boot is not followed to its end: it is cut off/);
  // A next boot is to record anew.
  await second.waitFor("the record is removed", () => !existsSync(recordOf(second)));
});

it("a configuration that is more than its files is put into force as it is now", async (t) => {
  const impure = configuration(
    [
      stamped("steady"),
      `service([flavour], { start: makeForkexecConstructor(["/bin/sleep", "1000001"]), stop: makeKillDestructor() })`,
      `service(["changing"], { start: makeForkexecConstructor(["/bin/sleep", flavour === "sweet" ? "1000002" : "1000003"]), stop: makeKillDestructor() })`,
    ],
    `import { readFileSync } from "node:fs"; const flavour = readFileSync("{directory}/flavour", "utf8");`,
  );
  const first = await boot(t, impure, { files: { flavour: "sweet" } });
  await first.waitForLog(recorded);
  writeFileSync(first.path("flavour"), "sour");
  const second = await bootAgain(t, first);
  await second.waitForLog(/defines other services than when the boot was recorded, such as changing/);
  await second.untilStatus("sour", "running");
  await second.until("changing", "runs as it is defined now", ({ text }) =>
    /1000003/.test(JSON.stringify(text)),
  );
  await second.untilStatus("steady", "running");
  assert.match((await second.herd("status", "sweet")).stderr, /could not be found/);
  await second.waitFor("the record is removed", () => !existsSync(recordOf(second)));
});

it("services that are more than the execution of a program are started by the daemon", async (t) => {
  const first = await boot(
    t,
    configuration([
      sleeper("plain"),
      sleeper("needs-function", 'requirement: ["function"]'),
      `service(["function"], { start: () => true })`,
      sleeper("after", 'after: ["plain"]'),
    ]),
  );
  await first.waitForLog(/This boot is not recorded: no service has a start that can be recorded/);
  assert.ok(!existsSync(recordOf(first)));
});

const found = findCgroups();
const cgroupParent = typeof found === "string" ? "" : found.directory;

it("services are in their cgroups, and an accounts' file counts where one has a user", {
  skip: typeof found === "string" ? found : false,
}, async (t) => {
  const cgroup = makeTestCgroup(t, cgroupParent);
  const through = inside(cgroup);
  const config = configuration([
    stamped("one"),
    stamped("two", ["one"], "cgroup: false,"),
    `service(["user"], { start: makeForkexecConstructor(["/bin/sleep", "1000000"], { user: "nobody" }), stop: makeKillDestructor() })`,
    `service(["limited"], { start: makeForkexecConstructor(["/bin/sleep", "1000000"]), cgroup: { pidsMax: 9 }, stop: makeKillDestructor() })`,
  ]);
  const first = await boot(t, config, { through });
  const second = await bootAgain(t, first, { through });
  assert.equal((await second.waitForLog(repeated))[1], "3");
  await processes(second, "one", "two", "user", "limited");
  const where = (service: string): string =>
    readFileSync(join(cgroup, "services", `${service}.service`, "cgroup.procs"), "utf8");
  assert.match(where("one"), /^\d+\n$/);
  assert.match(where("user"), /^\d+\n$/);
  assert.match(where("limited"), /^\d+\n$/);
  assert.ok(!existsSync(join(cgroup, "services", "two.service")));
  assert.match(readFileSync(recordOf(second), "latin1"), /\/etc\/passwd/);
  await second.ok("stop", "one");
  await second.waitFor("its cgroup is removed", () => !existsSync(join(cgroup, "services", "one.service")));
});
