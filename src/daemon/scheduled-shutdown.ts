// A shutdown at a later time, as of shutdown(8): a timer of the keeper and a note, so that it comes whatever becomes of us.

import type { Deadlines } from "./deadlines.js";
import type { Ending } from "./keeper/types.js";
import { stamp } from "./log.js";
import type { Notes } from "./notes.js";
import type { Outbox } from "./outbox.js";
import type { Request } from "./request.js";

/** How a system that is its own can be ended. */
export const endings = ["power-off", "halt", "reboot", "kexec"] as const satisfies readonly Ending[];
export type SystemEnding = (typeof endings)[number];

export interface ScheduledShutdown {
  readonly how: SystemEnding;
  /** Seconds since the epoch, by the clock as it was when it was asked for. */
  readonly at: number;
  /** Why, in the words of whoever asked for it; may be empty. */
  readonly message: string;
}

export interface ScheduleParts {
  readonly outbox: Outbox;
  readonly deadlines: Deadlines;
  readonly notes: Notes;
  log(line: string): void;
  /** The time has come. */
  begin(how: SystemEnding): void;
}

const timer = "shutdown";
/** Days; a later one is a mistake. */
const longest = 366 * 24 * 3600;

export class ShutdownSchedule {
  readonly #parts: ScheduleParts;
  #scheduled: ScheduledShutdown | undefined;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#scheduled = parts.notes.scheduledShutdown;
  }

  get scheduled(): ScheduledShutdown | undefined {
    return this.#scheduled;
  }

  /** Goes on with what an earlier daemon had been asked for; before events are handled. */
  resume(): void {
    const scheduled = this.#scheduled;
    if (scheduled === undefined) return;
    const { deadlines } = this.#parts;
    const due = (): void => this.#due(scheduled);
    // The note and the timer came in one step: without one the keeper had no room for it, and may have by now.
    if (deadlines.takeOver(timer, due) === undefined)
      deadlines.arm(timer, Math.max(0, scheduled.at - Date.now() / 1000), due);
  }

  /** Takes the place of an earlier one. */
  set(how: SystemEnding, { at, ofDay }: ShutdownTime, message: string, request: Request): void {
    const { outbox, deadlines, notes } = this.#parts;
    const scheduled = { how, at: Math.round(at), message };
    this.#scheduled = scheduled;
    const due = (): void => this.#due(scheduled);
    outbox.together(() => {
      notes.putScheduledShutdown(scheduled);
      if (ofDay) deadlines.armAt(timer, "realtime", scheduled.at * 1000, due);
      else deadlines.arm(timer, Math.max(0, at - Date.now() / 1000), due);
    });
    request.say(describe(scheduled));
  }

  /** Whether there was one. */
  cancel(): boolean {
    if (this.#scheduled === undefined) return false;
    this.#scheduled = undefined;
    const { outbox, deadlines, notes } = this.#parts;
    outbox.together(() => {
      deadlines.disarm(timer);
      notes.dropScheduledShutdown();
    });
    return true;
  }

  /** In the step that acknowledges the timer's event. */
  #due(scheduled: ScheduledShutdown): void {
    // One that was cancelled, or replaced, in the turn in which it fired.
    if (this.#scheduled !== scheduled) return;
    this.#scheduled = undefined;
    const { notes, log, begin } = this.#parts;
    notes.dropScheduledShutdown();
    log(`The time for the scheduled ${scheduled.how} has come.`);
    begin(scheduled.how);
  }
}

function describe({ how, at, message }: ScheduledShutdown): string {
  const why = message === "" ? "" : `: ${message}`;
  return `Shutdown (${how}) scheduled for ${stamp(new Date(at * 1000))}${why}`;
}

/** A time as shutdown(8) takes it. */
export interface ShutdownTime {
  /** Seconds since the epoch. */
  readonly at: number;
  /** Whether it is a time of day, which follows the clock when somebody sets that; else it is minutes from now. */
  readonly ofDay: boolean;
}

/**
 * `now`, minutes from now as `+5` or `5`, or the next time that a clock shows `22:30`; undefined for anything else.
 *
 * @param now seconds since the epoch
 */
export function parseShutdownTime(text: string, now: number): ShutdownTime | undefined {
  if (text === "now") return { at: now, ofDay: false };
  const [, minutes] = /^\+?(\d{1,6})$/.exec(text) ?? [];
  if (minutes !== undefined) {
    const seconds = Number(minutes) * 60;
    return seconds <= longest ? { at: now + seconds, ofDay: false } : undefined;
  }
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hour === undefined || minute === undefined) return undefined;
  const time = new Date(now * 1000);
  time.setHours(Number(hour), Number(minute), 0, 0);
  if (time.getTime() <= now * 1000) time.setDate(time.getDate() + 1);
  return { at: time.getTime() / 1000, ofDay: true };
}
