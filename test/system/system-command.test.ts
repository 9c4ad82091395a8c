// Composed systems on machines of their own: booted, changed while they run, and brought back.

import assert from "node:assert/strict";
import { readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { type Container, makeContainer, whyNoContainers } from "../support/container.js";
import type { Scope } from "../support/harness.js";
import type { ProcessInfo } from "../support/processes.js";
import { project } from "../support/project.js";

const skip = whyNoContainers() ?? false;

/** A service that sleeps as long as `seconds` says. */
const sleeper = (name: string, seconds: number, more = ""): string =>
  `simpleService("${name}", shepherdRootServiceType, [
     shepherdService({
       provision: ["${name}"],
       start: makeForkexecConstructor(["/bin/sleep", "${seconds}"]),
       stop: makeKillDestructor(),
       ${more}
     }),
   ])`;

/** A module that exports a system of these services. */
const systemOf = (services: readonly string[], more = ""): string =>
  `import {
     activationServiceType, directoryStep, makeForkexecConstructor, makeKillDestructor, operatingSystem, runStep,
     shepherdRootServiceType, shepherdService, simpleService,
   } from "shepherd-ts/system";

   export default operatingSystem({ services: [${services.join(",\n")}], ${more} });
`;

const file = "/etc/system.ts";
const state = "/var/lib/shepherd";

const isSleep = ({ command, state: how }: ProcessInfo): boolean => command[0] === "/bin/sleep" && how !== "Z";

/** The processes of sleepers, by how long they sleep. */
function sleeping(machine: Container): ReadonlyMap<number, number> {
  return new Map(
    machine
      .processes()
      .filter(isSleep)
      .map(({ command, inner }) => [Number(command[1]), inner]),
  );
}

const seconds = (machine: Container): readonly number[] => [...sleeping(machine).keys()].sort();

async function untilSleeping(machine: Container, ...wanted: readonly number[]): Promise<void> {
  await machine.waitFor(
    `${wanted.join(", ")} sleep`,
    () => JSON.stringify(seconds(machine)) === JSON.stringify(wanted),
  );
}

/** A link of the machine. */
const linked = (machine: Container, link: string): string => readlinkSync(machine.path(link));

/** A link below /run, which is not in the overlay. */
async function linkedNow(machine: Container, link: string): Promise<string> {
  return (await machine.run("readlink", link)).stdout.trim();
}

/** Runs a command of `shepherd system` that must succeed; what it printed. */
async function ok(machine: Container, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await machine.system(...args);
  assert.equal(status, 0, `shepherd system ${args.join(" ")}: ${stdout}${stderr}\n${machine.explain()}`);
  return stdout;
}

async function booted(scope: Scope, services: readonly string[], more = ""): Promise<Container> {
  const machine = await makeContainer(scope);
  machine.write(file, systemOf(services, more));
  await machine.boot(file);
  return machine;
}

const kept = sleeper("kept", 1_000_001);
const first = [kept, sleeper("changed", 1_000_002), sleeper("gone", 1_000_003)];
const second = [kept, sleeper("changed", 1_000_012), sleeper("added", 1_000_004)];

it("a system is changed while it runs, rolled back, and booted again", { skip }, async (t) => {
  const machine = await booted(t, first);
  await untilSleeping(machine, 1_000_001, 1_000_002, 1_000_003);
  const before = sleeping(machine);
  const system = linked(machine, `${state}/generations/system-1`).replace("..", state);
  assert.match(system, /^\/var\/lib\/shepherd\/systems\/[0-9a-f]{32}-system$/);
  assert.equal(linked(machine, `${state}/system`), "generations/system-1");
  assert.equal(await linkedNow(machine, "/run/current-system"), system);
  assert.equal(await linkedNow(machine, "/run/booted-system"), system);

  machine.write(
    file,
    systemOf([
      ...second,
      'simpleService("place", activationServiceType, [{ name: "place", steps: [directoryStep("/srv/place", { mode: 0o711 })] }])',
    ]),
  );
  const plan =
    "to be unloaded: gone\nto be started: added host-name user-homes\n" +
    "to be replaced when they are restarted: kept changed user-processes root-file-system file-systems\n";
  const sorted = (text: string): string =>
    text
      .split(/(?<=: )|\n| /)
      .sort()
      .join("\n");
  const dry = await ok(machine, "reconfigure", "--dry-run", file);
  assert.equal(sorted(dry), sorted(plan));
  assert.deepEqual(readdirSync(machine.path(`${state}/generations`)), ["system-1"]);
  assert.equal(readdirSync(machine.path(`${state}/systems`)).length, 1);
  assert.deepEqual(sleeping(machine), before);

  const done = await ok(machine, "reconfigure", file);
  assert.ok(done.startsWith(dry), done);
  assert.match(done, /^To complete the upgrade, run 'herd restart SERVICE' to stop, upgrade, and restart /m);
  assert.match(done, /^Run 'herd status' to view the list of services on your system\.$/m);
  await untilSleeping(machine, 1_000_001, 1_000_002, 1_000_004);
  for (const one of [1_000_001, 1_000_002]) assert.equal(sleeping(machine).get(one), before.get(one));
  assert.match((await machine.herd("status", "gone")).stderr, /service 'gone' could not be found/);
  assert.equal(statSync(machine.path("/srv/place")).mode & 0o777, 0o711);
  assert.match(linked(machine, `${state}/system`), /system-2$/);
  assert.notEqual(await linkedNow(machine, "/run/current-system"), system);
  assert.equal(await linkedNow(machine, "/run/booted-system"), system);
  await machine.herd("restart", "changed");
  await untilSleeping(machine, 1_000_001, 1_000_004, 1_000_012);

  // Nothing is left to do but for what waits for a restart, and what runs once runs again.
  assert.doesNotMatch(
    await ok(machine, "reconfigure", file),
    /unloaded|^to be started: .*(?:added|kept|changed)/m,
  );
  assert.equal(readdirSync(machine.path(`${state}/generations`)).length, 2);

  assert.match(await ok(machine, "roll-back"), /to be unloaded: added\n/);
  await untilSleeping(machine, 1_000_001, 1_000_003, 1_000_012);
  assert.match(linked(machine, `${state}/system`), /system-1$/);
  assert.equal(await linkedNow(machine, "/run/current-system"), system);
  assert.match(await ok(machine, "describe"), /^Generation 1\t.*\(current, running, booted\)$/m);
  assert.match((await machine.system("roll-back")).stderr, /error: there is no generation before 1$/m);
  assert.match(await ok(machine, "switch-generation", "2"), /to be unloaded: gone\n/);
  await untilSleeping(machine, 1_000_001, 1_000_004, 1_000_012);

  assert.deepEqual(await machine.stop(), { code: 0, signal: null });
  await machine.boot(`${state}/system`);
  await untilSleeping(machine, 1_000_001, 1_000_004, 1_000_012);
  assert.match(machine.stderr, /booting generation 2,/);
});

it("what the supervisor runs outlives the system directory, its own death and its restart", {
  skip,
}, async (t) => {
  const machine = await booted(t, first);
  machine.write(file, systemOf(second));
  await ok(machine, "reconfigure", file);
  machine.write(file, systemOf(first));
  await ok(machine, "reconfigure", file);
  await untilSleeping(machine, 1_000_001, 1_000_002, 1_000_003);
  const before = sleeping(machine);
  // The second system goes, and with it the module that services still run by. The first was booted, and stays.
  assert.equal(await ok(machine, "delete-generations"), "deleted generation 1\ndeleted generation 2\n");
  assert.equal(readdirSync(machine.path(`${state}/systems`)).length, 1);
  const old = machine
    .processes()
    .find(
      ({ command }) =>
        command[0] === process.execPath && command.some((word) => word.endsWith("/shepherd.cjs")),
    );
  assert.ok(old !== undefined);
  process.kill(old.pid, "SIGKILL");
  await machine.waitFor("another supervisor has taken over", () => /was started anew/.test(machine.stdout));
  assert.match((await machine.herd("status", "kept")).stdout, /running/);
  assert.equal((await machine.herd("restart", "root")).status, 0);
  await machine.waitFor(
    "the next supervisor has taken over",
    () => (machine.stdout.match(/was started anew/g) ?? []).length === 2,
  );
  assert.match((await machine.herd("status", "kept")).stdout, /running/);
  assert.deepEqual(sleeping(machine), before);
  assert.doesNotMatch(machine.stdout, /"level":50/);
});

it("a broken system leaves the machine as it was, and the former one is booted instead", {
  skip,
}, async (t) => {
  const machine = await booted(t, [kept]);
  machine.write(file, systemOf([sleeper("kept", 1, 'requirement: ["nothing"]')]));
  const mistake = new RegExp(
    `error: ${file}:\\d+:\\d+: service 'kept' requires 'nothing', which is not provided`,
  );
  for (const args of [["--dry-run", file], [file]]) {
    const { status, stdout, stderr } = await machine.system("reconfigure", ...args);
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, mistake);
  }
  assert.deepEqual(readdirSync(machine.path(`${state}/generations`)), ["system-1"]);
  await machine.stop();
  await machine.boot(file);
  await untilSleeping(machine, 1_000_001);
  assert.match(machine.stderr, mistake);
  assert.match(
    machine.stderr,
    /\*\*\* \/etc\/system\.ts CANNOT BE BOOTED\. Generation 1, of .*, is booted instead\. \*\*\*/,
  );

  await machine.stop();
  rmSync(machine.path(state), { recursive: true });
  machine.start(`${project.bin}/shepherd`, "system", "boot", file);
  assert.deepEqual(await machine.waitForEnd(), { code: 1, signal: null });
  assert.match(machine.stderr, mistake);
  assert.deepEqual(readdirSync(machine.path(state)), ["lock"]);
});

