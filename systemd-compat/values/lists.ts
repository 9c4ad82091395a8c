// Values that are lists: words, names of units, documentation.

import { isInstance, isTemplate, parseUnitName, type UnitName, withInstance } from "../names.js";
import { nextWord } from "../parser/next-word.js";
import { type WordOptions, WordReader } from "../parser/words.js";
import { BadValue, mismatch, type ValueContext, type ValueType } from "./type.js";

/** All words of a text. @throws BadValue where a quote is not closed */
export function wordsOf(text: string, options: WordOptions, context: Pick<ValueContext, "warn">): string[] {
  const reader = new WordReader(text);
  const words: string[] = [];
  let word = nextWord(reader, options, context);
  while (word !== undefined) {
    words.push(word);
    word = nextWord(reader, options, context);
  }
  return words;
}

/** For a part of a value that is left out. */
export const leftOut = "it is left out";

interface ListOptions {
  readonly expected: string;
  readonly words?: WordOptions;
  /** Whether an empty assignment takes back what was assigned before; default true. */
  readonly emptyResets?: boolean;
  /** Whether an item that is there already is added again; default true. */
  readonly repeats?: boolean;
}

/**
 * A list that each assignment adds to. A word that is no item is left out, with a warning.
 * @param read gives the item that a word is; throws BadValue where it is none
 */
export function listOf<Item>(
  { expected, words = {}, emptyResets = true, repeats = true }: ListOptions,
  read: (word: string, context: ValueContext) => Item,
): ValueType<readonly Item[]> {
  return {
    expected,
    parse(text, previous = [], context) {
      if (text === "" && emptyResets) return undefined;
      const items = [...previous];
      const known = new Set(previous);
      for (const word of wordsOf(text, words, context)) {
        const found = tolerate(context, () => read(word, context));
        if (found === undefined || (!repeats && known.has(found))) continue;
        items.push(found);
        known.add(found);
      }
      return items;
    },
  };
}

/** What `read` gives; undefined, with a warning, where it fails and the unit can do without. */
export function tolerate<Item>(context: Pick<ValueContext, "warn">, read: () => Item): Item | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadValue) || error.refuses) throw error;
    context.warn(error.message, leftOut);
    return undefined;
  }
}

/** A reader that says what was expected where `read` gives nothing. */
export function checked<Item>(
  expected: string,
  read: (word: string) => Item | undefined,
): (word: string) => Item {
  return (word) => {
    const item = read(word);
    if (item === undefined) throw new BadValue(mismatch(expected, word));
    return item;
  };
}

/** Backslashes are part of names of units. */
const nameWords: WordOptions = { keepBackslashes: true };

/** A unit's name that a word is. */
function readUnit(word: string, context: ValueContext): UnitName {
  const expanded = context.expandName(word);
  const name = parseUnitName(expanded);
  if (name === undefined) throw new BadValue(mismatch("the name of a unit", expanded));
  return name;
}

/**
 * Names of units, which no assignment takes back. A template stands for its instance of the same name as the unit's, or of
 * the unit's prefix.
 */
export const units: ValueType<readonly string[]> = listOf(
  { expected: "names of units", words: nameWords, emptyResets: false, repeats: false },
  (word, context) => withoutTemplate(readUnit(word, context), context.unit).full,
);

/** The unit that a name in another unit means. */
export function withoutTemplate(name: UnitName, unit: UnitName): UnitName {
  if (!isTemplate(name)) return name;
  return withInstance(name, isInstance(unit) ? (unit.instance ?? "") : unit.prefix);
}

/** Names of sockets. */
export const sockets: ValueType<readonly string[]> = listOf(
  { expected: "names of .socket units", words: nameWords, emptyResets: false, repeats: false },
  (word, context) => {
    const name = readUnit(word, context);
    if (name.type !== "socket") throw new BadValue(mismatch("the name of a .socket unit", name.full));
    return withoutTemplate(name, context.unit).full;
  },
);

/** Names of units in [Install], with specifiers, which in a template are replaced only once there is an instance. */
export const installUnits: ValueType<readonly string[]> = listOf(
  { expected: "names of units", words: nameWords, repeats: false },
  (word, context) => (isTemplate(context.unit) ? word : readUnit(word, context).full),
);

/** Addresses of documentation: `man:nginx(8)`, `https://…`. */
export const documentation: ValueType<readonly string[]> = listOf(
  { expected: "addresses of documentation" },
  (word, context) => {
    const expanded = context.expand(word);
    if (/^(?:https?:\/\/|file:\/|info:|man:)[^\s\p{Cc}]+$/u.test(expanded)) return expanded;
    throw new BadValue(
      mismatch("an address that begins with http://, https://, file:/, info: or man:", expanded),
    );
  },
);

/** Words with specifiers. */
export const words: ValueType<readonly string[]> = listOf({ expected: "words" }, (word, context) =>
  context.expand(word),
);
