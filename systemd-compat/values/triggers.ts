// Values of .timer and .path units: when something happens, and what is watched.

import type { CalendarEvent } from "../../src/daemon/timers/calendar/event.js";
import { parseCalendar } from "../parser/calendar.js";
import { parseTimeSpan } from "../parser/time-span.js";
import { absolutePath } from "./files.js";
import { BadValue, mismatch, type ValueType } from "./type.js";

/** What a monotonic timer counts from: its own start, the machine's, the manager's, or the last start or end of its unit. */
export type TimerBase = "active" | "boot" | "startup" | "unit-active" | "unit-inactive";

export type TimerValue =
  | {
      readonly base: "calendar";
      readonly event: CalendarEvent /** As it is written. */;
      readonly text: string;
    }
  | { readonly base: TimerBase; readonly seconds: number };

/** Values of all kinds are one list, which an empty assignment of any kind empties. */
export const calendarTimer: ValueType<readonly TimerValue[]> = {
  expected: 'a calendar expression such as "Mon *-*-* 06:00"',
  parse(text, previous = [], context) {
    if (text === "") return undefined;
    const expanded = context.expand(text);
    const found = parseCalendar(expanded);
    if ("problem" in found) throw new BadValue(`calendar expression: ${found.problem}`);
    return [...previous, { base: "calendar", event: found.event, text: expanded }];
  },
};

export function monotonicTimer(base: TimerBase): ValueType<readonly TimerValue[]> {
  return {
    expected: 'a time span such as "15min"',
    parse(text, previous = [], context) {
      if (text === "") return undefined;
      const expanded = context.expand(text);
      const seconds = parseTimeSpan(expanded);
      if (seconds === undefined) throw new BadValue(mismatch(this.expected, expanded));
      return [...previous, { base, seconds }];
    },
  };
}

export type WatchKind =
  | "PathExists"
  | "PathExistsGlob"
  | "PathChanged"
  | "PathModified"
  | "DirectoryNotEmpty";

export interface Watch {
  readonly kind: WatchKind;
  /** Absolute; with wildcards for PathExistsGlob. */
  readonly path: string;
}

export function watch(kind: WatchKind): ValueType<readonly Watch[]> {
  return {
    expected: "an absolute path",
    parse(text, previous = [], context) {
      if (text === "") return undefined;
      return [...previous, { kind, path: absolutePath(context.expand(text)) }];
    },
  };
}
