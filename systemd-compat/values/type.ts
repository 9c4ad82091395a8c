// What every kind of value of a directive is made of: how it is read, and what it may ask of the unit that it is in.

import { show } from "../../src/daemon/definition/check.js";
import type { Position } from "../diagnostics.js";
import type { UnitName } from "../names.js";

/** What a value may ask of the unit that it is in. */
export interface ValueContext {
  readonly position: Position;
  /** The directive's own name, such as `ExecStart`. */
  readonly directive: string;
  readonly unit: UnitName;
  /** Where relative runtime files go, such as `/run`. */
  readonly runtimeDirectory: string;
  /** Replaces specifiers. @throws BadValue */
  expand(text: string): string;
  /** The same in what becomes the name of a unit, where fewer of them are allowed. @throws BadValue */
  expandName(text: string): string;
  /** Says what is wrong with a part of the value, and what is done about it. */
  warn(what: string, done: string): void;
  /** Says that something works, but is not how it is written nowadays. */
  notice(what: string, done: string): void;
}

/** A value that cannot be: its assignment is ignored or, where the unit would be unsafe without it, the unit is refused. */
export class BadValue extends Error {
  override readonly name = "BadValue";
  readonly refuses: boolean;

  /** @param what such as `expected a boolean, got "maybe"` */
  constructor(what: string, refuses = false) {
    super(what);
    this.refuses = refuses;
  }
}

export interface ValueType<Value> {
  /** What is expected, in words: "a boolean". */
  readonly expected: string;
  /**
   * Gives what the directive stands for after this assignment; undefined if for nothing.
   * @param previous what it stood for before, for lists
   * @throws BadValue; then it is as it was before
   */
  parse(text: string, previous: Value | undefined, context: ValueContext): Value | undefined;
}

/** `expected X, got Y`. */
export function mismatch(expected: string, got: string): string {
  return `expected ${expected}, got ${show(got)}`;
}

/** Reads one value from a text, undefined where it is none. */
export type Reader<Value> = (text: string, context: ValueContext) => Value | undefined;

export interface ScalarOptions {
  /** An empty text is no mistake, and takes back what was assigned before. */
  readonly emptyResets?: boolean;
  /** A mistake makes the unit unusable. */
  readonly refuses?: boolean;
}

/** A directive that stands for its last assignment. */
export function scalar<Value>(
  expected: string,
  read: Reader<Value>,
  { emptyResets = false, refuses = false }: ScalarOptions = {},
): ValueType<Value> {
  return {
    expected,
    parse(text, _previous, context) {
      if (text === "" && emptyResets) return undefined;
      const value = read(text, context);
      if (value === undefined) throw new BadValue(mismatch(expected, text), refuses);
      return value;
    },
  };
}

/** The same type, but with what it needs of a text that is empty. */
export function orEmpty<Value>(type: ValueType<Value>): ValueType<Value> {
  return {
    expected: type.expected,
    parse: (text, previous, context) => (text === "" ? undefined : type.parse(text, previous, context)),
  };
}

/** One of a few words. */
export function choice<Word extends string>(
  words: readonly Word[],
  options: ScalarOptions & { readonly aliases?: Readonly<Record<string, Word>> } = {},
): ValueType<Word> {
  const { aliases = {} } = options;
  const expected = `one of ${words.join(", ")}`;
  return scalar<Word>(
    expected,
    (text) =>
      words.find((word) => word === text) ?? (Object.hasOwn(aliases, text) ? aliases[text] : undefined),
    options,
  );
}
