// The checks that configurations of several services share: what becomes a word or a line of some program's configuration
// file, and must not end it.

import { type Check, check } from "../daemon/definition/check.js";
import { isText, listOf } from "../daemon/definition/fields.js";
import { type FileLike, fileLikeCheck, filePath } from "./files/file-like.js";

/** Whether `value` is text of one line: it cannot add a line to a file. */
export const isLine = (value: unknown): value is string =>
  isText(value) && !/[\p{Cc}\u2028\u2029]/u.test(value);

/** Whether `value` is one word of such a line, without quotes and what has a meaning in most configuration files. */
export const isWord = (value: unknown): value is string => isLine(value) && /^[^\s"'`\\;{}#]+$/.test(value);

/** An absolute file name that is one word, and leads straight to where it says. */
export const isPlainPath = (value: unknown): value is string =>
  isWord(value) && value.startsWith("/") && !value.split("/").some((part) => part === "." || part === "..");

export const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** `1` to `65535` in decimal. */
export const isPortText = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && isPort(Number(text));

/** One of some words. */
export function oneOf<Word extends string>(words: readonly Word[]): Check<Word> {
  return check<Word>(`one of ${words.map((word) => `"${word}"`).join(", ")}`, (value) =>
    (words as readonly unknown[]).includes(value),
  );
}

/** For fields that become part of a configuration file. */
export const lines = {
  line: check<string>("a string of one line, without control characters", isLine),
  lines: listOf<string>("a list of strings, each of one line without control characters", isLine),
  word: check<string>("a word, without spaces, control characters, quotes and any of \\;{}#", isWord),
  words: listOf<string>(
    "a list of words, each without spaces, control characters, quotes and any of \\;{}#",
    isWord,
  ),
  path: check<string>(
    "an absolute file name, without `.`, `..`, spaces, control characters, quotes and any of \\;{}#",
    isPlainPath,
  ),
  port: check<number>("a port from 1 to 65535", isPort),
  file: check<FileLike>(
    `${fileLikeCheck.expected}, whose name has no spaces, quotes and any of \\;{}#`,
    (value) => fileLikeCheck.matches(value) && isPlainPath(filePath(value)),
  ),
} as const;
