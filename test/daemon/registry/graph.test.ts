import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGraph, GraphError, type Node } from "../../../src/daemon/registry/graph.js";

function node(provision: string, ...requirement: string[]): Node {
  const [first = "", ...rest] = provision.split(" ");
  return { provision: [first, ...rest], requirement };
}

function refusal(...nodes: Node[]): string {
  try {
    checkGraph(nodes);
  } catch (error) {
    assert.ok(error instanceof GraphError);
    return error.message;
  }
  assert.fail("the graph was accepted");
}

test("every provided name maps to its service", () => {
  const web = node("web http", "db");
  const providers = checkGraph([web, node("db")]);
  assert.equal(providers.get("http"), web);
  assert.equal(providers.size, 3);
});

test("a circle is refused with its path, from wherever it is entered", () => {
  assert.equal(
    refusal(node("start", "a"), node("a", "b"), node("b", "c"), node("c", "a")),
    "services require each other in a circle: a -> b -> c -> a",
  );
});

test("a service that requires itself, by whichever name, is a circle", () => {
  assert.equal(refusal(node("a b", "b")), "services require each other in a circle: a -> a");
});

test("an unknown requirement is found at any depth and its path is printed", () => {
  assert.equal(
    refusal(node("a", "b"), node("b", "c"), node("c", "ghost")),
    'no service provides "ghost", which is required: a -> b -> c -> ghost',
  );
});

test("two services cannot provide one name", () => {
  assert.equal(
    refusal(node("web http"), node("proxy http")),
    '"http" is provided twice: by service "web" and by service "proxy"',
  );
});

test("a diamond is no circle", () => {
  assert.equal(
    checkGraph([node("top", "l", "r"), node("l", "base"), node("r", "base"), node("base")]).size,
    4,
  );
});

test("a chain of 100,000 services does not overflow the stack", () => {
  const chain = Array.from({ length: 100_000 }, (_, i) =>
    node(`s${i}`, ...(i === 99_999 ? [] : [`s${i + 1}`])),
  );
  assert.equal(checkGraph(chain).size, 100_000);
});
