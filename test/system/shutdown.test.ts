// How a system ends: at once everywhere, in bounded time, dependents first.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { processesOf } from "../support/processes.js";

it("100 services that ignore TERM are killed side by side after one grace period", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `...Array.from({ length: 100 }, (_, index) => service(["stubborn" + index], {
         start: ${shell("trap '' TERM; exec sleep 1000000")},
         stop: makeKillDestructor({ gracePeriod: 1 }),
       }))`,
    ]),
  });
  const sleeping = (): number => system.processes().filter(({ command }) => command[0] === "sleep").length;
  await system.waitFor("all of them ignore TERM", () => sleeping() === 100);
  // A start that is cancelled has another grace period.
  await system.waitForLog(/Successfully started 100 services/);
  const begin = Date.now();
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  const seconds = (Date.now() - begin) / 1000;

  assert.ok(seconds >= 1, "the grace period was given");
  assert.ok(seconds < 10, `took ${seconds} s; one after the other it would be 100`);
  const kills = [
    ...system.log().matchAll(/^(\S+ \S+) .*Grace period of 1 seconds? is over; sending -\d+ SIGKILL/gm),
  ];
  assert.equal(kills.length, 100);
});

it("dependents are stopped before what they depend on", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("base"),
      sleeper("middle", 'requirement: ["base"]'),
      sleeper("top", 'requirement: ["middle"]'),
    ]),
  });
  await system.untilStatus("top", "running");
  await system.stop();
  const order = ["top", "middle", "base"].map((name) =>
    system.log().lastIndexOf(`Stopping service ${name}...`),
  );
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  assert.ok((order[0] ?? -1) >= 0);
});

it("services whose supervisor is killed as they are told to end are told once, and not started again", async (t) => {
  const count = 8;
  // Half of them live on until the next supervisor is there.
  const script = (index: number): string =>
    [
      `trap 'echo term >>told; read -r daemon <daemon; kill -9 "$daemon" 2>/dev/null; sleep ${index % 2}; exit' TERM`,
      "echo start >>started",
      "while :; do sleep 0.1; done",
    ].join("; ");
  const system = await bootSystem(t, {
    config: configuration(
      Array.from({ length: count }, (_, index) => {
        const start = shell(script(index), "{ directory: import.meta.dirname }");
        const fields = "stop: makeKillDestructor(), respawn: true, respawnDelay: 0, respawnLimit: false";
        return `service(["s${index}"], { start: ${start}, ${fields} })`;
      }),
    ),
  });
  const lines = (file: string): number =>
    existsSync(system.path(file)) ? system.read(file).split("\n").length - 1 : 0;
  await system.waitFor("all of them wait", () => lines("started") === count);
  await system.waitForLog(/Successfully started 8 services/);
  const daemon = system.processes().find(({ pid }) => pid === system.daemon())?.inner;
  writeFileSync(system.path("daemon"), `${daemon}\n`);
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  assert.match(
    system.log(),
    /The supervisor died[\s\S]*Exiting shepherd/,
    "the supervisor was killed in between",
  );
  assert.deepEqual([lines("told"), lines("started")], [count, count], system.explain());
});

it("nothing is started while the system goes down", async (t) => {
  const system = await bootSystem(t, {
    config: configuration(
      [
        'service(["slow"], { start: () => true, stop: () => new Promise(() => {}) })',
        sleeper("late", "autoStart: false"),
      ],
      "",
      "shutdownTimeout: 3",
    ),
  });
  await system.untilStatus("slow", "running");
  const stopping = system.herd("stop", "root");
  await system.untilStatus("slow", "stopping");
  const late = await system.herd("start", "late");
  assert.equal(late.status, 1);
  assert.doesNotMatch(system.log(), /Service late started/);
  await system.waitForEnd();
  await stopping;
});

it("a process that belongs to no service is ended too", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["leaves"], { autoStart: false, start: ${shell("env -i setsid sleep 1000000 & exit 0")} })`,
      sleeper("other"),
    ]),
  });
  await system.untilStatus("other", "running");
  await system.herd("start", "leaves");
  const namespace = system.namespace();
  assert.ok(namespace !== undefined);
  await system.stop();
  assert.deepEqual(processesOf(namespace), []);
});

it("outside PID 1 nothing of ours is left either", async (t) => {
  // The shell that is PID 1 there tells what it sees once the keeper is gone.
  const system = await bootSystem(t, {
    config: configuration([
      `service(["escape"], { start: ${shell("(setsid sleep 1000001 &); exec sleep 1000000")}, stop: makeKillDestructor() })`,
    ]),
    init: false,
    afterKeeper: "cat /proc/[0-9]*/comm",
  });
  await system.untilStatus("escape", "running");
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  const [, left] = system.stdout.split(/Exiting\.\n/);
  assert.equal(left, "sh\n");
});
