// OnCalendar= by the supervisor's own calendar.

import { DefinitionError } from "../../src/daemon/definition/check.js";
import type { CalendarEvent } from "../../src/daemon/timers/calendar/event.js";
import { onCalendar } from "../../src/daemon/timers/calendar/on-calendar.js";

const longest = 1000;

/** The event, or why it is none. */
export function parseCalendar(
  text: string,
): { readonly event: CalendarEvent } | { readonly problem: string } {
  if (text.length > longest) return { problem: `expected no more than ${longest} characters` };
  try {
    return { event: onCalendar(text) };
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    // Who called `onCalendar` is no news to who wrote the unit.
    return { problem: error.message.replace(/^[\s\S]*?onCalendar(?:\("(?:[^"\\]|\\.)*"\))?: /, "") };
  }
}
