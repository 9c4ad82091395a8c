// Services in cgroups of their own, on a real cgroup2: what is in them, how they end, and that none is left.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { findCgroups, inside, makeTestCgroup } from "../support/cgroups.js";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem, type Scope, type System } from "../support/harness.js";

const found = findCgroups();
const skip = typeof found === "string" ? found : false;
const parent = typeof found === "string" ? "" : found.directory;

/** Nothing of it ends by TERM, and its children are in sessions of their own and have lost their mark. */
const stubborn = (then: string): string =>
  `trap '' TERM; env -i setsid sh -c 'trap "" TERM; sleep 1000000; :' & ${then}`;

const config = configuration([
  `service(["stubborn"], { start: ${shell(stubborn("sleep 1000000; :"))}, stop: makeKillDestructor({ gracePeriod: 0.2 }) })`,
  // Its leader ends at once when it is told to: what is left must be ended by whoever goes on with the stop.
  `service(["parted"], { start: ${shell(stubborn("trap 'exit 0' TERM; sleep 1000000 & wait"))}, stop: makeKillDestructor({ gracePeriod: 2 }), autoStart: false })`,
  `service(["limited"], { start: ${shell("exec sleep 1000000")}, cgroup: { memoryMax: "64M" } })`,
  `service(["outside"], { start: ${shell("exec sleep 1000000")}, cgroup: false })`,
  `service(["once"], { start: makeSystemConstructor("cat /proc/self/cgroup"), oneShot: true })`,
  `service(["leaving"], { start: makeSystemConstructor("setsid sleep 1000000 &"), oneShot: true, autoStart: false })`,
  `service(["crashing"], { start: ${shell("env -i setsid sleep 1000000 & sleep 0.2; exit 3")}, autoStart: false })`,
]);

