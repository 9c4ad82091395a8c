// The reader and the writer of s-expressions: round trips, every way of splitting the input, hostile input.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asNumber,
  asPair,
  DottedList,
  keyword,
  pair,
  type Sexp,
  SexpError,
  SexpLiteral,
  SexpVector,
  sym,
} from "../../src/protocol/sexp.js";
import { readSexp, SexpReader } from "../../src/protocol/sexp-reader.js";
import { writeSexp } from "../../src/protocol/sexp-writer.js";
import { below, randomFrom, randomSexp, randomText } from "./generate.js";

const encode = (text: string) => new TextEncoder().encode(text);

test("reads each kind of datum", () => {
  const cases: readonly (readonly [string, Sexp])[] = [
    ["foo", sym("foo")],
    ["a.b", sym("a.b")],
    ["...", sym("...")],
    ["-1+", sym("-1+")],
    ["constructor", sym("constructor")],
    ["#{a b}#", sym("a b")],
    ["#{a\\x28;b}#", sym("a(b")],
    ["#{}#", sym("")],
    ['"a\\n\\t\\"\\\\\\x1b\\u00e9\\U01F600"', 'a\n\t"\\\x1bé😀'],
    ['"con\\\n   tinued"', "continued"],
    ["42", 42],
    ["-7", -7],
    ["340282366920938463463374607431768211455", 2n ** 128n - 1n],
    ["0.1", 0.1],
    ["+inf.0", Infinity],
    ["5.0", new SexpLiteral("5.0")],
    ["1/3", new SexpLiteral("1/3")],
    ["#\\(", new SexpLiteral("#\\(")],
    ["#t", true],
    ["#false", false],
    ["#:log-file", keyword("log-file")],
    ["#:#{a b}#", keyword("a b")],
    ["(a . 1)", new DottedList([sym("a")], 1)],
    ["(a . (b c))", [sym("a"), sym("b"), sym("c")]],
    ["(a . (b . c))", new DottedList([sym("a"), sym("b")], sym("c"))],
    ["#(1 #(2))", new SexpVector([1, new SexpVector([2])])],
    ["[a]", [sym("a")]],
    ["'x", [sym("quote"), sym("x")]],
    ["('x . 'y)", [[sym("quote"), sym("x")], sym("quote"), sym("y")]],
    [
      "`(,a ,@b)",
      [
        sym("quasiquote"),
        [
          [sym("unquote"), sym("a")],
          [sym("unquote-splicing"), sym("b")],
        ],
      ],
    ],
    ["; comment (\n (1;)\n)", [1]],
  ];
  for (const [text, value] of cases) assert.deepEqual(readSexp(text), value, text);
});

test("writes what Guile reads, and writes it as Guile does", () => {
  const cases: readonly (readonly [Sexp, string])[] = [
    ["a\tb\x1b\x7f\n\x07\0é", '"a\\tb\\x1b\\x7f\\n\\a\\x00é"'],
    [sym("a b"), "#{a b}#"],
    [sym("1"), "#{1}#"],
    [sym("+inf.0"), "#{+inf.0}#"],
    [sym("-inf.0"), "#{-inf.0}#"],
    [sym("."), "#{.}#"],
    [sym("-"), "-"],
    [sym("a(b"), "#{a\\x28;b}#"],
    [[sym("quote"), sym("x")], "(quote x)"],
    [Infinity, "+inf.0"],
    [1e21, "1000000000000000000000"],
    [pair(1, pair(2, 3)), "(1 2 . 3)"],
    [keyword("name"), "#:name"],
    [[], "()"],
  ];
  for (const [value, text] of cases) assert.equal(writeSexp(value), text);
});

test("what is written is read back the same, however the bytes are split", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const random = randomFrom(seed);
    const value = randomSexp(random, 4);
    const bytes = encode(`${writeSexp(value)}\n`);
    const reader = new SexpReader();
    let result: Sexp | undefined;
    for (let position = 0; position < bytes.length; ) {
      const next = position + 1 + below(random, 5);
      reader.feed(bytes.subarray(position, next));
      result ??= reader.read();
      position = next;
    }
    assert.deepEqual(result, value, `seed ${seed}`);
    assert.equal(reader.read(), undefined);
    assert.equal(reader.finish(), undefined);
  }
});

test("garbage gives an error or an expression, and never anything else", () => {
  for (let seed = 1; seed <= 2000; seed += 1) {
    const random = randomFrom(seed);
    const text = Array.from({ length: 4 }, () => randomText(random)).join("");
    const reader = new SexpReader({ maxBytes: 200, maxDepth: 5 });
    try {
      reader.feed(encode(text));
      while (reader.read() !== undefined);
      reader.finish();
    } catch (error) {
      assert.ok(error instanceof SexpError, `seed ${seed}: ${String(error)}`);
    }
  }
});

