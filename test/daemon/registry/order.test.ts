import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, type Wait } from "../../../src/daemon/registry/order.js";

/** `waits`: by node, what it waits for; a name with a question mark is about order alone. */
function order(waits: Readonly<Record<string, readonly string[]>>) {
  const waitsOf = (node: string): Wait<string>[] =>
    (waits[node] ?? []).map((name) => ({ to: name.replace("?", ""), soft: name.endsWith("?") }));
  const { order: sequence, circles } = inOrder(Object.keys(waits), waitsOf);
  return {
    order: sequence.join(" "),
    circles: circles.map(
      ({ path, cut, hard }) => `${path.join("-")}: ${cut.from}|${cut.to}${hard ? " hard" : ""}`,
    ),
  };
}

test("each comes after what it waits for", () => {
  assert.deepEqual(order({ a: ["b", "c?"], b: ["d"], c: ["d?"], d: [] }), { order: "d b c a", circles: [] });
});

test("a circle of order alone is cut where it closes", () => {
  assert.deepEqual(order({ a: ["b?"], b: ["c?"], c: ["a?"] }), { order: "c b a", circles: ["a-b-c: c|a"] });
});

test("a requirement holds where a circle is cut, wherever the search begins", () => {
  assert.deepEqual(order({ a: ["b"], b: ["a?"] }), { order: "b a", circles: ["a-b: b|a"] });
  assert.deepEqual(order({ b: ["a?"], a: ["b"] }), { order: "b a", circles: ["b-a: b|a"] });
});

test("what a cut has passed over is looked at again", () => {
  const waits = { a: ["b?"], b: ["c"], c: ["a", "d?"], d: ["e"], e: [] };
  assert.deepEqual(order(waits), { order: "a e d c b", circles: ["a-b-c: a|b"] });
});

test("a circle of requirements is told, and cut where it closes", () => {
  assert.deepEqual(order({ a: ["b"], b: ["a"] }), { order: "b a", circles: ["a-b: b|a hard"] });
});

test("who waits for the same in two ways does so for more than order", () => {
  assert.deepEqual(order({ a: ["b", "b?"], b: ["a?"] }).circles, ["a-b: b|a"]);
  assert.deepEqual(order({ a: ["a?"] }).circles, ["a: a|a"]);
});

test("a chain of 100,000, and a fan of 1,000, take no time and no stack", () => {
  const chain = Array.from({ length: 100_000 }, (_, index) => index);
  const { order: sequence } = inOrder(chain, (node) =>
    node === 99_999 ? [] : [{ to: node + 1, soft: true }],
  );
  assert.equal(sequence[0], 99_999);
  assert.equal(sequence.at(-1), 0);
  const fan = inOrder(["top"], (node) =>
    node === "top" ? chain.slice(0, 1000).map((index) => ({ to: `n${index}`, soft: false })) : [],
  );
  assert.equal(fan.order.at(-1), "top");
});
