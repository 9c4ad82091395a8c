// What is typed in, evaluated with variables that last.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { errorText } from "../../src/daemon/error-text.js";
import { evaluate, Scope } from "../../src/daemon/evaluate.js";

const inputs: readonly (readonly [source: string, shown: string])[] = [
  ["6 * 7", "42"],
  ["{ a: 1 }", "{ a: 1 }"],
  ["({ a: 1 })", "{ a: 1 }"],
  ["{ let a = 1; a + 1 }", "2"],
  ["{ a: 1 };", "1"],
  ["const a = 1; let b = 2; a + b", "3"],
  ["if (true) 'yes'; else 'no'", "'yes'"],
  ["Promise.resolve(5)", "5"],
  ["await Promise.resolve(5)", "5"],
  ["await (Promise.resolve(5))", "5"],
  ["[await 1, await 2]", "[ 1, 2 ]"],
  ["for (const n of [1, 2]) await n; return 'done'", "'done'"],
  ["return 5", "5"],
  ["async function f() { return await 5 }; f()", "5"],
  ["'await return'", "'await return'"],
  ["// await\n5", "5"],
  ["[] instanceof Array", "true"],
  ["typeof service('x'.split())", "'object'"],
  ["typeof monitoringService", "'function'"],
  ["process.pid === globalThis.process.pid && typeof setTimeout", "'function'"],
  ["(await import('node:path')).sep", "'/'"],
  ["undefined", "undefined"],
];

describe("herd eval", () => {
  for (const [source, shown] of inputs)
    it(source, async () => assert.equal(inspect(await evaluate(source)), shown));

  it("fails as the code does", async () => {
    const failure = async (source: string): Promise<string> =>
      await evaluate(source).then(
        () => "nothing was thrown",
        (error: unknown) => errorText(error),
      );
    assert.match(await failure("nonsense()"), /^nonsense is not defined$/);
    assert.match(await failure("a b"), /^Unexpected identifier/);
    assert.match(await failure("await a b"), /Unexpected identifier/);
    assert.equal(await failure("throw 'text'"), "text");
    assert.equal(await failure("await Promise.reject(new Error('late'))"), "late");
  });
});

describe("a scope", () => {
  it("keeps what was declared, and nobody else's", async () => {
    const scope = await Scope.create();
    const run = (source: string): Promise<unknown> => scope.evaluate(source, "repl");
    await run("const a = 1; let b = 2; class C {}; function f() { return a + b }");
    assert.equal(await run("b = 5; f()"), 6);
    assert.equal(await run("_ + 1"), 7);
    assert.equal(await run("const d = await Promise.resolve(8);"), undefined);
    assert.equal(await run("const { e, g: [h] } = await Promise.resolve({ e: 1, g: [2] })"), undefined);
    assert.equal(await run("d + e + h"), 11);
    await assert.rejects(run("const a = 2"), /already been declared/);
    const other = await Scope.create();
    await assert.rejects(other.evaluate("a", "repl"), /a is not defined/);
    await assert.rejects(evaluate("a"), /a is not defined/);
    assert.equal(Reflect.get(globalThis, "d"), undefined);
  });
});