it("a configuration that ends the process is no boot that has succeeded", { skip }, async (t) => {
  const machine = await booted(t, [kept]);
  await machine.stop();
  machine.write(file, `process.exit(0);\n${systemOf([kept])}`);
  await machine.boot(file);
  await untilSleeping(machine, 1_000_001);
  assert.match(machine.stderr, /error: \/etc\/system\.ts:1:9: Error: the module calls process\.exit\(0\)/);
  assert.match(machine.stderr, /CANNOT BE BOOTED\. Generation 1,/);
});

it("without /proc nothing is activated, and why is said", { skip }, async (t) => {
  const machine = await makeContainer(t);
  machine.write(file, systemOf([kept]));
  machine.start("/bin/sh", "-c", `umount /proc && exec ${project.bin}/shepherd system boot ${file}`);
  assert.deepEqual(await machine.waitForEnd(), { code: 1, signal: null }, machine.explain());
  assert.match(machine.stderr, /error: \/proc\/self\/fd: not there; mount a proc file system on \/proc$/m);
});

it("what cannot be loaded leaves the former system in use, and what was unloaded comes back", {
  skip,
}, async (t) => {
  const machine = await booted(t, first);
  await untilSleeping(machine, 1_000_001, 1_000_002, 1_000_003);
  machine.write(
    file,
    `${systemOf(second)}
     if (Reflect.get(globalThis, Symbol.for("shepherd-ts.building")) !== true) throw new Error("only here");\n`,
  );
  const { status, stderr } = await machine.system("reconfigure", file);
  assert.equal(status, 1);
  assert.match(stderr, /only here/);
  assert.match(stderr, /error: the system could not be brought into use, and the former one stays$/m);
  await untilSleeping(machine, 1_000_001, 1_000_002, 1_000_003);
  assert.equal(linked(machine, `${state}/system`), "generations/system-1");
  assert.equal(
    await linkedNow(machine, "/run/current-system"),
    linked(machine, `${state}/generations/system-1`).replace("..", state),
  );
});

