// The checks that the configurations of Guix's services share: addresses, what becomes a word of a command, and fields
// that, as in Guix, are `false` where there is nothing.

import { type Check, check, show } from "../../daemon/definition/check.js";
import { fields, isCount, isText, listOf } from "../../daemon/definition/fields.js";
import { isLine, isWord } from "../configuration-checks.js";
import { isFileLike } from "../files/file-like.js";
import type { CommandWord } from "../shepherd/constructors.js";

/** A value, or `false` where there is none. */
export function orFalse<T>(one: Check<T>): Check<T | false> {
  return {
    expected: `${one.expected}, or false`,
    matches: (value): value is T | false => value === false || one.matches(value),
    ...(one.describe === undefined ? {} : { describe: one.describe }),
  };
}

/** Whether `text` is a URI of one of these schemes that names a host, a port that can be, and nobody's password. */
function isUri(value: unknown, schemes: readonly string[]): value is string {
  if (!isWord(value) || !schemes.some((scheme) => value.startsWith(`${scheme}://`)) || !URL.canParse(value))
    return false;
  const { host, username, password, port } = new URL(value);
  return host !== "" && username === "" && password === "" && port !== "0";
}

/** What a message may show of a URI, or of what is to be one: whatever stands before an @ may be a password. */
export const shownUri = (value: unknown): string =>
  show(typeof value === "string" ? value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1***@") : value);

function uri(schemes: readonly string[]): Check<string> {
  const expected = `a URI of scheme ${schemes.join(" or ")}, with a host, a port from 1 to 65535 or none, and no password`;
  return { ...check<string>(expected, (value) => isUri(value, schemes)), describe: shownUri };
}

const web = ["http", "https"] as const;

/** Where somebody listens, such as `http://0.0.0.0:8745`. */
const isListening = (value: unknown): boolean => {
  if (!isUri(value, web)) return false;
  const { pathname, search, hash } = new URL(value);
  return pathname === "/" && search === "" && hash === "";
};

/** A database of the coordinator's: a file of SQLite's, or PostgreSQL. */
const isDatabase = (value: unknown): boolean =>
  isUri(value, ["pg"]) || (isWord(value) && /^sqlite:\/\/\/[^?#]*[^/?#]$/.test(value));

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isPair = (value: unknown): value is readonly [unknown, unknown] => isList(value) && value.length === 2;

export const guixFields = {
  uri: uri(web),
  /** As `uri`, and nothing behind the port. */
  listening: {
    ...check<string>(
      "a URI of scheme http or https to listen at, with a host, a port from 1 to 65535 or none, and nothing behind it",
      isListening,
    ),
    describe: shownUri,
  } satisfies Check<string>,
  database: {
    ...check<string>(
      'a URI such as "sqlite:///var/lib/coordinator.db", or one of scheme pg with a host and without a password',
      isDatabase,
    ),
    describe: shownUri,
  } satisfies Check<string>,
  uris: {
    ...listOf<string>("a list of URIs of scheme http or https, without passwords", (value) =>
      isUri(value, web),
    ),
    describe: (value: unknown) => (isList(value) ? `[ ${value.map(shownUri).join(", ")} ]` : show(value)),
  } satisfies Check<readonly string[]>,
  /** Of programs: whatever can be one word of a command line. */
  options: listOf<string>("a list of strings", isText),
  environment: listOf<string>(
    'a list of "NAME=VALUE" strings',
    (value) => isText(value) && value.indexOf("=") > 0,
  ),
  word: check<string>("a word, without spaces, control characters and quotes", isWord),
  words: listOf<string>("a list of words, each without spaces, control characters and quotes", isWord),
  /** A name of a user or a group. */
  account: check<string>(
    "a name of up to 64 letters, digits and any of _.-, the first of which is a letter or _",
    (value) => typeof value === "string" && /^[a-z_][a-z0-9_.-]{0,63}$/i.test(value),
  ),
  line: check<string>(
    "a string of one line that is not empty",
    (value) => isLine(value) && value.trim() !== "",
  ),
  positive: check<number>("a number from 1 on", (value) => isCount(value) && value >= 1),
  count: check<number>("a number from 0 on", isCount),
  load: check<number>(
    "a number above 0",
    (value) => typeof value === "number" && value > 0 && Number.isFinite(value),
  ),
  pairs: listOf<readonly [string, string]>(
    "a list of pairs of words",
    (value) => isPair(value) && isWord(value[0]) && isWord(value[1]),
  ),
  command: listOf<CommandWord>(
    "a command: a list of strings and files, the program first",
    (value) => isText(value) || isFileLike(value),
    1,
  ),
  path: fields.absoluteFile,
} as const;
