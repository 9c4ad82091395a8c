// Timers over a fake keeper and a clock that the tests set.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { serviceStatus } from "../../../src/daemon/control/status.js";
import { service } from "../../../src/daemon/definition/service.js";
import { builtin, type Constructor } from "../../../src/daemon/definition/types.js";
import { frameLimit } from "../../../src/daemon/keeper/frame.js";
import { encodeNote } from "../../../src/daemon/notes-format.js";
import { installRuntime } from "../../../src/daemon/runtime.js";
import type { SystemParts } from "../../../src/daemon/system.js";
import { command, interval, makeTimerConstructor } from "../../../src/daemon/timers/builders.js";
import { calendarEvent } from "../../../src/daemon/timers/calendar/event.js";
import { onCalendar } from "../../../src/daemon/timers/calendar/on-calendar.js";
import { mostRuns } from "../../../src/daemon/timers/state.js";
import { encodeService } from "../../../src/protocol/service-status.js";
import { writeSexp } from "../../../src/protocol/sexp-writer.js";
import { deaths, rest, stateOf, until } from "../../support/crashes.js";
import {
  client,
  definition,
  fakeKeeper,
  kill,
  settle,
  type TestSystem,
  testSystem,
} from "../../support/system.js";
import { Clock, day, end, fire, hour, runs, start, timer, timerOf } from "./support.js";

const noon = "2026-11-21T12:00:00Z";
const hourly = calendarEvent({ minutes: [0], timeZone: "UTC" });
const job = command(["/bin/job", "an argument"], { user: "nobody", environmentVariables: ["SECRET=xyzzy"] });

interface Bed {
  readonly clock: Clock;
  readonly one: TestSystem;
  /** The daemon dies, and this is the next one. */
  next(): TestSystem;
}

async function bed(begin: Constructor, parts: Partial<SystemParts> = {}): Promise<Bed> {
  const clock = new Clock(noon);
  const definitions = [timer(begin)];
  const surroundings = { instant: clock.instant, ...parts };
  const one = testSystem(definitions, fakeKeeper(), undefined, surroundings);
  await start(one);
  const next = (): TestSystem => testSystem(definitions, one.keeper.successor(), undefined, surroundings);
  return { clock, one, next };
}

async function hours(count: number, { clock, one }: Bed): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    clock.pass(hour);
    await fire(one);
  }
}

const outcomes = (one: TestSystem): readonly unknown[] => timerOf(one).past.map(({ outcome }) => outcome);

test("the keeper is asked to tell at the very instant, by the clock on the wall", async () => {
  const { one } = await bed(makeTimerConstructor(hourly, job));
  const armed = one.keeper.timers.get("timer/tick");
  assert.equal(armed?.clock, "realtime");
  assert.equal(armed?.at, BigInt(Date.parse("2026-11-21T13:00:00Z")) * 1_000_000n);
});

test("an interval goes by the clock that nobody sets", async () => {
  const made = await bed(makeTimerConstructor(interval({ minutes: 1 }), job));
  assert.equal(made.one.keeper.timers.get("timer/tick")?.clock, "monotonic");
});

test("an alarm that comes too early is waited for again", async () => {
  const { one } = await bed(makeTimerConstructor(hourly, job));
  await fire(one);
  assert.deepEqual(runs(one), []);
  assert.ok(one.keeper.timers.has("timer/tick"));
});

test("the clock that is set is looked at, at once", async () => {
  const { one, clock } = await bed(makeTimerConstructor(hourly, job));
  clock.set(2 * hour);
  one.keeper.emit({ type: "clock-was-set" });
  await rest(one);
  assert.equal(runs(one).length, 1);
  clock.set(-365 * day);
  one.keeper.emit({ type: "clock-was-set" });
  await rest(one);
  assert.equal(
    one.keeper.timers.get("timer/tick")?.at,
    BigInt(Date.parse("2025-11-21T15:00:00Z")) * 1_000_000n,
  );
});

