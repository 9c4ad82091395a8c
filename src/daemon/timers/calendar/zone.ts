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

/** The period in which an instant lies; without a zone, of the local one. */
export function periodAt(instant: number, timeZone = localTimeZone()): Period {
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

/** An empty TZ is UTC to the C library, and unknown to Node. */
function localTimeZone(): string {
  const zone = Temporal.Now.timeZoneId();
  return zone === "Etc/Unknown" ? "UTC" : zone;
}
