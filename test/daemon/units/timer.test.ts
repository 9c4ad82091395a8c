// Timer units over a fake keeper and a clock that the tests set.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { serviceStatus } from "../../../src/daemon/control/status.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import type { UnitTimerState } from "../../../src/daemon/units/timer-plan.js";
import { isUnitTimer } from "../../../src/daemon/units/timer-view.js";
import { client, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";
import { Clock, day, hour } from "../timers/support.js";
import { dataOf, next, started, triggered, unitDefinition } from "./triggering.js";

const noon = "2026-11-21T12:00:00Z";
const alarm = "timer/job.timer";
const steady = "timer-monotonic/job.timer";

function stateOf({ system }: TestSystem): UnitTimerState {
  const { value } = system.registry.get("job.timer").state;
  assert.ok(isUnitTimer(value), JSON.stringify(value));
  return value;
}

interface Bed {
  readonly clock: Clock;
  readonly definitions: readonly ServiceDefinition[];
  readonly parts: { readonly instant: Clock["instant"]; readonly stateDirectory: string };
  readonly starts: () => number;
}

/** @param options of the service that the timer starts, a one-shot otherwise */
function bed(context: TestContext, lines: string, options: Partial<ServiceDefinition> = {}): Bed {
  const stateDirectory = mkdtempSync(join(tmpdir(), "shepherd-timers-"));
  context.after(() => rmSync(stateDirectory, { recursive: true, force: true }));
  const clock = new Clock(noon);
  let count = 0;
  const start = (): true => {
    count += 1;
    return true;
  };
  const job = triggered("job.service", { oneShot: true, retryable: true, start, ...options });
  const timer = unitDefinition(dataOf("job.timer", `[Timer]\n${lines}\n`));
  return {
    clock,
    definitions: [timer, job],
    parts: { instant: clock.instant, stateDirectory },
    starts: () => count,
  };
}

async function fire(test: TestSystem, id = alarm): Promise<void> {
  test.keeper.fire(id);
  await settle();
}

const armed = ({ keeper }: TestSystem, id = alarm): number | undefined => {
  const at = keeper.timers.get(id)?.at;
  return at === undefined ? undefined : Number(at / 1_000_000n);
};

test("it starts its unit at each time of its calendar, as often as that is over by then", async (context) => {
  const { clock, definitions, parts, starts } = bed(context, "OnCalendar=hourly UTC");
  const one = await started(definitions, "job.timer", parts);
  assert.equal(armed(one), Date.parse("2026-11-21T13:00:00Z"));
  for (const count of [1, 2, 3]) {
    clock.pass(hour);
    await fire(one);
    await waitFor("it has run", () => starts() === count && armed(one) !== undefined);
    assert.equal(armed(one), Date.parse(noon) + (count + 1) * hour * 1000);
  }
  assert.ok(one.lines.includes("Timer 'job.timer' starts service job."), one.lines.join("\n"));
});

test("while its unit runs nothing elapses; what was missed is made up for when that is down", async (context) => {
  const { clock, definitions, parts } = bed(context, "OnCalendar=hourly UTC", { oneShot: false });
  const one = await started(definitions, "job.timer", parts);
  clock.pass(hour);
  await fire(one);
  assert.deepEqual([stateOf(one).phase, armed(one)], ["running", undefined]);
  clock.pass(3 * hour);
  await one.system.supervisor.stop("job", [], client());
  await waitFor("it runs again", () => one.system.registry.get("job").state.status === "running");
});

test("a monotonic time elapses once, and the timer stays, or ends where it is told to", async (context) => {
  for (const [more, status] of [
    ["", "running"],
    ["RemainAfterElapse=no", "stopped"],
  ] as const) {
    const { clock, definitions, parts, starts } = bed(context, `OnActiveSec=90\n${more}`);
    const one = await started(definitions, "job.timer", parts);
    assert.equal(armed(one, steady), clock.instant().monotonic + 90_000);
    clock.pass(90);
    await fire(one, steady);
    await waitFor("it has run", () => starts() === 1);
    await waitFor("it is over", () => one.system.registry.get("job.timer").state.status === status);
    await settle();
    assert.deepEqual([armed(one), armed(one, steady)], [undefined, undefined]);
  }
});

test("it comes again so long after its unit's start, whoever has started that", async (context) => {
  const { clock, definitions, parts, starts } = bed(context, "OnUnitActiveSec=10min");
  const one = await started(definitions, "job.timer", parts);
  assert.equal(stateOf(one).phase, "elapsed");
  clock.pass(60);
  await one.system.supervisor.start("job", [], client());
  await waitFor("it waits", () => armed(one, steady) !== undefined);
  clock.pass(hour);
  await fire(one, steady);
  await waitFor("it has run again", () => starts() === 2);
});

test("persistent times that were missed are made up for, and the last one is kept", async (context) => {
  const { clock, definitions, parts, starts } = bed(context, "OnCalendar=daily UTC\nPersistent=yes");
  const stamp = join(parts.stateDirectory, "timers", "job.timer.stamp");
  const one = await started(definitions, "job.timer", parts);
  await waitFor(
    "there is a stamp",
    () => existsSync(stamp) && readFileSync(stamp, "utf8").startsWith("2026-11-21T12:00"),
  );
  assert.equal(starts(), 0);
  await one.system.supervisor.stop("job.timer", [], client());
  writeFileSync(stamp, "2026-11-19T00:00:00.000Z\n");
  clock.pass(1);
  await one.system.supervisor.start("job.timer", [], client());
  await waitFor("it has run", () => starts() === 1);
  await waitFor("the stamp is new", () => readFileSync(stamp, "utf8").startsWith("2026-11-21T12:00:01"));
});

test("the next daemon goes on where the last one was, whichever frame was its last", async (context) => {
  const { clock, definitions, parts, starts } = bed(context, "OnCalendar=hourly UTC");
  const one = await started(definitions, "job.timer", parts);
  const before = one.keeper.instants.length;
  clock.pass(hour);
  await fire(one);
  await waitFor("it waits again", () => starts() === 1 && armed(one) !== undefined);
  await settle();
  const { instants } = one.keeper;
  for (let index = before; index < instants.length; index += 1) {
    const sofar = starts();
    const after = testSystem(definitions, one.keeper.at(index), undefined, parts);
    await waitFor(`it waits after "${instants[index]}"`, () => {
      const { phase, trigger } = stateOf(after);
      return (
        phase === "waiting" && trigger !== undefined && armed(after) === Date.parse(noon) + 2 * hour * 1000
      );
    });
    assert.ok(starts() <= sofar + 1, `once after "${instants[index]}"`);
  }
});

test("a fixed random delay is the same each time, and within its bounds", async (context) => {
  const { definitions, parts } = bed(
    context,
    "OnCalendar=daily UTC\nRandomizedDelaySec=12h\nFixedRandomDelay=yes",
  );
  const alarms: (number | undefined)[] = [];
  for (let count = 0; count < 2; count += 1) {
    const one = await started(definitions, "job.timer", parts);
    await waitFor("it is armed", () => armed(one) !== undefined);
    alarms.push(armed(one));
  }
  const [first = 0, second] = alarms;
  const midnight = Date.parse("2026-11-22T00:00:00Z");
  assert.equal(first, second);
  assert.ok(first >= midnight && first < midnight + (day * 1000) / 2);
});

test("the setting of the clock elapses it where it is told to, and has it look again otherwise", async (context) => {
  const { definitions, parts, starts } = bed(context, "OnClockChange=yes\nOnCalendar=hourly UTC");
  const one = await started(definitions, "job.timer", parts);
  one.keeper.emit({ type: "clock-was-set" });
  await waitFor("it has run", () => starts() === 1);
  const other = bed(context, "OnCalendar=hourly UTC");
  const two = await started(other.definitions, "job.timer", other.parts);
  other.clock.set(-2 * hour);
  two.keeper.emit({ type: "clock-was-set" });
  await waitFor("it waits for the next hour", () => armed(two) === Date.parse("2026-11-21T11:00:00Z"));
});

test("it does not start without its unit, and tells when it elapses next", async (context) => {
  const { definitions, parts } = bed(context, "OnCalendar=hourly UTC");
  const lonely = testSystem(definitions.slice(0, 1), fakeKeeper(), undefined, parts);
  assert.equal(await lonely.system.supervisor.start("job.timer", [], client()), false);
  const one = await started(definitions, "job.timer", parts);
  const controller = one.system.registry.get("job.timer");
  await waitFor("the arithmetic is there", () => controller.alarms(1).length === 1);
  const logs = { recent: async () => [], files: () => [], trouble: () => undefined };
  const { running, extra } = await serviceStatus(controller, { logs, registry: one.system.registry });
  assert.deepEqual(
    extra.get("upcoming-alarms"),
    [13, 14, 15, 16, 17].map((at) => Date.parse(`2026-11-21T${at}:00:00Z`) / 1000),
  );
  assert.ok(running?.type === "timer" && running.action !== "procedure");
  assert.deepEqual(running.action.arguments, ["herd", "start", "job"]);
});

test("a stop disarms it, and the next daemon leaves it stopped", async (context) => {
  const { definitions, parts } = bed(context, "OnCalendar=hourly UTC\nOnActiveSec=90");
  const one = await started(definitions, "job.timer", parts);
  await one.system.supervisor.stop("job.timer", [], client());
  await settle();
  assert.deepEqual([armed(one), armed(one, steady)], [undefined, undefined]);
  const two = await next(one, definitions, parts);
  assert.equal(two.system.registry.get("job.timer").state.status, "stopped");
});