test("skip: what comes about while a run goes on is left out", async () => {
  const made = await bed(makeTimerConstructor(hourly, job));
  await hours(4, made);
  assert.equal(runs(made.one).length, 1);
  assert.equal(made.one.lines.filter((line) => line.includes("leaves out")).length, 1);
  await end(made.one);
  assert.deepEqual(runs(made.one), []);
  await hours(1, made);
  assert.equal(runs(made.one).length, 1);
});

test("queue: one run more begins when that one is over", async () => {
  const made = await bed(makeTimerConstructor(hourly, job, { overlap: "queue" }));
  await hours(4, made);
  const [first] = runs(made.one);
  await end(made.one);
  assert.equal(runs(made.one).length, 1);
  assert.notEqual(runs(made.one)[0], first);
  await end(made.one, 1);
  assert.deepEqual(runs(made.one), []);
  assert.deepEqual(outcomes(made.one), [256, 0]);
});

test("allow: runs go on side by side, up to a limit", async () => {
  const made = await bed(makeTimerConstructor(hourly, job, { waitForTermination: false }));
  await hours(mostRuns + 2, made);
  assert.equal(runs(made.one).length, mostRuns);
});

test("so many occurrences, and the service stops", async () => {
  const made = await bed(makeTimerConstructor(hourly, job, { occurrences: 2 }));
  await hours(1, made);
  await end(made.one);
  assert.equal(timerOf(made.one).remaining, 1);
  await hours(1, made);
  assert.equal(stateOf(made.one, "tick").status, "running");
  assert.ok(!made.one.keeper.timers.has("timer/tick"));
  await end(made.one);
  assert.equal(stateOf(made.one, "tick").status, "stopped");
  await start(made.one);
  assert.equal(timerOf(made.one).remaining, 2);
});

test("what is over while dependents are being stopped does not say that it runs", async () => {
  const clock = new Clock(noon);
  let stopped = (): void => undefined;
  const dependent = definition("dependent", {
    requirement: ["tick"],
    stop: () => new Promise<boolean>((resolve) => (stopped = () => resolve(false))),
  });
  const tick = timer(makeTimerConstructor(hourly, job, { occurrences: 1 }));
  const one = testSystem([tick, dependent], fakeKeeper(), undefined, { instant: clock.instant });
  await start(one);
  await one.system.supervisor.start("dependent", [], client());
  clock.pass(hour);
  await fire(one);
  one.keeper.end(runs(one)[0] ?? "", { code: 0 });
  await until("the dependent is being stopped", () => stateOf(one, "dependent").status === "stopping");
  assert.equal(one.system.registry.get("tick").trigger(), false);
  await settle();
  stopped();
  await rest(one);
  assert.equal(stateOf(one, "tick").status, "stopped");
});

test("an event without a further occurrence cannot be started", async () => {
  const past = onCalendar("2020-01-01");
  const { one } = await bed(makeTimerConstructor(past, job));
  assert.equal(stateOf(one, "tick").status, "stopped");
  assert.match(stateOf(one, "tick").failure ?? "", /no further occurrence/);
});

test("a run that cannot begin is one that failed", async () => {
  let fails = false;
  const made = await bed(makeTimerConstructor(hourly, job), {
    resolveIdentity: async () => {
      if (fails) throw new Error('there is no user "nobody"');
      return {};
    },
  });
  fails = true;
  await hours(1, made);
  assert.deepEqual(outcomes(made.one), [{ exception: 'there is no user "nobody"' }]);
  fails = false;
  made.one.keeper.refuse("spawn", 12, "fork");
  await hours(1, made);
  assert.match(JSON.stringify(outcomes(made.one)[0]), /fork: /);
  assert.equal(timerOf(made.one).runs.length, 0);
  await hours(1, made);
  assert.equal(runs(made.one).length, 1);
});

