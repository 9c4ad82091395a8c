// What timers are made of, and what is said where it is not what it should be.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { service, shepherdAction, shepherdService } from "../../../src/daemon/definition/service.js";
import { builtin } from "../../../src/daemon/definition/types.js";
import {
  command,
  interval,
  makeTimerConstructor,
  makeTimerDestructor,
} from "../../../src/daemon/timers/builders.js";
import { calendarEvent } from "../../../src/daemon/timers/calendar/event.js";
import { timerProcedure } from "../../../src/daemon/timers/types.js";
import { isFrozenThroughout, mistake, untyped } from "../definition/support.js";

const event = calendarEvent({ hours: [4], minutes: [0] });
const job = command(["/bin/job"]);
const thunk = (): undefined => undefined;

describe("makeTimerConstructor", () => {
  it("is data, frozen, with the manual's defaults", () => {
    const data = makeTimerConstructor(event, job)[builtin];
    assert.deepEqual(data, {
      kind: "timer",
      schedule: event,
      action: { kind: "command", command: ["/bin/job"], options: {} },
      terminationSignal: 15,
      overlap: "skip",
      randomDelay: 0,
      persistent: false,
    });
    assert.ok(isFrozenThroughout(data));
    assert.deepEqual(JSON.parse(JSON.stringify(data)), data);
  });

  it("carries a function beside its data", () => {
    const start = makeTimerConstructor(interval({ hours: 1, minutes: 30 }), thunk);
    assert.equal(start[timerProcedure], thunk);
    const data = start[builtin];
    assert.ok(data?.kind === "timer");
    assert.deepEqual(data.action, { kind: "procedure" });
    assert.deepEqual(data.schedule, { kind: "interval", period: 5400, from: "start" });
  });

  it("takes the manual's name for the overlap", () => {
    const overlap = (waitForTermination: boolean): unknown => {
      const data = makeTimerConstructor(event, job, { waitForTermination })[builtin];
      return data?.kind === "timer" && data.overlap;
    };
    assert.deepEqual([overlap(true), overlap(false)], ["skip", "allow"]);
  });

  const mistakes: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    "a string as a schedule": [
      () => makeTimerConstructor(untyped("daily"), job),
      /the schedule: expected a calendar event/,
    ],
    "what only looks like a schedule": [
      () => makeTimerConstructor({ ...event }, job),
      /the schedule: expected/,
    ],
    "a list as an action": [
      () => makeTimerConstructor(event, untyped(["/bin/job"])),
      /the action: expected command\(…\)/,
    ],
    "no command": [() => command([]), /command: expected a list of strings/],
    "a log file of the command": [
      () => command(["a"], untyped({ logFile: "/x" })),
      /unknown field "logFile"/,
    ],
    "no occurrence": [
      () => makeTimerConstructor(event, job, { occurrences: 0 }),
      /field "occurrences": expected a number from 1/,
    ],
    "a duration of nothing": [
      () => makeTimerConstructor(event, job, { maxDuration: 0 }),
      /field "maxDuration"/,
    ],
    "an unknown signal": [
      () => makeTimerConstructor(event, job, { terminationSignal: "NOPE" }),
      /field "terminationSignal"/,
    ],
    "an unknown overlap": [
      () => makeTimerConstructor(event, job, untyped({ overlap: "both" })),
      /field "overlap": expected "skip"/,
    ],
    "both names of the overlap": [
      () => makeTimerConstructor(event, job, { overlap: "skip", waitForTermination: true }),
      /say the same/,
    ],
    "a persistent interval": [
      () => makeTimerConstructor(interval({ days: 1 }), job, { persistent: true }),
      /field "persistent": only a calendar event/,
    ],
    "a function that is to be ended": [
      () => makeTimerConstructor(event, thunk, { maxDuration: 5 }),
      /field "maxDuration": the action is a function/,
    ],
    "an unknown option": [
      () => makeTimerConstructor(event, job, untyped({ occurence: 1 })),
      /unknown field "occurence"/,
    ],
    "an interval of nothing": [() => interval({}), /1 second to 10 years, got 0 seconds/],
    "a negative interval": [
      () => interval({ seconds: -1 }),
      /field "seconds": expected a number that is not negative/,
    ],
    "an interval from nowhere": [
      () => interval(untyped({ hours: 1, from: "now" })),
      /field "from": expected "start"/,
    ],
    "a one-shot timer": [
      () => service(["tick"], { oneShot: true, start: makeTimerConstructor(event, job) }),
      /service "tick": field "oneShot": a timer runs until it is stopped/,
    ],
    "a timer that is resumed": [
      () => service(["tick"], { resume: thunk, start: makeTimerConstructor(event, job) }),
      /field "resume"/,
    ],
    "a timer as a stop": [
      () => service(["tick"], { stop: untyped(makeTimerConstructor(event, job)) }),
      /field "stop": expected a destructor/,
    ],
  };
  for (const [what, [body, expected]] of Object.entries(mistakes))
    it(`refuses ${what}`, () => assert.match(mistake(body), expected));

  it("cannot be called in a start function", () => {
    assert.throws(() => makeTimerConstructor(event, job)(), /whole start/);
  });
});

describe("a service that is a timer", () => {
  it("is triggered by an action of its own, if it has one, and is not respawned", () => {
    const own = shepherdAction({ name: "trigger", procedure: thunk });
    const made = shepherdService({
      provision: ["tick"],
      start: makeTimerConstructor(event, job),
      stop: makeTimerDestructor(),
      actions: [own],
    });
    assert.deepEqual(made.actions, [own]);
    assert.equal(made.respawn, false);
  });
});
