// Scheme in configurations: pieces of programs that Guix has as G-expressions are strings here, with Scheme source.

import { check } from "../../daemon/definition/check.js";
import { isText, listOf } from "../../daemon/definition/fields.js";
import type { SoftwarePackage } from "../files/software-package.js";

/** A string literal of Guile's: a control character is `\x` and two digits, without the semicolon of other Schemes. */
export function schemeString(text: string): string {
  const escaped = text.replace(/[\\"\p{Cc}]/gu, (one) =>
    one === "\\" || one === '"'
      ? `\\${one}`
      : `\\x${(one.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}

/** What can stand inside an expression, longest first: comments and literals hide brackets. */
const token =
  /;[^\n]*|#\|[\s\S]*?\|#|"(?:\\[\s\S]|[^"\\])*"|#\\(?:[A-Za-z0-9]+|[\s\S])|[()[\]]|[^\s()[\]";]+/gu;

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]" };

/**
 * How many data there are at the top level of Scheme source; undefined where brackets are not balanced or a string has no
 * end. It is no reader: it finds what would break the program that the source becomes a part of.
 */
export function countData(source: string): number | undefined {
  const open: string[] = [];
  let count = 0;
  let prefixed = false;
  for (const [text] of source.matchAll(token)) {
    if (text.startsWith(";") || text.startsWith("#|")) continue;
    if (text.startsWith('"') && (text.length < 2 || !text.endsWith('"'))) return undefined;
    if (text === ")" || text === "]") {
      if (prefixed || open.pop() !== text) return undefined;
      continue;
    }
    // A quote, or the mark of a vector, belongs to the datum that follows.
    const isPrefix = /^(?:[#']|`|,@?|#[~$]@?|[^"]*['`,])$/.test(text);
    if (open.length === 0 && !prefixed) count += 1;
    prefixed = isPrefix;
    const closes = closing[text];
    if (closes !== undefined) open.push(closes);
  }
  const rest = source.replace(token, "");
  return open.length > 0 || prefixed || rest.trim() !== "" ? undefined : count;
}

/** Source as a part of more: a comment at its end must not go on behind it. */
export const embedded = (source: string): string => (/;[^\n]*$/.test(source) ? `${source}\n` : source);

/** A G-expression's mark belongs to Guix's own syntax, which a plain Guile does not have. */
const isExpression = (value: unknown): value is string =>
  isText(value) && countData(value) === 1 && !/^\s*#[~$]/.test(value);

export const schemeFields = {
  expression: check<string>(
    "a string with Scheme source of one expression, its brackets balanced and without #~",
    isExpression,
  ),
  expressions: listOf<string>(
    "a list of strings with Scheme source, brackets balanced",
    (value) => isText(value) && (countData(value) ?? 0) > 0,
  ),
  data: listOf<string>("a list of strings, each with Scheme source of one datum", isExpression),
} as const;

/** A name that can be quoted. */
export const isSymbol = (value: unknown): value is string =>
  isText(value) && /^[A-Za-z!$%&*/:<=>?^_~][\w!$%&*/:<=>?^~+.@-]*$/.test(value);

/**
 * The text of a Guile program that finds the modules of `libraries` where its packages have them.
 *
 * @param guile the interpreter's package
 */
export function guileProgram(
  guile: SoftwarePackage,
  libraries: readonly SoftwarePackage[],
  body: string,
): string {
  const directories = (suffix: string): string =>
    libraries.map(({ prefix }) => schemeString(`${prefix}/${suffix}`)).join(" ");
  return `#!${guile.prefix}/bin/guile --no-auto-compile
!#
(eval-when (expand load eval)
  (set! %load-path (append (list ${directories("share/guile/site/3.0")}) %load-path))
  (set! %load-compiled-path
    (append (list ${directories("lib/guile/3.0/site-ccache")}) %load-compiled-path)))
${body}`;
}