describe("a system that has a cgroup", { skip }, () => {
  interface Booted {
    readonly system: System;
    readonly cgroup: string;
    /** The numbers of the processes in the cgroup of a service; undefined where it has none. */
    members(service: string): readonly string[] | undefined;
    /** The services that have one. */
    services(): readonly string[];
  }

  const boot = async (scope: Scope, through = inside): Promise<Booted> => {
    const cgroup = makeTestCgroup(scope, parent);
    const system = await bootSystem(scope, { config, through: through(cgroup) });
    const list = join(cgroup, "services");
    return {
      system,
      cgroup,
      members: (service) => processesIn(join(list, `${service}.service`)),
      services: () =>
        readdirSync(list, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => name),
    };
  };

  it("gives each service one, which goes when the service has stopped, and all of it with it", async (t) => {
    const { system, cgroup, members, services } = await boot(t);
    assert.deepEqual(processesIn(cgroup), []);
    assert.ok(processesIn(join(cgroup, "shepherd"))?.includes(String(system.keeper())));
    assert.match(await system.ok("status", "root"), new RegExp(`^  Cgroups: ${cgroup} \\(`, "m"));
    assert.match(await system.ok("status", "stubborn"), /^ {2}CPU: \d+\.\d s$/m);
    assert.match(system.log(), /0::\S*\/services\/once.service/);
    await system.waitFor("the one-shot's cgroup is gone", () => members("once") === undefined);
    assert.equal(members("outside"), undefined);

    await system.waitFor("all of it runs", () => members("stubborn")?.length === 4);
    await system.ok("stop", "stubborn");
    await system.waitFor("its cgroup is gone", () => members("stubborn") === undefined);
    await system.ok("start", "leaving");
    // What a one-shot leaves running on purpose runs, and its cgroup goes with it.
    const [left] = members("leaving") ?? [];
    assert.ok(left !== undefined);
    process.kill(Number(left));
    await system.waitFor("that cgroup is gone", () => members("leaving") === undefined);
    await system.stop();
    assert.deepEqual(services(), []);
  });

  it("signals each process once when the system goes down, in order, though the daemon dies meanwhile", async (t) => {
    const deaf = (name: string): string =>
      `service(["${name}"], { start: ${shell(
        `trap 'echo ${name} >> {directory}/signals' TERM; while :; do sleep 0.05; done`,
      )}, stop: makeKillDestructor({ gracePeriod: 1 }) })`;
    const polite = (name: string, requirement: string): string =>
      `service(["${name}"], { requirement: ${requirement}, start: ${shell(
        `trap 'echo ${name} >> {directory}/order; exit' TERM; while :; do sleep 0.05; done`,
      )} })`;
    const names = ["a", "b", "c", "d"];
    const system = await bootSystem(t, {
      config: configuration([
        ...names.map(deaf),
        polite("base", "[]"),
        polite("middle", '["base"]'),
        polite("top", '["middle"]'),
      ]),
      through: inside(makeTestCgroup(t, parent)),
    });
    for (const name of [...names, "top"]) await system.untilProcess(name);
    const stopping = system.herd("stop", "root");
    const signalled = (): string[] => system.read("signals").split("\n").filter(Boolean).sort();
    await system.waitFor("all are signalled", () => signalled().length >= names.length);
    await system.killDaemon();
    await system.waitForEnd();
    await stopping;
    assert.deepEqual(signalled(), names);
    assert.equal(system.read("order"), "top\nmiddle\nbase\n");
  });

  it("ends what a service leaves behind that ended by itself", async (t) => {
    const { system, members } = await boot(t);
    await system.ok("start", "crashing");
    await system.untilStatus("crashing", "stopped");
    await system.waitFor("its cgroup is gone", () => members("crashing") === undefined);
  });

  it("tells which limits do not hold, and starts all the same", async (t) => {
    const { system, cgroup } = await boot(t);
    if (/memory/.test(readFileSync(join(cgroup, "cgroup.controllers"), "utf8"))) return;
    const missing = /limits not applied: memory.max \(no memory controller here\)/i;
    assert.match(await system.ok("status", "limited"), missing);
    await system.ok("stop", "limited");
    assert.match(await system.ok("start", "limited"), missing);
    const reply = JSON.parse(await system.ok("status", "limited", "--json")) as unknown;
    assert.match(JSON.stringify(reply), /"resources":\{"cgroup":".*limited.service"/);
  });

  it("knows its cgroups after the supervisor's death, and ends in them what a dying one was ending", async (t) => {
    const { system, cgroup, members, services } = await boot(t);
    await system.ok("start", "parted");
    await system.waitFor("all of it runs", () => members("parted")?.length === 4);
    const before = members("parted") ?? [];
    const stopping = system.herd("stop", "parted");
    await system.waitFor("its leader is gone", () => members("parted")?.length === 2);
    // A service that is no more.
    mkdirSync(join(cgroup, "services", "forgotten.service"));
    await system.killDaemon();
    await stopping;
    await system.untilStatus("parted", "stopped");
    await system.waitFor("its cgroup is gone", () => members("parted") === undefined);
    assert.ok(before.every((pid) => !existsSync(`/proc/${pid}`)));
    await system.waitFor("so is that of no service", () => members("forgotten") === undefined);

    assert.equal(members("limited")?.length, 1);
    await system.ok("restart", "limited");
    assert.equal(members("limited")?.length, 1);
    await system.stop();
    assert.deepEqual(services(), []);
  });

  it("finds its own root where it is the root of a cgroup namespace", async (t) => {
    const mount = 'umount "$0" && mount -t cgroup2 none "$0" && exec "$@"';
    const through = (cgroup: string): readonly string[] => [
      ...inside(cgroup),
      ...["unshare", "--cgroup", "--mount", "--", "sh", "-c", mount, parent],
    ];
    const { system, members } = await boot(t, through);
    assert.match(await system.ok("status", "root"), new RegExp(`^  Cgroups: ${parent} \\(`, "m"));
    await system.waitFor("the service is in its cgroup", () => members("limited")?.length === 1);
    await system.stop();
  });

  it("leaves a cgroup alone that it shares", async (t) => {
    const system = await bootSystem(t, { config });
    assert.match(
      await system.ok("status", "root"),
      /^ {2}Cgroups: none \(.* is shared with processes of another/m,
    );
    assert.match(await system.ok("status", "limited"), /Limits not applied: memory.max \(no cgroups here: /);
    await system.ok("stop", "stubborn");
  });

  it("leaves a cgroup alone that another keeper has divided", async (t) => {
    const { system, cgroup, members } = await boot(t);
    // Where controllers are handed on, nobody else can come in.
    if (readFileSync(join(cgroup, "cgroup.subtree_control"), "utf8").trim() !== "") return;
    const second = await bootSystem(t, { config, through: inside(cgroup) });
    assert.match(await second.ok("status", "root"), /^ {2}Cgroups: none \(.* is shared with process/m);
    await second.ok("stop", "limited");
    assert.equal(members("limited")?.length, 1, system.explain());
  });

  it("has none where they cannot be written", async (t) => {
    const through = (cgroup: string): readonly string[] => [
      ...inside(cgroup),
      ...["unshare", "--mount", "--", "sh", "-c", 'mount -o remount,bind,ro "$0" && exec "$@"', parent],
    ];
    const cgroup = makeTestCgroup(t, parent);
    const system = await bootSystem(t, { config, through: through(cgroup) });
    assert.match(await system.ok("status", "root"), /^ {2}Cgroups: none \(.* is not writable: .*EROFS/m);
    await system.ok("stop", "stubborn");
  });
});

/** The processes right in a cgroup; undefined where there is no such cgroup any more. */
function processesIn(cgroup: string): readonly string[] | undefined {
  try {
    return readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
  } catch {
    return undefined;
  }
}