test("a run that cannot begin is an end from which the next one is counted, too", async () => {
  let fails = false;
  const made = await bed(makeTimerConstructor(interval({ hours: 1, from: "end" }), job), {
    resolveIdentity: async () => {
      if (fails) throw new Error("no");
      return {};
    },
  });
  fails = true;
  await hours(1, made);
  fails = false;
  await hours(1, made);
  assert.equal(runs(made.one).length, 1);
});

test("a program that cannot be executed says why", async () => {
  const made = await bed(makeTimerConstructor(hourly, job));
  await hours(1, made);
  const [id = ""] = runs(made.one);
  made.one.keeper.end(id, { failure: { stage: "execute", errno: 2, text: "/bin/job" } });
  await rest(made.one);
  assert.deepEqual(outcomes(made.one), [{ exception: "execute /bin/job: No such file or directory" }]);
});

test("of past runs the last fifty are kept", async () => {
  const made = await bed(makeTimerConstructor(hourly, job));
  for (let index = 0; index < 52; index += 1) {
    await hours(1, made);
    await end(made.one, index);
  }
  assert.equal(timerOf(made.one).past.length, 50);
  assert.equal(outcomes(made.one)[0], 51 << 8);
});

test("a run has its limits in the keeper, before any daemon knows its pid", async () => {
  const made = await bed(makeTimerConstructor(hourly, job, { maxDuration: 10, terminationSignal: "INT" }));
  await hours(1, made);
  const [id = ""] = runs(made.one);
  const { frames, timers } = made.one.keeper;
  const frame = frames.find((requests) => requests.some(({ op }) => op === "spawn")) ?? [];
  const ops = frame.map((request) => ("id" in request ? `${request.op} ${request.id}` : request.op));
  for (const op of [`spawn ${id}`, `arm-timer run/${id}`, `arm-timer run-kill/${id}`])
    assert.ok(ops.includes(op), `${op} is one step with the note: ${ops.join(", ")}`);
  assert.equal(timers.get(`run/${id}`)?.signal, 2);
  assert.equal(timers.get(`run-kill/${id}`)?.signal, 9);
  assert.equal(timers.get(`run-kill/${id}`)?.kill, id);
  await fire(made.one, `run/${id}`);
  assert.equal(timerOf(made.one).past[0]?.timedOut, true);
  assert.deepEqual([...timers.keys()], ["timer/tick"]);
});

test("a function is called; one that was interrupted is not called again", async () => {
  let calls = 0;
  let finish = (): void => undefined;
  const made = await bed(
    makeTimerConstructor(hourly, async () => {
      calls += 1;
      if (calls === 2) await new Promise<void>((resolve) => (finish = resolve));
      if (calls === 3) throw new Error("no luck");
    }),
  );
  await hours(2, made);
  assert.deepEqual([calls, outcomes(made.one)], [2, ["success"]]);
  const second = made.next();
  await until("it is noted", () => outcomes(second).length === 2);
  assert.deepEqual([calls, outcomes(second)], [2, ["interrupted", "success"]]);
  finish();
  made.clock.pass(hour);
  await fire(second);
  assert.deepEqual(outcomes(second)[0], { exception: "no luck" });
});

test("in rescue mode a function is not there, and commands are run", async () => {
  const made = await bed(makeTimerConstructor(hourly, () => assert.fail("it was called")));
  const second = testSystem(
    [],
    made.one.keeper.successor(),
    (system) => system.registerNoted("which is lost"),
    {
      instant: made.clock.instant,
    },
  );
  await rest(second);
  made.clock.pass(hour);
  await fire(second);
  assert.match(JSON.stringify(outcomes(second)), /a function, which is not there/);
});

test("a delay is chosen once for each occurrence", async () => {
  const made = await bed(makeTimerConstructor(hourly, job, { randomDelay: 1800 }));
  const at = (one: TestSystem): number =>
    Number((one.keeper.timers.get("timer/tick")?.at ?? 0n) / 1_000_000n);
  const first = at(made.one);
  const occurrence = Date.parse("2026-11-21T13:00:00Z");
  assert.ok(first >= occurrence && first < occurrence + 1_800_000);
  const second = made.next();
  await rest(second);
  assert.equal(at(second), first);
});

