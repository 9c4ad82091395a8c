// The values of the control protocol: s-expressions, as JavaScript values where one fits and as small classes elsewhere.

/** A Scheme symbol, such as `running`. */
export class SexpSymbol {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A keyword, such as `#:log-file`. */
export class SexpKeyword {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** `(a b . tail)`. The tail is never a list: `(a . (b))` is the list `(a b)`. */
export class DottedList {
  readonly items: readonly Sexp[];
  readonly tail: Sexp;
  constructor(items: readonly Sexp[], tail: Sexp) {
    this.items = items;
    this.tail = tail;
  }
}

/** `#(a b)`. */
export class SexpVector {
  readonly items: readonly Sexp[];
  constructor(items: readonly Sexp[]) {
    this.items = items;
  }
}

/** A datum that no JavaScript value stands for (`1/3`, `5.0`, which is not `5`, `#\a`), kept as it was written. */
export class SexpLiteral {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A list is an array. A number that is no integer is a float; an integer beyond 2^53 is a bigint. */
export type Sexp =
  | string
  | number
  | bigint
  | boolean
  | SexpSymbol
  | SexpKeyword
  | SexpLiteral
  | SexpVector
  | DottedList
  | readonly Sexp[];

/** Why a text is not an s-expression, or none of those that we accept; the offset counts characters of the stream. */
export class SexpError extends Error {
  readonly offset: number;
  constructor(reason: string, offset: number) {
    super(`cannot read s-expression: ${reason} at character ${offset}`);
    this.name = "SexpError";
    this.offset = offset;
  }
}

export function sym(name: string): SexpSymbol {
  return new SexpSymbol(name);
}

export function keyword(name: string): SexpKeyword {
  return new SexpKeyword(name);
}

/** `(head . tail)`, which is a list where the tail is one. */
export function pair(head: Sexp, tail: Sexp): Sexp {
  if (isList(tail)) return [head, ...tail];
  if (tail instanceof DottedList) return new DottedList([head, ...tail.items], tail.tail);
  return new DottedList([head], tail);
}

export function isList(value: Sexp | undefined): value is readonly Sexp[] {
  return Array.isArray(value);
}

export function isSymbol(value: Sexp | undefined, name: string): boolean {
  return value instanceof SexpSymbol && value.name === name;
}

export function symbolName(value: Sexp | undefined): string | undefined {
  return value instanceof SexpSymbol ? value.name : undefined;
}

/** The two halves of `(head . tail)`, whichever way it was written. */
export function asPair(value: Sexp | undefined): readonly [head: Sexp, tail: Sexp] | undefined {
  if (value instanceof DottedList) {
    const [head, ...rest] = value.items;
    if (head === undefined) return undefined;
    return [head, rest.length === 0 ? value.tail : new DottedList(rest, value.tail)];
  }
  if (!isList(value)) return undefined;
  const [head, ...rest] = value;
  return head === undefined ? undefined : [head, rest];
}

/** The number that a datum stands for; a literal (`5.0`, `1/2`) is converted. */
export function asNumber(value: Sexp | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (!(value instanceof SexpLiteral)) return undefined;
  const [numerator, denominator] = value.text.split("/");
  const quotient = Number(numerator) / Number(denominator ?? 1);
  return Number.isNaN(quotient) ? undefined : quotient;
}

/** The symbols, or the strings, of a list as strings; undefined when it is no such list. */
export function asNames(value: Sexp | undefined): string[] | undefined {
  return mapList(value, symbolName);
}

export function asStrings(value: Sexp | undefined): string[] | undefined {
  return mapList(value, (item) => (typeof item === "string" ? item : undefined));
}

export function asNumbers(value: Sexp | undefined): number[] | undefined {
  return mapList(value, asNumber);
}

/** Converts every item of a list; undefined when it is no list or an item does not convert. */
export function mapList<T>(value: Sexp | undefined, convert: (item: Sexp) => T | undefined): T[] | undefined {
  if (!isList(value)) return undefined;
  const converted: T[] = [];
  for (const item of value) {
    const result = convert(item);
    if (result === undefined) return undefined;
    converted.push(result);
  }
  return converted;
}

/** The first value of each `(key value …)` of an association list, by key; what is no such entry is passed over. */
export function fieldsOf(entries: readonly Sexp[]): Map<string, Sexp> {
  const fields = new Map<string, Sexp>();
  for (const entry of entries) {
    if (!isList(entry)) continue;
    const key = symbolName(entry[0]);
    const value = entry[1];
    if (key !== undefined && value !== undefined && !fields.has(key)) fields.set(key, value);
  }
  return fields;
}

/** The fields of `(tag (version 0 …) field…)`; undefined for anything else. */
export function recordFields(value: Sexp | undefined, tag: string): Map<string, Sexp> | undefined {
  if (!isList(value) || !isSymbol(value[0], tag) || versionWords(value[1]) === undefined) return undefined;
  return fieldsOf(value.slice(2));
}

/** What follows the 0 in `(version 0 …)`: a peer that does not know those words passes over them. */
export function versionWords(value: Sexp | undefined): readonly Sexp[] | undefined {
  if (!isList(value) || !isSymbol(value[0], "version") || value[1] !== 0) return undefined;
  return value.slice(2);
}

/** `(tag (version 0) (key value)…)`. */
export function record(tag: string, fields: readonly (readonly [key: string, value: Sexp])[]): Sexp {
  return [sym(tag), [sym("version"), 0], ...fields.map(([key, value]) => [sym(key), value])];
}
