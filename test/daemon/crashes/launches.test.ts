// Services that come into being by being started: with the daemon killed at every instant they are there and started, or
// gone without a trace.

import assert from "node:assert/strict";
import { test } from "node:test";
import { launcher } from "../../../src/daemon/launch.js";
import type { System } from "../../../src/daemon/system.js";
import { program, type Scenario, servicesOf, sweep } from "../../support/crashes.js";
import { client, definition, fakeKeeper, type TestSystem, testSystem } from "../../support/system.js";

const job = program("job", { transient: true, requirement: ["base"] });
const launch = ({ system }: TestSystem): Promise<unknown> => launcher(system).launch(job, client());
/** As a daemon that takes over: what nothing defines is known from its note. */
const prepare = (system: System): void => system.registerNoted("which is lost");
const left = (one: TestSystem): unknown => ({
  services: servicesOf(one),
  notes: [...one.keeper.notes.keys()].filter((key) => key.includes("/job")),
});

const failure = { stage: "exec", errno: 2, text: "/bin/job" } as const;

const scenarios: Readonly<Record<string, Scenario>> = {
  "a launch": {
    definitions: [program("base")],
    prepare,
    act: launch,
    ends: { base: "running", job: "running" },
  },
  "a launch of a program that cannot be executed": {
    definitions: [program("base")],
    prepare,
    keeper: {
      onSpawn: ({ id }, keeper) => {
        if (id.startsWith("job")) keeper.end(id, { failure });
        else keeper.started(id);
      },
    },
    act: launch,
    ends: { base: "running" },
    look: left,
  },
  "a launch whose requirement fails": {
    definitions: [
      definition("base", {
        start: () => {
          throw new Error("refused");
        },
      }),
    ],
    prepare,
    act: launch,
    ends: { base: "stopped" },
    look: left,
  },
  "the stop of what a launched service requires": {
    definitions: [program("base")],
    prepare,
    before: launch,
    act: ({ system }) => system.supervisor.stop("base", [], client()),
    // Killed before their own turns came, that they were to be stopped is known to who asked.
    ends: {},
  },
};

for (const [name, scenario] of Object.entries(scenarios))
  test(`${name} comes to its end whenever the daemon dies`, () => sweep(scenario));

test("what failed has left nothing, and a name that is taken is refused", async () => {
  const one = testSystem([program("base")], fakeKeeper());
  const { launch: begin, unusedName } = launcher(one.system);
  assert.equal(await begin(job, client()), true);
  await assert.rejects(begin(job, client()), /^Error: service 'job' exists already$/);
  assert.equal(unusedName("job"), "job-1");
  assert.notEqual(unusedName("job"), "job-1");
  await one.system.supervisor.stop("job", [], client());
  assert.deepEqual(servicesOf(one), ["base running"]);
  assert.equal(await begin(job, client()), true);
  one.system.supervisor.goDown();
  await assert.rejects(begin(program("late", { transient: true }), client()), /shepherd is being stopped/);
});
