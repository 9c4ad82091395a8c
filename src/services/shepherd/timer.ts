// `shepherdTimer`: a program that is run again and again, as a service.

import { makeTimerDestructor, type TimerOptions } from "../../daemon/timers/builders.js";
import { cronStringToCalendarEvent } from "../../daemon/timers/calendar/cron.js";
import type { CalendarEvent } from "../../daemon/timers/calendar/event.js";
import { timerTriggerAction } from "../../daemon/timers/trigger.js";
import type { Interval, TimerCommand, TimerProcedure } from "../../daemon/timers/types.js";
import { type CommandWord, command, makeTimerConstructor } from "./constructors.js";
import { type ShepherdAction, type ShepherdService, shepherdService } from "./service.js";

export interface ShepherdTimerOptions extends TimerOptions {
  /** What must run while it waits; default none. */
  readonly requirement?: readonly string[];
  /** Default "Periodically run a command." */
  readonly documentation?: string;
}

/** The action `trigger` of timers, by Guix's name. */
export const shepherdTriggerAction: ShepherdAction = timerTriggerAction;

/**
 * A service that runs a command whenever its schedule says so.
 *
 * @param provision its names
 * @param schedule when: a calendar event, an interval, or a line of cron's such as `"0 3 * * *"`
 * @param what words of a command, `command(…)` where it needs options, or a function
 * @example shepherdTimer(["guix-gc"], "0 3 * * *", [fileAppend(guix, "/bin/guix"), "gc", "-F", "2G"])
 * @throws DefinitionError where something is not what it should be
 */
export function shepherdTimer(
  provision: readonly string[],
  schedule: CalendarEvent | Interval | string,
  what: readonly CommandWord[] | TimerCommand | TimerProcedure,
  options: ShepherdTimerOptions = {},
): ShepherdService {
  const { requirement, documentation = "Periodically run a command.", ...timer } = options;
  return shepherdService({
    provision,
    requirement,
    documentation,
    start: makeTimerConstructor(
      typeof schedule === "string" ? cronStringToCalendarEvent(schedule) : schedule,
      isWords(what) ? command(what) : what,
      timer,
    ),
    stop: makeTimerDestructor(),
    actions: [shepherdTriggerAction],
  });
}

const isWords = (
  what: readonly CommandWord[] | TimerCommand | TimerProcedure,
): what is readonly CommandWord[] => Array.isArray(what);
