// Dates and durations in the words of GNU herd in the C locale. Times are seconds since the epoch.

const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `20:49:22 (2 seconds ago)`; with the date when it is not today's. */
export function timeAndAge(time: number, now: number): string {
  const date = new Date(time * 1000);
  const today = new Date(now * 1000);
  // The month counts too: GNU herd forgets it, and prints an alarm a month from now as a bare time.
  const isToday = date.toDateString() === today.toDateString();
  return `${isToday ? clock(date) : fullDate(date)} (${age(now - time)})`;
}

/** `2026-11-20 20:49:22`, the form of log files. */
export function logStamp(time: number): string {
  const date = new Date(time * 1000);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${clock(date)}`;
}

/** `20 Nov 2026 20:49:22`, the form of the event log. */
export function eventStamp(time: number): string {
  const date = new Date(time * 1000);
  const day = String(date.getDate()).padStart(2, " ");
  return `${day} ${monthNames[date.getMonth()]} ${date.getFullYear()} ${clock(date)}`;
}

/** How long something took: `3 seconds`. */
export function duration(seconds: number): string {
  if (seconds < 3 * MINUTE) return count(seconds, "second");
  if (seconds < 3 * HOUR) return count(Math.floor(seconds / MINUTE), "minute");
  return count(Math.floor(seconds / HOUR), "hour");
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** `Sun Nov 22 22:00:00 2026` */
function fullDate(date: Date): string {
  const day = String(date.getDate()).padStart(2, " ");
  return `${dayNames[date.getDay()]} ${monthNames[date.getMonth()]} ${day} ${clock(date)} ${date.getFullYear()}`;
}

function clock(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** `2 minutes ago`, or `in 2 minutes` for a negative number of seconds. */
function age(elapsed: number): string {
  if (elapsed < 0) return `in ${span(-elapsed, true)}`;
  return `${span(elapsed, false)} ago`;
}

/** Just at a boundary GNU herd still counts the future in the smaller unit, and the past in the greater one. */
function span(seconds: number, inclusive: boolean): string {
  const within = (limit: number) => seconds < limit || (inclusive && seconds === limit);
  if (within(2 * MINUTE)) return count(seconds, "second");
  if (within(2 * HOUR)) return count(roundHalfEven(seconds / MINUTE), "minute");
  if (within(2 * DAY)) return count(roundHalfEven(seconds / HOUR), "hour");
  return count(roundHalfEven(seconds / DAY), "day");
}

/** Scheme's rounding. */
function roundHalfEven(number: number): number {
  const floor = Math.floor(number);
  if (number - floor !== 0.5) return Math.round(number);
  return floor % 2 === 0 ? floor : floor + 1;
}