function directory(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "timers-"));
  // A stamp may be on its way to the disk still.
  t.after(() => rmSync(made, { recursive: true, maxRetries: 10 }));
  return made;
}

test("what a persistent timer missed while nothing ran is one run at its start", async (t) => {
  const stateDirectory = directory(t);
  const stamp = join(stateDirectory, "timers", "tick.stamp");
  const read = (): string => (existsSync(stamp) ? readFileSync(stamp, "utf8") : "");
  const persistent = makeTimerConstructor(hourly, job, { persistent: true });
  const first = await bed(persistent, { stateDirectory });
  await until("the stamp is there", () => read() !== "");
  assert.equal(read(), "2026-11-21T12:00:00.000Z\n");
  assert.deepEqual(runs(first.one), []);

  writeFileSync(stamp, "2026-11-20T09:30:00.000Z\n");
  const second = await bed(persistent, { stateDirectory });
  await until("it runs", () => runs(second.one).length === 1);
  await until("that is stamped", () => read() === "2026-11-21T12:00:00.000Z\n");
  assert.equal(
    second.one.keeper.timers.get("timer/tick")?.at,
    BigInt(Date.parse("2026-11-21T13:00:00Z")) * 1_000_000n,
  );

  writeFileSync(stamp, "nonsense");
  const third = await bed(persistent, { stateDirectory });
  await rest(third.one);
  assert.deepEqual(runs(third.one), []);
  assert.ok(third.one.lines.some((line) => line.includes("expected a date")));
});

test("what was missed last of all is made up for too", async (t) => {
  const stateDirectory = directory(t);
  mkdirSync(join(stateDirectory, "timers"));
  writeFileSync(join(stateDirectory, "timers", "tick.stamp"), "2026-11-21T10:00:00.000Z\n");
  const once = makeTimerConstructor(onCalendar("2026-11-21 11:00 UTC"), job, { persistent: true });
  const { one } = await bed(once, { stateDirectory });
  await until("it runs", () => runs(one).length === 1);
  await end(one);
  assert.equal(stateOf(one, "tick").status, "stopped");
});

test("a clock that is wrong until the net is there makes nothing run again", async (t) => {
  const stateDirectory = directory(t);
  const stamp = join(stateDirectory, "timers", "tick.stamp");
  mkdirSync(join(stateDirectory, "timers"));
  writeFileSync(stamp, "2026-11-21T12:00:00.000Z\n");
  const clock = new Clock("1970-01-01T00:00:10Z");
  const definitions = [timer(makeTimerConstructor(hourly, job, { persistent: true }))];
  const one = testSystem(definitions, fakeKeeper(), undefined, { instant: clock.instant, stateDirectory });
  await start(one);
  await until("its alarm is armed", () => one.keeper.timers.has("timer/tick"));
  clock.set((Date.parse("2026-11-21T12:30:00Z") - clock.instant().realtime) / 1000);
  one.keeper.emit({ type: "clock-was-set" });
  const next = BigInt(Date.parse("2026-11-21T13:00:00Z")) * 1_000_000n;
  await until("the next alarm is armed", () => one.keeper.timers.get("timer/tick")?.at === next);
  await rest(one);
  assert.deepEqual(runs(one), []);
  assert.equal(readFileSync(stamp, "utf8"), "2026-11-21T12:00:00.000Z\n");
});

test("a stamp that cannot be written is told, and the timer runs on", async (t) => {
  const stateDirectory = directory(t);
  writeFileSync(join(stateDirectory, "timers"), "");
  const made = await bed(makeTimerConstructor(hourly, job, { persistent: true }), { stateDirectory });
  await until("it is told", () => made.one.lines.some((line) => /write .*tick\.stamp: /.test(line)));
  await hours(1, made);
  assert.equal(runs(made.one).length, 1);
});

