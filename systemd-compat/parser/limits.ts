// Resource limits, as Limit…= directives have them.

import { parseBounded, parseInteger, parseSize } from "./number.js";
import { parseTimeSpan } from "./time-span.js";

/** By setrlimit's names in lower case, such as `nofile`. */
export type Resource =
  | "cpu"
  | "fsize"
  | "data"
  | "stack"
  | "core"
  | "rss"
  | "nofile"
  | "as"
  | "nproc"
  | "memlock"
  | "locks"
  | "sigpending"
  | "msgqueue"
  | "nice"
  | "rtprio"
  | "rttime";

/** In the unit that setrlimit(2) has for the resource; Infinity for no limit. */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

const sizes = new Set<Resource>(["fsize", "data", "stack", "core", "rss", "as", "memlock", "msgqueue"]);

/** `LIMIT` for both, or `SOFT:HARD`, of which the first may not be greater. */
export function parseLimit(resource: Resource, text: string): ResourceLimit | undefined {
  const [first = "", second = first, ...more] = text.split(":");
  const soft = parseOne(resource, first);
  const hard = parseOne(resource, second);
  if (more.length > 0 || soft === undefined || hard === undefined || soft > hard) return undefined;
  return { soft, hard };
}

function parseOne(resource: Resource, text: string): number | undefined {
  if (resource === "nice") return parseNice(text);
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  if (sizes.has(resource)) return parseSize(text);
  if (resource === "cpu") return parseTime(text, 1);
  // A number without a unit is one of microseconds.
  if (resource === "rttime") return /^\d{1,15}$/.test(text) ? Number(text) : parseTime(text, 1_000_000);
  return parseBounded(text, 0, Number.MAX_SAFE_INTEGER);
}

/** A time in units of which `perSecond` make a second, rounded up. */
function parseTime(text: string, perSecond: number): number | undefined {
  const seconds = parseTimeSpan(text);
  return seconds === undefined ? undefined : Math.ceil(seconds * perSecond);
}

/** The kernel's number, 0 to 40, or with a sign a nice value. */
function parseNice(text: string): number | undefined {
  if (!/^[+-]/.test(text)) return parseBounded(text, 0, 40);
  const nice = parseInteger(text);
  return nice !== undefined && nice >= -20 && nice <= 19 ? 20 - nice : undefined;
}
