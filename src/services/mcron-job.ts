// Jobs for `mcronServiceType`: when something is run, and what; and schedules by the names that mcron has for them.

import { callSite } from "../daemon/definition/call-site.js";
import {
  type Check,
  type Checks,
  check,
  checkFields,
  checkValue,
  type Subject,
} from "../daemon/definition/check.js";
import { fields, isText } from "../daemon/definition/fields.js";
import { processChecks } from "../daemon/definition/process-options.js";
import { masked, secretsIn } from "../daemon/definition/secrets.js";
import type { ProcessOptions } from "../daemon/definition/types.js";
import type { TimerOptions } from "../daemon/timers/builders.js";
import { cronStringToCalendarEvent } from "../daemon/timers/calendar/cron.js";
import { all, type CalendarEvent, calendarEvent, ranges } from "../daemon/timers/calendar/event.js";
import type { Interval, TimerCommand } from "../daemon/timers/types.js";
import { filePath } from "./files/file-like.js";
import { type CommandWord, command, makeTimerConstructor } from "./shepherd/constructors.js";

/** What `job` takes besides: how the program is run, and how the timer deals with its times. */
export interface JobOptions extends Omit<ProcessOptions, "logFile">, TimerOptions {
  /** The name of the job's service; default: `mcron-` and what the command says, such as `mcron-guix-gc-f-2g`. */
  readonly name?: string;
}

/** Made by `job`. */
export interface McronJob {
  readonly schedule: CalendarEvent | Interval;
  readonly action: TimerCommand;
  /** The command, for people: without its secrets. */
  readonly text: string;
  readonly name: string | undefined;
  readonly timer: TimerOptions;
}

const made = new WeakSet<object>();

/** Whether `value` was made by `job`. */
export function isJob(value: unknown): value is McronJob {
  return typeof value === "object" && value !== null && made.has(value);
}

const timerFields = [
  "occurrences",
  "logFile",
  "maxDuration",
  "terminationSignal",
  "overlap",
  "waitForTermination",
  "randomDelay",
  "persistent",
] as const satisfies readonly (keyof TimerOptions)[];

const anything = check<unknown>("any value", () => true);
const { logFile: _ofTheTimer, ...programChecks } = processChecks;
/** The timer's own are checked by it. */
const jobChecks: Checks<JobOptions> = {
  ...programChecks,
  ...(Object.fromEntries(timerFields.map((field) => [field, anything])) as Record<
    (typeof timerFields)[number],
    Check<unknown>
  >),
  name: fields.name,
};

const schedule = check<CalendarEvent | Interval | string>(
  'a calendar event, an interval, or a line of cron\'s such as "0 3 * * *"',
  (value) => isText(value) || (typeof value === "object" && value !== null),
);

/**
 * A job of `mcronServiceType`.
 *
 * @param when a calendar event, such as `nextHour([3])`, an interval, or a line of cron's, such as `"0 3 * * *"`
 * @param what a command for a shell, or the words of one that needs no shell
 * @example job(nextHour([3]), "guix gc -F 2G")
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function job(
  when: CalendarEvent | Interval | string,
  what: string | readonly CommandWord[],
  options: JobOptions = {},
): McronJob {
  const secrets = secretsIn(options);
  const of: Subject = { what: "job", position: callSite(), secrets };
  const given = checkValue(of, when, schedule, "the schedule");
  const words =
    typeof what === "string" ? ["/bin/sh", "-c", checkValue(of, what, shellText, "the command")] : what;
  const { name, rest, timer } = apart(of, options);
  const one: McronJob = Object.freeze({
    schedule: typeof given === "string" ? cronStringToCalendarEvent(given) : given,
    action: command(words, rest),
    text: masked(typeof what === "string" ? what : what.map(textOf).join(" "), secrets),
    name,
    timer,
  });
  // For its checks, while the place of this call is known.
  makeTimerConstructor(one.schedule, one.action, timer);
  made.add(one);
  return one;
}

const shellText = check<string>("a command for a shell", (value) => isText(value) && value.trim() !== "");
const textOf = (word: CommandWord): string => (typeof word === "string" ? word : filePath(word));

/** The options by whose they are; those of programs are checked as such. */
function apart(
  of: Subject,
  options: JobOptions,
): {
  readonly name: string | undefined;
  readonly timer: TimerOptions;
  readonly rest: Omit<ProcessOptions, "logFile">;
} {
  const entries = Object.entries(checkFields(of, options, jobChecks));
  const isTimers = (field: string): boolean => (timerFields as readonly string[]).includes(field);
  return {
    name: options.name,
    timer: Object.freeze(Object.fromEntries(entries.filter(([field]) => isTimers(field)))),
    rest: Object.fromEntries(entries.filter(([field]) => field !== "name" && !isTimers(field))),
  };
}

/** An hour of the day, at its beginning: `nextHour([3])` is 3:00 every day, `nextHour()` every full hour. */
export function nextHour(hours: readonly number[] = all(ranges.hours)): CalendarEvent {
  return calendarEvent({ hours, minutes: [0] });
}

/** A minute of the hour: `nextMinute([0, 30])` is twice an hour, `nextMinute()` every minute. */
export function nextMinute(minutes: readonly number[] = all(ranges.minutes)): CalendarEvent {
  return calendarEvent({ minutes });
}

/** A second of the minute. */
export function nextSecond(seconds: readonly number[] = all(ranges.seconds)): CalendarEvent {
  return calendarEvent({ seconds });
}

/** A day of the month, at 0:00: `nextDay([1])` is monthly, `nextDay()` daily. */
export function nextDay(daysOfMonth: readonly number[] = all(ranges.daysOfMonth)): CalendarEvent {
  return calendarEvent({ daysOfMonth, hours: [0], minutes: [0] });
}