it("a service that does not start, and a snippet that fails, are named, and the rest is done", {
  skip,
}, async (t) => {
  const machine = await booted(t, [kept]);
  const failing = `simpleService("failing", shepherdRootServiceType, [
    shepherdService({ provision: ["failing"], start: makeForkexecConstructor(["/nonexistent"]) }),
    shepherdService({ provision: ["behind"], requirement: ["failing"], start: makeForkexecConstructor(["/bin/sleep", "2"]) }),
  ])`;
  const snippet = `simpleService("snippet", activationServiceType, [
    { name: "trouble", steps: [runStep(["/bin/sh", "-c", "echo oh no; exit 3"])] },
  ])`;
  machine.write(file, systemOf([kept, sleeper("added", 1_000_004), failing, snippet]));
  const { status, stderr } = await machine.system("reconfigure", file);
  assert.equal(status, 1);
  assert.match(stderr, /oh no/);
  assert.match(stderr, /error: these have failed: trouble, .*$/m);
  for (const name of ["failing", "behind"])
    assert.match(stderr, new RegExp(`these have failed:.* ${name}\\b`));
  await untilSleeping(machine, 1_000_001, 1_000_004);
  await machine.stop();
  await machine.boot(file);
  await untilSleeping(machine, 1_000_001, 1_000_004);
  assert.match(machine.stderr, /error: these have failed, and services are started all the same: trouble$/m);
});

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
] as const)
  it(`${signal} ends a boot that is still activating`, { skip }, async (t) => {
    const machine = await makeContainer(t);
    const slow = `simpleService("slow", activationServiceType, [
      { name: "slow", steps: [runStep(["/bin/sleep", "1000009"])] },
    ])`;
    machine.write(file, systemOf([kept, slow]));
    machine.start(`${project.bin}/shepherd`, "system", "boot", file);
    await untilSleeping(machine, 1_000_009);
    const begin = performance.now();
    process.kill(machine.init(), signal);
    assert.deepEqual(await machine.waitForEnd(), { code, signal: null });
    assert.ok(performance.now() - begin < 5000);
  });

