// Checks of what a configuration says, with messages that name the place, the service, the field and what was expected.

import { inspect } from "node:util";
import { callSite, formatPosition, userPosition } from "./call-site.js";
import { maskedValue } from "./secrets.js";
import { suggestion } from "./suggestion.js";
import type { SourcePosition } from "./types.js";

/** A definition that cannot be. The message is complete: FILE:LINE:COLUMN, service, field, what was expected. */
export class DefinitionError extends Error {
  override readonly name = "DefinitionError";
}

/** What is being checked, for messages. */
export interface Subject {
  /** Such as `service "web"` or `makeForkexecConstructor`. */
  readonly what: string;
  /** Where it is, in the compiled file, if that was asked for already. */
  readonly position?: SourcePosition | undefined;
  /** Texts that no message may show. */
  readonly secrets?: readonly string[] | undefined;
}

/** To be called while the builder that was called with the mistake has not returned: its caller is the place. */
export function fail({ what, position = callSite() }: Subject, text: string): never {
  const place = position === undefined ? "" : `${formatPosition(userPosition(position))}: `;
  throw new DefinitionError(`${place}${what}: ${text}`);
}

/** A check of one value: what it expects, in words, and whether a value is that. */
export interface Check<T> {
  readonly expected: string;
  matches(value: unknown): value is T;
  /** Shows a value that does not match, where `show` would hide what is wrong with it. */
  describe?(value: unknown): string;
}

export function check<T>(expected: string, matches: (value: unknown) => boolean): Check<T> {
  return { expected, matches: matches as (value: unknown) => value is T };
}

/** A check for each field of T. */
export type Checks<T> = { readonly [field in keyof T & string]-?: Check<unknown> };

/** Fails unless `value` passes `one`; `name` is such as `field "user"`. */
export function checkValue<T>(of: Subject, value: unknown, one: Check<T>, name?: string): T {
  if (one.matches(value)) return value;
  const shown = of.secrets === undefined ? value : maskedValue(value, of.secrets);
  const got = one.describe?.(shown) ?? show(shown);
  return fail(of, `${name === undefined ? "" : `${name}: `}expected ${one.expected}, got ${got}`);
}

/**
 * Checks every field of `record`, and that it has no other. Gives what was checked, each field read once; a field that is
 * undefined counts as absent.
 */
export function checkFields<T extends object>(of: Subject, record: T, checks: Checks<T>): T {
  if (!isRecord(record)) fail(of, `expected an object with options, got ${show(record)}`);
  const known: Readonly<Record<string, Check<unknown>>> = checks;
  const checked: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(record)) {
    const one = Object.hasOwn(known, field) ? known[field] : undefined;
    if (one === undefined) fail(of, `unknown field ${show(field)}${suggestion(field, Object.keys(known))}`);
    if (value !== undefined) checked[field] = checkValue(of, value, one, `field "${field}"`);
  }
  return checked as T;
}

const longestShown = { string: 80, items: 5, whole: 120 } as const;

/** A value as an error message shows it: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    const { string } = longestShown;
    return JSON.stringify(value.length > string ? `${value.slice(0, string)}…` : value);
  }
  const text = inspect(value, {
    // What a constructor carries is not for messages: there may be secrets in it.
    depth: typeof value === "function" ? 0 : 1,
    breakLength: Number.POSITIVE_INFINITY,
    customInspect: false,
    maxStringLength: longestShown.string,
    maxArrayLength: longestShown.items,
  });
  return text.length > longestShown.whole ? `${text.slice(0, longestShown.whole)}…` : text;
}

/** A list as an error message shows it: only the first item that is wrong where there is no room for them all. */
export function showList(value: unknown, matches: (item: unknown) => boolean): string {
  const whole = show(value);
  if (!Array.isArray(value) || (value.length <= longestShown.items && !whole.endsWith("…"))) return whole;
  const index = Array.from(value as unknown[]).findIndex((item) => !matches(item));
  return index < 0 ? whole : `${show(value[index])} as item ${index + 1}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
