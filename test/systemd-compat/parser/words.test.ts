// Splitting into words: quotes, escapes, separators; and the same as systemd's own library does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { splitWords, WordError, type WordOptions } from "../../../systemd-compat/parser/words.js";
import { type Answer, ask, noLibrary, wordFlags } from "../oracles/libsystemd.js";
import { randomTexts } from "../oracles/random.js";

const escapes = { cEscapes: true };

const rows: readonly (readonly [text: string, words: readonly string[], options?: WordOptions])[] = [
  ["", []],
  [" \t ", []],
  ["a b\tc", ["a", "b", "c"]],
  ["\"a b\" 'c d'", ["a b", "c d"]],
  ['a"b c"d', ["ab cd"]],
  ["''", [""]],
  ["\"it's\" '\"'", ["it's", '"']],
  ["a\\ b", ["a b"]],
  ["a\\ b", ["a\\ b"], { keepBackslashes: true, separators: "," }],
  [String.raw`a\x20b \101 \u00e9 \U0001F600 \s. \t\n\\`, ["a b", "A", "é", "😀", " .", "\t\n\\"], escapes],
  [String.raw`"a\"b" 'c\'d'`, ['a"b', "c'd"], escapes],
  [String.raw`\xc3\xa9`, ["é"], escapes],
  ["a:b::c", ["a", "b", "", "c"], { separators: ":", everySeparator: true }],
  ["a:", ["a", ""], { separators: ":", everySeparator: true }],
  [String.raw`a\:b:c`, ["a:b", "c"], { separators: ":", everySeparator: true, unescapeSeparators: true }],
  ["a 'b c", ["a", "b c"], { relaxed: true }],
  ["'a' b", ["'a'", "b"], { unquote: false }],
  [String.raw`a\qb`, ["a\\qb"], { cEscapes: true, keepUnknownEscapes: true }],
];

for (const [text, words, options = {}] of rows)
  test(`${JSON.stringify(text)} with ${JSON.stringify(options)}`, () =>
    assert.deepEqual(splitWords(text, options), words));

test("mistakes are told apart", () => {
  const mistake = (text: string, options: WordOptions) => {
    try {
      splitWords(text, options);
    } catch (error) {
      return error instanceof WordError ? error.mistake : error;
    }
    return "none";
  };
  assert.equal(mistake("a 'b", escapes), "quote");
  assert.equal(mistake(String.raw`a\q`, escapes), "escape");
  assert.equal(mistake("a\\", escapes), "escape");
  assert.equal(mistake(String.raw`\xff`, escapes), "encoding");
  assert.equal(mistake(String.raw`\x00`, escapes), "escape");
  assert.equal(mistake(String.raw`\400`, escapes), "escape");
  assert.equal(mistake(String.raw`\ud800`, escapes), "escape");
});

const pieces = [
  "a",
  "b",
  " ",
  "  ",
  "\t",
  "'",
  '"',
  "\\",
  "\\\\",
  "\\x41",
  "\\n",
  "\\s",
  "\\101",
  "\\u00e9",
  "é",
  ":",
  ";",
];

const choices: readonly WordOptions[] = [
  {},
  escapes,
  { cEscapes: true, keepUnknownEscapes: true },
  { keepBackslashes: true },
  { relaxed: true },
  { unquote: false },
  { separators: ":", everySeparator: true },
  { separators: ":", everySeparator: true, cEscapes: true, unescapeSeparators: true, unquote: false },
];

function flagsOf(options: WordOptions): number {
  const given: Readonly<Record<string, unknown>> = { unquote: true, ...options };
  return Object.entries(wordFlags).reduce((sum, [name, flag]) => sum + (given[name] === true ? flag : 0), 0);
}

test("4,000 texts are split as systemd splits them", { skip: noLibrary }, () => {
  const texts = randomTexts(1, 500, pieces, 12);
  for (const options of choices) {
    const separators = options.separators ?? " \t\n\r";
    const answers = ask(texts.map((text) => ["words", text, separators, String(flagsOf(options))]));
    for (const [index, text] of texts.entries()) {
      const ours: Answer = answerOf(() => splitWords(text, options));
      const about = `${JSON.stringify(text)} with ${JSON.stringify(options)}`;
      assert.deepEqual(ours, answers[index], about);
    }
  }
});

/** What we say, in the oracle's words: -EINVAL for any mistake. */
function answerOf(split: () => string[]): Answer {
  try {
    return split();
  } catch (error) {
    if (error instanceof WordError) return -22;
    throw error;
  }
}