it("an operating system is not loaded, and what to do instead is told", { skip }, async (t) => {
  const machine = await booted(t, [kept]);
  const { status, stderr } = await machine.herd("load", "root", file);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /this is an operating system, which is not loaded but booted: run 'shepherd system boot/,
  );
});

it("a supervisor that runs no system is left alone", { skip }, async (t) => {
  const machine = await makeContainer(t);
  machine.write(
    "/etc/plain.ts",
    'import { service } from "shepherd-ts";\nexport const services = [service(["plain"])];\n',
  );
  machine.write(file, systemOf([kept]));
  machine.start(`${project.bin}/shepherd`, "--config=/etc/plain.ts");
  await machine.waitFor("it is ready", () => /successfully loaded/.test(machine.stdout));
  const { status, stderr } = await machine.system("reconfigure", file);
  assert.equal(status, 1);
  assert.match(stderr, /error: the supervisor runs no system/);
  assert.match((await machine.herd("status", "plain")).stdout, /plain/);
});

it("a directory is booted without a compiler, and what the supervisor is told is handed on", {
  skip,
}, async (t) => {
  const machine = await makeContainer(t);
  machine.write(file, systemOf([kept]));
  const built = "/srv/built";
  machine.start(`${project.bin}/shepherd`, "system", "build", "--output", built, file);
  assert.deepEqual(await machine.waitForEnd(), { code: 0, signal: null }, machine.explain());
  assert.equal(machine.stdout, `${built}\n`);
  rmSync(machine.path(file));
  rmSync(machine.path(join(project.dist, "compile.cjs")));
  await machine.boot("--log-format", "text", built, "--", "/bin/sh", "-c", "sleep 1000005; exit 7");
  await machine.waitFor(
    "both sleep",
    () => machine.processes().filter(({ command }) => command[0]?.endsWith("sleep")).length === 2,
  );
  assert.match(machine.stdout, /^\d{4}-\d\d-\d\d .* shepherd-ts /m);
  // It is a copy that runs.
  assert.match(await linkedNow(machine, "/run/current-system"), /^\/var\/lib\/shepherd\/systems\//);
  // The command is no part of the system, and stays.
  machine.write(file, systemOf([sleeper("added", 1_000_004)]));
  assert.match(await ok(machine, "reconfigure", file), /^to be unloaded: kept$/m);
  const sleep = machine.processes().find(({ command }) => command[1] === "1000005");
  process.kill(sleep?.pid ?? 0, "SIGKILL");
  assert.deepEqual(await machine.waitForEnd(), { code: 7, signal: null });
});

it("what fits nowhere is said, and leaves nothing", { skip }, async (t) => {
  const machine = await makeContainer(t);
  machine.write(file, systemOf([kept], `issue: "x".repeat(3_000_000)`));
  machine.start(
    ...([
      "/bin/sh",
      "-c",
      `mkdir -p ${state} && mount -t tmpfs -o size=1m small ${state} &&
      ! ${project.bin}/shepherd system build ${file} && find ${state}`,
    ] as const),
  );
  assert.deepEqual(await machine.waitForEnd(), { code: 0, signal: null }, machine.explain());
  assert.match(machine.stderr, /error: cannot write the system .*: no space left on device$/m);
  assert.equal(machine.stdout, `${state}\n${state}/systems\n`);
});

it("builds at the same time give the same system, once", { skip }, async (t) => {
  const machine = await makeContainer(t);
  machine.write(file, systemOf([kept]));
  const build = `${project.bin}/shepherd system build ${file}`;
  machine.start("/bin/sh", "-c", `for i in 1 2 3 4; do ${build} & done; wait`);
  assert.deepEqual(await machine.waitForEnd(), { code: 0, signal: null }, machine.explain());
  assert.equal(machine.stderr, "");
  const built = machine.stdout.trim().split("\n");
  assert.equal(built.length, 4);
  assert.equal(new Set(built).size, 1);
  assert.equal(readdirSync(machine.path(`${state}/systems`)).length, 1);
});
