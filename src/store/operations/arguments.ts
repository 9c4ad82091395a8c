// Checks of the arguments of requests.

import { type Check, check, checkValue } from "../../daemon/definition/check.js";
import { fields, isText, listOf } from "../../daemon/definition/fields.js";

/** What the protocol has as 32 bits. */
export const isWord = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32;

const isFile = fields.absoluteFile.matches;

export const argument = {
  path: fields.absoluteFile,
  paths: listOf<string>("a list of absolute file names", isFile),
  flag: fields.flag,
  text: fields.text,
  name: check<string>("a name that is not empty", (value) => isText(value) && value !== ""),
  count: check<number>("a whole number, 0 or more, of 32 bits", isWord),
  bytes: check<number>(
    "a whole number of bytes, 0 or more",
    (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  ),
} as const;

/** Gives `value`; fails unless it is what `one` expects of the argument `name` of the function `what`. */
export function checkArgument<T>(what: string, name: string, value: T, one: Check<T>): T {
  return checkValue({ what }, value, one, `argument "${name}"`);
}
