// `makeTimerConstructor` and what it takes, as "Timers" of the Shepherd manual has them: data that is checked here.

import {
  type Checks,
  check,
  checkFields,
  checkValue,
  fail,
  isRecord,
  type Subject,
} from "../definition/check.js";
import { signalField, signalNumber, usualStop } from "../definition/constructors.js";
import { fields, isCount, isSeconds } from "../definition/fields.js";
import { frozenCopy } from "../definition/freeze.js";
import { processChecks } from "../definition/process-options.js";
import { secretsIn } from "../definition/secrets.js";
import { builtin, type Constructor, type Destructor, type ProcessOptions } from "../definition/types.js";
import { type CalendarEvent, calendarEventCheck } from "./calendar/event.js";
import {
  type Interval,
  type Overlap,
  type TimerCommand,
  type TimerData,
  type TimerProcedure,
  timerProcedure,
} from "./types.js";

/** The parts add up. */
export interface IntervalOptions {
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
  /**
   * `"start"`, the default: every so often, counted from the start of the service, however long runs take. `"boot"`: as
   * well, counted from the boot of the machine. `"end"`: so long after the end of the run before, and first after the
   * start of the service.
   */
  readonly from?: "start" | "end" | "boot";
}

/** What `makeTimerConstructor` takes beside the schedule and the action. */
export interface TimerOptions {
  /** How many occurrences there are; after the run of the last one the service stops. Default: no end. */
  readonly occurrences?: number;
  /** Of a command: where its output goes, an absolute name; default: the supervisor's own log. */
  readonly logFile?: string;
  /** Of a command: after so many seconds the run is ended; default: never. */
  readonly maxDuration?: number;
  /** With what it is ended then: a number or a name such as `"INT"`; default TERM. KILL follows after 5 seconds. */
  readonly terminationSignal?: number | string;
  /**
   * What becomes of an occurrence while a run goes on. `"skip"`, the default: it is left out. `"queue"`: one run more
   * begins as soon as that one is over. `"allow"`: they run side by side, up to 32.
   */
  readonly overlap?: Overlap;
  /** The manual's name for it: true is `overlap: "skip"`, false is `"allow"`. */
  readonly waitForTermination?: boolean;
  /** Each occurrence is put off by a random time of up to so many seconds, so that not all machines act at once; default 0. */
  readonly randomDelay?: number;
  /**
   * Of a calendar event: whether occurrences that were missed while the service did not run, because the machine or the
   * supervisor was down, are made up for by one run at its start. Default false.
   */
  readonly persistent?: boolean;
}

const longestPeriod = 10 * 366 * 86_400;

const part = check<number>("a number that is not negative", (value) => isSeconds(value));
const intervalChecks: Checks<IntervalOptions> = {
  seconds: part,
  minutes: part,
  hours: part,
  days: part,
  from: check('"start", "end" or "boot"', (value) => ["start", "end", "boot"].includes(value as string)),
};

const made = new WeakSet<object>();

/**
 * A schedule that goes by elapsed time and not by the clock on the wall, which may be set: what the machine sleeps does not
 * count.
 *
 * @example interval({ minutes: 10 })
 * @throws DefinitionError where the parts add up to less than a second or more than ten years, or one is no number
 */
export function interval(options: IntervalOptions): Interval {
  const of = { what: "interval" };
  const {
    seconds = 0,
    minutes = 0,
    hours = 0,
    days = 0,
    from = "start",
  } = checkFields(of, options, intervalChecks);
  const period = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
  if (period < 1 || period > longestPeriod)
    fail(
      of,
      `expected seconds, minutes, hours and days that make 1 second to 10 years, got ${period} seconds`,
    );
  const schedule: Interval = frozenCopy({ kind: "interval", period, from });
  made.add(schedule);
  return schedule;
}

const { logFile: _ofTheTimer, ...commandChecks } = processChecks;

/**
 * A program for `makeTimerConstructor`, and how it is run: `command` of the manual ("Timers").
 *
 * @example command(["/usr/bin/updatedb"], { user: "nobody" })
 * @throws DefinitionError where the command or an option is not what it should be
 */
export function command(
  words: readonly string[],
  options: Omit<ProcessOptions, "logFile"> = {},
): TimerCommand {
  const of = { what: "command", secrets: secretsIn(options) };
  const action: TimerCommand = frozenCopy({
    kind: "command",
    command: checkValue(of, words, fields.command),
    options: checkFields(of, options, commandChecks),
  });
  made.add(action);
  return action;
}