test("several expressions in one chunk come one after the other", () => {
  const reader = new SexpReader();
  reader.feed(encode("(a)1 #t\n"));
  assert.deepEqual(reader.read(), [sym("a")]);
  assert.equal(reader.read(), 1);
  assert.equal(reader.read(), true);
  assert.equal(reader.read(), undefined);
});

test("the last atom ends with the input, and an open list is an error there", () => {
  assert.equal(readSexp("17"), 17);
  assert.throws(() => readSexp("(a"), /unexpected end of input at character 2/);
  assert.throws(() => readSexp('("a'), /unexpected end of input at character 3/);
  assert.throws(() => readSexp("'"), /unexpected end of input/);
  assert.throws(() => readSexp(""), /no expression/);
  assert.throws(() => readSexp("a b"), /more than one expression/);
});

test("errors say what and where", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [")", /unexpected "\)" at character 0/],
    ["(a]", /unexpected "\]" at character 2/],
    ["(. a)", /unexpected "\." at character 1/],
    ["(a . )", /"\)" after a dot at character 5/],
    ["(a . b c)", /more than one datum after a dot at character 8/],
    ["(a #<b>)", /unsupported syntax "#<b>" at character 3/],
    ['"\\q"', /unknown escape "\\q" in the string at character 1/],
    ['"\\ud800"', /escape of no character/],
    ["#{\\xffffff;}#", /unknown escape in the symbol/],
    ["9".repeat(500), /number too long/],
  ];
  for (const [text, pattern] of cases) assert.throws(() => readSexp(text), pattern, text);
});

test("invalid UTF-8 is refused", () => {
  const reader = new SexpReader();
  assert.throws(() => reader.feed(new Uint8Array([0x22, 0xff, 0xfe, 0x22])), /invalid UTF-8 at character 0/);
  assert.throws(() => reader.read(), SexpError);
  const cut = new SexpReader();
  cut.feed(new Uint8Array([0x22, 0xc3]));
  assert.throws(() => cut.finish(), /invalid UTF-8 at character 1/);
});

test("an error is final", () => {
  const reader = new SexpReader();
  reader.feed(encode(")"));
  assert.throws(() => reader.read(), SexpError);
  assert.throws(() => reader.read(), SexpError);
  assert.throws(() => reader.feed(encode("(a)")), SexpError);
});

test("depth and size are bounded, whatever it is that is too deep or too long", () => {
  assert.throws(() => readSexp("(".repeat(65)), /nested more than 64 deep at character 64/);
  assert.throws(() => readSexp("'".repeat(65)), /nested more than 64 deep/);
  assert.throws(() => readSexp("#(".repeat(65)), /nested more than 64 deep/);
  assert.doesNotThrow(() => readSexp("(".repeat(64) + ")".repeat(64)));
  for (const filler of ["a", '"', " ", ";", "#{", "()"]) {
    const reader = new SexpReader({ maxBytes: 1000 });
    const feedAll = () => {
      reader.feed(encode("("));
      for (let index = 0; index < 200; index += 1) {
        reader.feed(encode(filler.repeat(10)));
        reader.read();
      }
    };
    assert.throws(feedAll, /longer than 1000 bytes/, filler);
  }
});

test("a size limit is for one expression, not for the stream", () => {
  const reader = new SexpReader({ maxBytes: 100 });
  for (let index = 0; index < 1000; index += 1) {
    reader.feed(encode(`(${index})\n`));
    assert.deepEqual(reader.read(), [index]);
  }
});

test("a million bytes, one at a time, take linear time", () => {
  const reader = new SexpReader({ maxBytes: 2_000_000 });
  const bytes = encode(`("${"x".repeat(500_000)}" ;${"y".repeat(500_000)}\n)`);
  for (const byte of bytes) {
    reader.feed(Uint8Array.of(byte));
    const value = reader.read();
    if (value !== undefined) assert.equal(byte, 0x29);
  }
});

test("the writer does not overflow the stack", () => {
  let value: Sexp = [];
  for (let depth = 0; depth < 200_000; depth += 1) value = [value];
  assert.equal(writeSexp(value).length, 400_002);
});

test("pairs are the same however they were written", () => {
  assert.deepEqual(asPair(readSexp("(5 . 7)")), [5, 7]);
  assert.deepEqual(asPair(readSexp("(5 7)")), [5, [7]]);
  assert.deepEqual(asPair(readSexp("(5 6 . 7)")), [5, new DottedList([6], 7)]);
  assert.equal(asPair([]), undefined);
  assert.deepEqual(pair(1, [2]), [1, 2]);
  assert.equal(asNumber(readSexp("1/4")), 0.25);
  assert.equal(asNumber(readSexp("5.0")), 5);
  assert.equal(asNumber(readSexp("#\\a")), undefined);
});
