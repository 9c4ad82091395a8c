// The owner's documents whose examples the tests of this directory are, and a check that no example was forgotten.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it, type TestContext } from "node:test";

const directory = "../shared/seeds";

/** Between a quotation and what is claimed of it, in the name of a test; `table.ts` makes two columns of it. */
export const arrow = " ⇒ ";

/** How much of a long quotation a test's name shows. */
const shown = 90;

/** Records of a document: by name their fields, each with the text of its default, in their order. */
export type RecordFields = Readonly<
  Record<string, readonly (readonly [field: string, text: string | undefined])[]>
>;

export type TestBody = (t: TestContext) => void | Promise<void>;

export class Seed {
  readonly #text: string | undefined;
  /** The same with single spaces. */
  readonly #collapsed: Collapsed;
  readonly #quotations: string[] = [];
  readonly #name: string;

  /** @param number the three digits that the document's name begins with */
  constructor(number: string) {
    const name = existsSync(directory)
      ? readdirSync(directory).find((one) => one.startsWith(`${number}_`))
      : undefined;
    this.#name = join(directory, `${number}_*.txt`);
    this.#text = name === undefined ? undefined : readFileSync(join(directory, name), "utf8");
    this.#collapsed = collapse(this.#text ?? "");
  }

  /** The document, or undefined where it is not there. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Why a test that compares with the document cannot be run; false where it can. */
  get skip(): string | false {
    return this.#text === undefined ? `needs the owner's document, ${this.#name}` : false;
  }

  /**
   * A test of what the document says.
   *
   * @param quotation a part of the document, word for word, but for white space
   * @param claim what the test sees
   */
  says(quotation: string, claim: string, body: TestBody): void {
    const words = collapse(quotation).text;
    this.#quotations.push(words);
    const short = words.length > shown ? `${words.slice(0, shown - 1)}…` : words;
    it(`${short}${arrow}${claim}`, async (t) => {
      // Where the document is not there the example is tested nevertheless.
      if (this.#text !== undefined)
        assert.ok(this.#collapsed.text.includes(words), `the document has: ${words}`);
      await body(t);
    });
  }

  /**
   * A test that the document describes these records, with these fields and defaults, and no others.
   *
   * @param heading matches a line that names a record, as its first group
   * @param field matches a line that names a field, as its first group, and its default, if it has one, as its second
   */
  hasRecords(records: RecordFields, heading: RegExp, field: RegExp): void {
    it("the document has these records with these fields and defaults, and no others", {
      skip: this.skip,
    }, () => {
      const parsed: Record<string, (readonly [string, string | undefined])[]> = {};
      let current: (readonly [string, string | undefined])[] = [];
      for (const line of (this.#text ?? "").replaceAll("\u{a0}", " ").split("\n")) {
        const [, record] = heading.exec(line) ?? [];
        const [, name, text] = field.exec(line) ?? [];
        if (record !== undefined) {
          current = [];
          parsed[record] = current;
        } else if (name !== undefined) current.push([name, text]);
      }
      assert.deepEqual(parsed, records);
    });
  }

  /**
   * A test that every part of the document which matches one of the patterns is quoted above. The patterns find what an
   * example, a default or a definition looks like in the document.
   *
   * @param least how many there are at least: patterns that find nothing would prove nothing
   */
  hasNoOther(what: string, least: number, patterns: readonly RegExp[]): void {
    it(`no other ${what} is in the document`, { skip: this.skip }, () => {
      const original = this.#text ?? "";
      const { text, positions } = this.#collapsed;
      const quoted = this.#quotations.flatMap((words) => occurrences(text, words));
      const found = patterns.flatMap((pattern) => [...original.matchAll(pattern)]);
      assert.ok(found.length >= least, `${found.length} found`);
      const forgotten = found.filter(({ 0: match, index }) => {
        const start = positions[index + match.length - match.trimStart().length] ?? 0;
        const end = start + collapse(match).text.length;
        return !quoted.some(([from, to]) => from <= start && end <= to);
      });
      assert.deepEqual(
        forgotten.map(([match]) => match.trim()),
        [],
      );
    });
  }
}

interface Collapsed {
  /** With single spaces in the place of all white space, and none at both ends. */
  readonly text: string;
  /** For each place in the original, the place that it has in the text. */
  readonly positions: readonly number[];
}

function collapse(original: string): Collapsed {
  const positions: number[] = [];
  let text = "";
  for (const unit of original.split("")) {
    const isSpace = /[\s\u{200b}]/u.test(unit);
    positions.push(
      isSpace && (text === "" || text.endsWith(" ")) ? Math.max(0, text.length - 1) : text.length,
    );
    if (!isSpace) text += unit;
    else if (text !== "" && !text.endsWith(" ")) text += " ";
  }
  return { text: text.trimEnd(), positions };
}

function occurrences(text: string, words: string): readonly (readonly [from: number, to: number])[] {
  const found: [number, number][] = [];
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1))
    found.push([at, at + words.length]);
  return found;
}