const isMade = (kind: string, value: unknown): boolean =>
  isRecord(value) && value.kind === kind && made.has(value);

const scheduleCheck = check<CalendarEvent | Interval>(
  "a calendar event, made by calendarEvent(…), cronStringToCalendarEvent(…) or onCalendar(…), or interval(…)",
  (value) => calendarEventCheck.matches(value) || isMade("interval", value),
);
const actionCheck = check<TimerCommand | TimerProcedure>(
  "command(…) or a function",
  (value) => typeof value === "function" || isMade("command", value),
);
const positive = check<number>("a positive number of seconds", (value) => isSeconds(value) && value > 0);
const optionChecks: Checks<TimerOptions> = {
  occurrences: check("a number from 1 on", (value) => isCount(value) && value >= 1),
  logFile: fields.absoluteFile,
  maxDuration: positive,
  terminationSignal: signalField,
  overlap: check('"skip", "queue" or "allow"', (value) =>
    ["skip", "queue", "allow"].includes(value as string),
  ),
  waitForTermination: fields.flag,
  randomDelay: fields.seconds,
  persistent: fields.flag,
};

const terminate = 15;

/**
 * Runs a command or calls a function whenever the schedule says so, as long as the service runs; stopping it ends what
 * still runs. A command's process goes on when the supervisor dies, and no occurrence is lost or doubled by that. A function
 * runs inside the supervisor, and must not block it; one that was under way when the supervisor died counts as interrupted,
 * unless its service is `retryable`: then it is called again.
 *
 * The service gets the action `trigger`, unless it has one of that name: `herd trigger NAME` runs it at once.
 *
 * @example makeTimerConstructor(calendarEvent({ hours: [4], minutes: [0] }), command(["/usr/bin/updatedb"]))
 * @throws DefinitionError where the schedule, the action or an option is not what it should be
 */
export function makeTimerConstructor(
  schedule: CalendarEvent | Interval,
  action: TimerCommand | TimerProcedure,
  options: TimerOptions = {},
): Constructor {
  const of = { what: "makeTimerConstructor" };
  const checked = checkValue(of, action, actionCheck, "the action");
  const procedure = typeof checked === "function" ? checked : undefined;
  const given = checkFields(of, options, optionChecks);
  if (procedure !== undefined) refuseForFunction(of, given);
  const data: TimerData = {
    kind: "timer",
    schedule: checkValue(of, schedule, scheduleCheck, "the schedule"),
    action: typeof checked === "function" ? { kind: "procedure" } : checked,
    ...(given.occurrences === undefined ? {} : { occurrences: given.occurrences }),
    ...(given.logFile === undefined ? {} : { logFile: given.logFile }),
    ...(given.maxDuration === undefined ? {} : { maxDuration: given.maxDuration }),
    terminationSignal: signalNumber(given.terminationSignal ?? terminate) ?? terminate,
    overlap: overlapOf(of, given),
    randomDelay: given.randomDelay ?? 0,
    persistent: given.persistent ?? false,
  };
  if (data.persistent && data.schedule.kind !== "calendar")
    fail(of, 'field "persistent": only a calendar event has times that can have been missed');
  const start = (): never => {
    throw new Error(`${of.what}: this is a service's whole start, and cannot be called in a start function`);
  };
  return Object.freeze(
    Object.assign(start, {
      [builtin]: frozenCopy(data),
      ...(procedure === undefined ? {} : { [timerProcedure]: procedure }),
    }),
  );
}

/**
 * The stop of a service whose start is `makeTimerConstructor`: what still runs is ended. It is what a service without `stop`
 * does; the name is the manual's.
 */
export function makeTimerDestructor(): Destructor {
  return usualStop;
}

function refuseForFunction(of: Subject, options: TimerOptions): void {
  const one = (["logFile", "maxDuration", "terminationSignal"] as const).find(
    (field) => options[field] !== undefined,
  );
  if (one !== undefined)
    fail(
      of,
      `field "${one}": the action is a function, which runs inside the supervisor; this is for command(…)`,
    );
}

function overlapOf(of: Subject, { overlap, waitForTermination }: TimerOptions): Overlap {
  if (waitForTermination === undefined) return overlap ?? "skip";
  if (overlap !== undefined)
    fail(of, 'fields "overlap" and "waitForTermination" say the same: give one of them');
  return waitForTermination ? "skip" : "allow";
}
