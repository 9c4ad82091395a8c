// What a client of the REPL types: lines, and whether an input goes on.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isIncomplete, linesOf, longestInput } from "../../src/repl/input.js";

async function* chunks(...texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

describe("lines", () => {
  it("are put together from chunks; the last may lack its end", async () => {
    const lines = await all(linesOf(chunks("a", "b\r\n\nc\nd", "e")));
    assert.deepEqual(lines, ["ab", "", "c", "de"]);
    assert.deepEqual(await all(linesOf(chunks())), []);
  });

  it("are not endless", async () => {
    const endless = chunks("x".repeat(longestInput), "x");
    await assert.rejects(all(linesOf(endless)), /a line has more than 262144 characters/);
  });
});

describe("an input", () => {
  const goesOn = [
    "f(",
    "f(1,",
    "[1,",
    "{",
    "x => {",
    "if (x) {",
    "a +",
    "`text",
    "/* comment",
    "await f({",
    "class A {",
  ];
  for (const source of goesOn) it(`${source} goes on`, () => assert.equal(isIncomplete(`${source}\n`), true));
  const complete = [
    "",
    "1",
    "f()",
    "a b",
    "f(1 2",
    ")",
    "'text",
    "/regexp",
    "await f()",
    "return 5",
    "const x = await y",
    "/* a */ 1",
  ];
  for (const source of complete)
    it(`${source} does not`, () => assert.equal(isIncomplete(`${source}\n`), false));
});