test("what is no stamp of ours holds up no start and makes nothing run", async (t) => {
  const stateDirectory = directory(t);
  const stamp = join(stateDirectory, "timers", "tick.stamp");
  mkdirSync(join(stateDirectory, "timers"));
  const persistent = makeTimerConstructor(hourly, job, { persistent: true });
  const begins = async (what: string, tells: RegExp): Promise<void> => {
    const { one } = await bed(persistent, { stateDirectory });
    await until(`it is told of ${what}`, () => one.lines.some((line) => tells.test(line)));
    await until(`it runs in spite of ${what}`, () => stateOf(one, "tick").status === "running");
    await rest(one);
    assert.deepEqual(runs(one), [], what);
  };
  // What Date.parse takes for a date, and what no calendar reaches.
  for (const text of ["tick 5", "-271821-04-20T00:00:00.000Z", "x".repeat(1 << 20)]) {
    writeFileSync(stamp, text);
    await begins(text.slice(0, 40), /expected a date/);
  }
  rmSync(stamp);
  execFileSync("mkfifo", [stamp]);
  await begins("a pipe", /expected a date/);
  rmSync(stamp);
  mkdirSync(stamp);
  await begins("a directory", /read .*tick\.stamp: .*EISDIR/);
});

test("a stop ends a run as the service says", async () => {
  const clock = new Clock(noon);
  const signals: number[] = [];
  const keeper = fakeKeeper({
    onSignal: ({ id }, signal, { end: ends }) => {
      signals.push(signal);
      ends.call(keeper, id, { signal });
    },
  });
  const stop = kill(1);
  const definition = timer(makeTimerConstructor(hourly, job), {
    stop: Object.assign(() => false, stop, {
      [builtin]: { kind: "kill", signal: 2, gracePeriod: 60 } as const,
    }),
  });
  const one = testSystem([definition], keeper, undefined, { instant: clock.instant });
  await start(one);
  clock.pass(hour);
  await fire(one);
  await one.system.supervisor.stop("tick", [], client());
  assert.deepEqual(signals, [2]);
  const armed = keeper.requests.flatMap((request) =>
    request.op === "arm-timer" && request.id.startsWith("stop/") ? [request] : [],
  );
  assert.equal(armed.length, 1);
  assert.ok(Number((armed[0]?.at ?? 0n) - process.hrtime.bigint()) > 50e9);
});

test("a stop right after the supervisor's death leaves no alarm", async () => {
  const made = await bed(makeTimerConstructor(hourly, job));
  const second = made.next();
  const stopped = second.system.supervisor.stop("tick", [], client());
  await stopped;
  await rest(second);
  assert.deepEqual([...second.keeper.timers.keys()], []);
});

test("a run that never came to be leaves nothing to be ended", async () => {
  const made = await bed(makeTimerConstructor(hourly, job));
  made.one.keeper.refuse("spawn", 12, "fork");
  const { instants } = made.one.keeper;
  const from = instants.length;
  await hours(1, made);
  for (const { left } of deaths(made.one.keeper, from)) {
    const second = testSystem([timer(makeTimerConstructor(hourly, job))], left, undefined, {
      instant: made.clock.instant,
    });
    await rest(second);
    const going = timerOf(second).runs.map(({ id }) => id);
    assert.deepEqual(
      stateOf(second, "tick").processes.map(({ id }) => id),
      going,
    );
  }
});

