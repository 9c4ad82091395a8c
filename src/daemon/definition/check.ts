// Checks of what a configuration says, with messages that name the place, the service, the field and what was expected.

import { inspect } from "node:util";
import { callSite, formatPosition, userPosition } from "./call-site.js";
import type { SourcePosition } from "./types.js";

/** A definition that cannot be. The message is complete: FILE:LINE:COLUMN, service, field, what was expected. */
export class DefinitionError extends Error {
  override readonly name = "DefinitionError";
}

/** What is being checked, for messages. */
export interface Subject {
  /** Such as `service "web"` or `makeForkexecConstructor`. */
  readonly what: string;
  readonly position: SourcePosition | undefined;
}

export function subject(what: string): Subject {
  return { what, position: callSite() };
}

export function fail({ what, position }: Subject, text: string): never {
  const place = position === undefined ? "" : `${formatPosition(userPosition(position))}: `;
  throw new DefinitionError(`${place}${what}: ${text}`);
}

/** A check of one field: what it expects, in words, and whether a value is that. */
export interface Check<T> {
  readonly expected: string;
  matches(value: unknown): value is T;
}

export function check<T>(expected: string, matches: (value: unknown) => boolean): Check<T> {
  return { expected, matches: matches as (value: unknown) => value is T };
}

/** Checks every field of `record` and that it has no other; fields that are absent or undefined pass. */
export function checkFields(
  of: Subject,
  record: unknown,
  checks: Readonly<Record<string, Check<unknown>>>,
): asserts record is object {
  if (!isRecord(record)) fail(of, `expected an object with options, got ${show(record)}`);
  for (const [field, value] of Object.entries(record)) {
    const one = Object.hasOwn(checks, field) ? checks[field] : undefined;
    if (one === undefined) fail(of, `unknown field "${field}"${suggestion(field, Object.keys(checks))}`);
    if (value !== undefined && !one.matches(value)) {
      fail(of, `field "${field}": expected ${one.expected}, got ${show(value)}`);
    }
  }
}

/** A value as an error message shows it: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === "string" && value.length <= 80) return JSON.stringify(value);
  const text = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 80,
    maxArrayLength: 5,
  });
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function suggestion(given: string, known: readonly string[]): string {
  const scored = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = scored;
  return best !== undefined && best.distance <= 3 ? `; did you mean "${best.name}"?` : "";
}

/** Levenshtein's, of short names. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const boolean = check<boolean>("true or false", (value) => typeof value === "boolean");
const string = check<string>("a string", (value) => typeof value === "string");
const func = check<(...args: never[]) => unknown>("a function", (value) => typeof value === "function");
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
const isDuration = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
const duration = check<number>("a number of seconds, 0 or more", isDuration);

/** No NUL: it would end the string in every system call. */
const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");
const path = check<string>("the name of a file", (value) => isText(value) && value !== "");
const list = (of: string, matches: (item: unknown) => boolean): Check<readonly unknown[]> =>
  check(of, (value) => Array.isArray(value) && value.every(matches));
const command = check<readonly [string, ...string[]]>(
  "a list of strings, the program first",
  (value) => Array.isArray(value) && value.length > 0 && value.every(isText) && value[0] !== "",
);

/**
 * Names must be safe in file names, s-expressions and shells: up to 200 bytes, without white space, control characters
 * or any of `/()'"`#;|\` and not beginning with a dash.
 */
export function isName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value !== "." &&
    value !== ".." &&
    Buffer.byteLength(value) <= 200 &&
    !/[\s\p{Cc}/()[\]'"`#;|\\,]|^-/u.test(value)
  );
}
const nameRule = "names of up to 200 bytes without spaces, slashes, quotes, parentheses or any of #;|\\,";
const names = list(`a list of ${nameRule}`, isName);
const provision = check<readonly [string, ...string[]]>(
  `a list of at least one name: ${nameRule}`,
  (value) => Array.isArray(value) && value.length > 0 && value.every(isName),
);

const account = check<string | number>(
  "a name or a number",
  (value) => (isText(value) && value !== "") || (isCount(value) && value < 2 ** 32 - 1),
);

export const checks = {
  boolean,
  string,
  func,
  duration,
  path,
  list,
  command,
  names,
  provision,
  account,
  isCount,
  isDuration,
  isText,
};
