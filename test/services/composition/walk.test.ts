// Walks through graphs.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { reachable, walk } from "../../../src/services/composition/walk.js";

const edges = (graph: Readonly<Record<string, string>>) => (node: string) =>
  (graph[node] ?? "").split(" ").filter((name) => name !== "");

describe("walk", () => {
  it("gives each node after those it leads to, and once", () => {
    assert.deepEqual(walk(["a"], edges({ a: "b c", b: "d", c: "d", e: "a" })), {
      order: ["d", "b", "c", "a"],
    });
  });

  it("takes the roots in their order", () => {
    assert.deepEqual(walk(["b", "a", "c"], edges({ a: "b" })), { order: ["b", "a", "c"] });
  });

  it("tells a circle, from wherever it is entered, and without what leads to it", () => {
    assert.deepEqual(walk(["x"], edges({ x: "y a", y: "", a: "b", b: "c", c: "a" })), {
      order: ["y"],
      circle: ["a", "b", "c"],
    });
  });

  it("takes a node that leads to itself for a circle", () => {
    assert.deepEqual(walk(["a"], edges({ a: "a" })).circle, ["a"]);
  });

  it("asks each node once, however many ways lead to it", () => {
    const asked: number[] = [];
    // Two nodes a layer, each of which leads to both of the next layer: a million million ways to the last one.
    const { order } = walk([0], (node) => {
      asked.push(node);
      const next = node - (node % 2) + 2;
      return next < 80 ? [next, next + 1] : [];
    });
    assert.equal(order.length, 79);
    assert.equal(asked.length, 79);
  });

  it("takes a chain of 200,000 nodes", () => {
    const { order } = walk([0], (node) => (node < 200_000 ? [node + 1] : []));
    assert.equal(order.length, 200_001);
  });
});

describe("reachable", () => {
  it("gives what can be reached, nearest first, circles or not", () => {
    assert.deepEqual(
      [...reachable(["a"], edges({ a: "b c", b: "d", c: "a", e: "a" }))],
      ["a", "b", "c", "d"],
    );
  });
});
