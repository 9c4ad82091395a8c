// Scheme in configurations: what is quoted, and what counts as whole source.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countData, isSymbol, schemeString } from "../../../src/services/guix/scheme.js";

describe("countData", () => {
  const table: readonly [source: string, count: number | undefined][] = [
    ["basic-build-allocation-strategy", 1],
    ["(lambda (x) x)", 1],
    ["[a b]", 1],
    ["(a [b) c]", undefined],
    ["a b", 2],
    ["#:key 5", 2],
    ["'(a b)", 1],
    ["`(a ,b ,@c)", 1],
    ["#(1 2)", 1],
    ['"a ) b"', 1],
    ['"a \\" )"', 1],
    ['"no end', undefined],
    ["#\\(", 1],
    ["(a #\\) b)", 1],
    ["a ; (", 1],
    ["a #| ( |# b", 2],
    ["(", undefined],
    [")", undefined],
    [") (", undefined],
    ["'", undefined],
    ["(a ')", undefined],
    ["", 0],
    ["; nothing", 0],
  ];
  for (const [source, count] of table)
    it(`${JSON.stringify(source)}: ${count}`, () => assert.equal(countData(source), count));
});

it("strings have nothing that would end them", () => {
  assert.equal(schemeString('a"b\\c\nd\x7fé'), '"a\\"b\\\\c\\x0ad\\x7fé"');
});

it("symbols are names that can be quoted", () => {
  for (const name of ["build-success", "a?", "->b", "x.y"])
    assert.equal(isSymbol(name), !name.startsWith("-"), name);
  for (const name of ["", "a b", "1", "(", "a'b", "#t", 5]) assert.equal(isSymbol(name), false, String(name));
});