test("a clock that is set is one frame for each of many timers, and not one for all", async () => {
  const { clock, one } = await bed(makeTimerConstructor(hourly, job));
  const past = Array.from({ length: 50 }, () => ({
    outcome: { exception: "x".repeat(500) },
    start: 0,
    end: 0,
  }));
  const names = Array.from({ length: 60 }, (_, index) => `tick-${index}`);
  const notes = names.map((service) => {
    const state = { ...stateOf(one, "tick"), value: { ...timerOf(one), service, past } };
    return [`service/${service}`, encodeNote(state)] as const;
  });
  const definitions = names.map((name) => ({
    ...timer(makeTimerConstructor(hourly, job)),
    provision: [name] as const,
  }));
  const many = testSystem(definitions, fakeKeeper({ notes }), undefined, { instant: clock.instant });
  await rest(many);
  clock.set(-day);
  many.keeper.emit({ type: "clock-was-set" });
  await rest(many);
  for (const name of names)
    assert.equal(
      many.keeper.timers.get(`timer/${name}`)?.at,
      BigInt(Date.parse("2026-11-20T13:00:00Z")) * 1_000_000n,
    );
  const sizes = many.keeper.frames.map((frame) =>
    frame.reduce((sum, request) => sum + (request.op === "put-note" ? request.value.length : 0), 0),
  );
  assert.ok(Math.max(...sizes) < frameLimit, `a frame has ${Math.max(...sizes)} bytes`);
});

const logs = { recent: async () => [], files: () => [], trouble: () => undefined };

test("clients are told in GNU's form, of what that cannot tell in ours, and never of the environment", async () => {
  const wire = async (one: TestSystem): Promise<string> =>
    writeSexp(
      encodeService(
        await serviceStatus(one.system.registry.get("tick"), { logs, registry: one.system.registry }),
      ),
    );
  const local = await bed(makeTimerConstructor(calendarEvent({ minutes: [0] }), job, { occurrences: 3 }));
  await hours(1, local);
  const running = await wire(local.one);
  const [child] = local.one.keeper.children;
  const started = Date.parse("2026-11-21T13:00:00Z") / 1000;
  assert.ok(
    running.includes(
      "(running (timer (version 0) (event (calendar-event (version 0) (seconds (0)) (minutes (0)) (hours (0 1 2 ",
    ),
  );
  assert.ok(
    running.includes(
      '(action (command (version 0) (arguments ("/bin/job" "an argument")) (user "nobody") (group #f) ' +
        '(supplementary-groups ()) (environment-variables ()) (directory "/") (resource-limits ()))) ' +
        `(processes ((${child?.pid} . ${started}))) (remaining-occurrences 2) (past-runs ())))`,
    ),
    running,
  );
  assert.ok(running.includes(`(upcoming-alarms (${started + hour} ${started + 2 * hour}))`), running);
  assert.ok(!running.includes("xyzzy"));
  local.clock.pass(5);
  await end(local.one, 1);
  assert.ok((await wire(local.one)).includes("(past-runs ((256 "));

  const zoned = await bed(makeTimerConstructor(hourly, () => undefined));
  const text = await wire(zoned.one);
  assert.ok(text.includes("(running (timer (version 0) (event #f) (action procedure) (processes ())"), text);
  assert.equal(/\(upcoming-alarms \(([\d ]+)\)\)/.exec(text)?.[1]?.split(" ").length, 5);

  const busy = await bed(makeTimerConstructor(hourly, () => new Promise(() => undefined)));
  assert.ok(!(await wire(busy.one)).includes("function-runs"));
  await hours(1, busy);
  assert.ok((await wire(busy.one)).includes(`(function-runs (${started}))`));
});

test("every timer has the action trigger, but for one that has its own", async () => {
  const clock = new Clock(noon);
  const definition = service(["tick"], { start: makeTimerConstructor(hourly, job) });
  assert.deepEqual(
    definition.actions.map(({ name }) => name),
    ["trigger"],
  );
  const one = testSystem([definition], fakeKeeper(), undefined, { instant: clock.instant });
  installRuntime(one.system);
  const trigger = (): unknown => definition.actions[0]?.procedure(stateOf(one, "tick").value ?? false);
  trigger();
  await rest(one);
  assert.deepEqual(runs(one), []);
  await start(one);
  trigger();
  trigger();
  await rest(one);
  assert.equal(runs(one).length, 1);
  assert.throws(() => one.system.registry.get("tick").updateValue("something else"), /is its constructor's/);
});
