// The graph of requirements: Guix's vectors of assert-valid-graph, and what goes beyond them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  assertValidGraph,
  type GraphService,
  ShepherdGraphError,
  shepherdGraph,
  shepherdServiceBackEdges,
  shepherdServiceLookupProcedure,
} from "../../../src/services/shepherd/graph.js";
import { shepherdService } from "../../../src/services/shepherd/service.js";

/** `node("foo bar", "baz")` provides foo and bar, and requires baz. */
const node = (provision: string, ...requirement: string[]): GraphService => ({
  provision: provision.split(" "),
  requirement,
});

describe("assert-valid-graph", () => {
  const valid: readonly (readonly [what: string, services: readonly GraphService[]])[] = [
    ["an empty list", []],
    ["a requirement that a later service provides", [node("a", "b"), node("b")]],
    ["a requirement by a second name", [node("a", "c"), node("b c")]],
    ["a name twice within one service", [node("a a")]],
    ["a requirement of shepherd", [node("a", "shepherd")]],
    ["a service called root", [node("root"), node("a", "root")]],
    ["a diamond", [node("top", "l", "r"), node("l", "base"), node("r", "base"), node("base")]],
    ["one requirement twice", [node("a", "b", "b"), node("b")]],
  ];
  for (const [what, services] of valid) it(`accepts ${what}`, () => assertValidGraph(services));

  const refused: readonly (readonly [message: string, services: readonly GraphService[]])[] = [
    ["service 'x' provided more than once", [node("a x"), node("b x")]],
    ["service 'a' provided more than once", [node("a"), node("a")]],
    ["service 'shepherd' provided more than once", [node("shepherd")]],
    ["service 'a' requires 'b', which is not provided by any service", [node("a x", "b")]],
    ["service 'a' requires 'root', which is not provided by any service", [node("a", "root")]],
    [
      "service 'b' requires 'ghost', which is not provided by any service",
      [node("a", "b"), node("b", "ghost")],
    ],
    [
      "service 'web' requires 'databse', which is not provided by any service; did you mean \"database\"?",
      [node("web", "databse"), node("database")],
    ],
    ["services require each other in a circle: a -> a", [node("a x", "x")]],
    [
      "services require each other in a circle: a -> b -> c -> a",
      [node("s", "a"), node("a", "b"), node("b", "c"), node("c", "a")],
    ],
  ];
  for (const [message, services] of refused) {
    it(`refuses: ${message}`, () =>
      assert.throws(
        () => assertValidGraph(services),
        (error: unknown) => error instanceof ShepherdGraphError && error.message === message,
      ));
  }

  it("names the services", () => {
    const [a, b] = [node("a", "b"), node("b", "a")] as const;
    assert.throws(
      () => assertValidGraph([a, b]),
      (error: unknown) => {
        assert.ok(error instanceof ShepherdGraphError);
        assert.deepEqual(error.services, [a, b]);
        return true;
      },
    );
  });

  it("takes what shepherdService makes", () => {
    assertValidGraph([
      shepherdService({ provision: ["a"], requirement: ["b"] }),
      shepherdService({ provision: ["b"] }),
    ]);
  });

  it("takes a chain of 50,000 services", () => {
    const chain = Array.from({ length: 50_000 }, (_, index) =>
      node(`s${index}`, ...(index === 49_999 ? [] : [`s${index + 1}`])),
    );
    assertValidGraph(chain);
  });
});

describe("shepherd-service-lookup-procedure", () => {
  const [foo, bar] = [node("foo f"), node("bar b")] as const;

  it("gives a service by any of its names", () => {
    const lookup = shepherdServiceLookupProcedure([foo, bar]);
    assert.deepEqual([lookup("foo"), lookup("f"), lookup("b"), lookup("x")], [foo, foo, bar, undefined]);
  });

  it("takes another way to names", () => {
    const lookup = shepherdServiceLookupProcedure(
      [{ called: ["a", "b"] }, { called: ["c"] }],
      ({ called }) => called,
    );
    assert.deepEqual(lookup("b"), { called: ["a", "b"] });
  });
});

describe("shepherd-service-back-edges", () => {
  const [foo, bar, baz] = [node("foo"), node("bar b", "foo"), node("baz", "b", "bar", "foo")] as const;

  it("gives those who require a service, by whichever name, and each once", () => {
    const edges = shepherdServiceBackEdges([foo, bar, baz]);
    assert.deepEqual(edges(foo), [bar, baz]);
    assert.deepEqual(edges(bar), [baz]);
    assert.deepEqual(edges(baz), []);
  });
});

describe("shepherd-graph", () => {
  it("is DOT, from what requires to what is required", () => {
    const services = [
      node("ssh sshd", "networking", "shepherd"),
      node("networking"),
      node("base", "shepherd"),
    ];
    assert.equal(
      shepherdGraph(services),
      [
        'digraph "Guix shepherd-service" {',
        '  "networking" [label = "networking", shape = box, fontname = sans];',
        '  "base" [label = "base", shape = box, fontname = sans];',
        '  "ssh sshd" [label = "ssh sshd", shape = box, fontname = sans];',
        '  "ssh sshd" -> "networking" [color = blue];',
        "}",
        "",
      ].join("\n"),
    );
  });

  it("is the same each time", () => {
    const services = [node("a"), node("b", "a"), node("c", "a", "b")];
    assert.equal(shepherdGraph(services), shepherdGraph([...services]));
  });
});
