// The checks that fields of definitions and options of constructors share.

import { type Check, check, showList } from "./check.js";

/** The most seconds that a timer of JavaScript can wait; it fires at once when asked to wait longer. */
export const longestDuration = 2_147_483;

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

export const isSeconds = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= longestDuration;

/** No NUL: it would end the string in every system call. */
export const isText = (value: unknown): value is string => typeof value === "string" && !value.includes("\0");

/**
 * Names appear in file names, s-expressions and words of shell commands: up to 200 bytes, without white space, control
 * characters, halves of surrogate pairs or any of `/()[]'"`#;|\,` and not beginning with a dash.
 */
export function isName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value !== "" &&
    value !== "." &&
    value !== ".." &&
    Buffer.byteLength(value) <= 200 &&
    !/[\s\p{Cc}\p{Cs}/()[\]'"`#;|\\,]|^-/u.test(value)
  );
}

/** A list of at least `least` items. */
export function listOf<T>(
  expected: string,
  matches: (item: unknown) => boolean,
  least = 0,
): Check<readonly T[]> {
  return {
    expected,
    // From a copy: `every` would skip the holes of a sparse list.
    matches: (value): value is readonly T[] =>
      Array.isArray(value) && value.length >= least && Array.from(value as unknown[]).every(matches),
    describe: (value) => showList(value, matches),
  };
}

/** A check of what may be, or contain, a secret: a value that does not match is not shown either. */
export function hidden<T>({ expected, matches }: Check<T>): Check<T> {
  return { expected, matches, describe: () => "something else, which is not shown" };
}

const nameRule = "up to 200 bytes, without spaces, slashes, quotes, parentheses or any of #;|\\,";

export const fields = {
  flag: check<boolean>("true or false", (value) => typeof value === "boolean"),
  text: check<string>("a string", isText),
  procedure: check<unknown>("a function", (value) => typeof value === "function"),
  seconds: check<number>(`a number of seconds from 0 to ${longestDuration}`, isSeconds),
  file: check<string>("the name of a file", (value) => isText(value) && value !== ""),
  absoluteFile: check<string>("an absolute file name", (value) => isText(value) && value.startsWith("/")),
  absoluteFiles: listOf<string>(
    "a list of absolute file names",
    (value) => isText(value) && value.startsWith("/"),
  ),
  secrets: hidden(
    listOf<string>("a list of strings that are not empty", (value) => isText(value) && value !== ""),
  ),
  command: check<readonly [string, ...string[]]>(
    "a list of strings, the program first",
    (value) => listOf("", isText, 1).matches(value) && value[0] !== "",
  ),
  name: check<string>(`a name of ${nameRule}`, isName),
  names: listOf<string>(`a list of names, each of ${nameRule}`, isName),
  provision: listOf<string>(`a list of at least one name, each of ${nameRule}`, isName, 1),
  // -1 as an id means "none" to the system calls.
  account: check<string | number>(
    "a name or a number",
    (value) => (isText(value) && value !== "") || (isCount(value) && value < 2 ** 32 - 1),
  ),
} as const;
