// What a time zone's clock shows, from Temporal: the only module here that loads it.

import { Temporal } from "temporal-polyfill";

/** A time in which the clock is never set. All are milliseconds; instants are since the epoch. */
export interface Period {
  /** What to add to an instant for what the clock shows. */
  readonly offset: number;
  /** The instant at which the clock is set next; infinite where it never is. */
  readonly end: number;
  /** The offset from then on. */
  readonly nextOffset: number;
}

/** Of each zone the period that was asked for last, which hundreds of timers ask for again: from when on, and it. */
const known = new Map<string, { readonly from: number; readonly period: Period }>();

/** The period in which an instant lies; without a zone, of the local one. */
export function periodAt(instant: number, timeZone = localTimeZone()): Period {
  const last = known.get(timeZone);
  if (last !== undefined && instant >= last.from && instant < last.period.end) return last.period;
  const period = findPeriod(instant, timeZone);
  known.set(timeZone, { from: instant, period });
  return period;
}

function findPeriod(instant: number, timeZone: string): Period {
  const time = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timeZone);
  const next = time.getTimeZoneTransition("next");
  const offset = offsetOf(time);
  return next === null
    ? { offset, end: Number.POSITIVE_INFINITY, nextOffset: offset }
    : { offset, end: next.epochMilliseconds, nextOffset: offsetOf(next) };
}

function offsetOf(time: Temporal.ZonedDateTime): number {
  return time.offsetNanoseconds / 1e6;
}

/** The local zone, and by which TZ it is that one: Node takes longer to find its name than all else here. */
let local: { readonly variable: string | undefined; readonly zone: string } | undefined;

function localTimeZone(): string {
  const variable = process.env.TZ;
  if (local === undefined || local.variable !== variable) {
    const zone = Temporal.Now.timeZoneId();
    // An empty TZ is UTC to the C library, and unknown to Node.
    local = { variable, zone: zone === "Etc/Unknown" ? "UTC" : zone };
  }
  return local.zone;
}
