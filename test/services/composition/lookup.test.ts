// Finding service types, drawing their graph, and telling lists of services from what is none.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MissingTargetServiceError } from "../../../src/services/composition/errors.js";
import { extensionGraph } from "../../../src/services/composition/extension-graph.js";
import { lookupServiceTypes, searchServiceTypes } from "../../../src/services/composition/lookup.js";
import { serviceList, validateServiceList } from "../../../src/services/composition/service-list.js";
import {
  service,
  serviceExtension,
  serviceType,
  simpleService,
} from "../../../src/services/composition/service-type.js";
import { mistake } from "../../daemon/definition/support.js";

const typeOf = (name: string, description: string) =>
  serviceType<number>({ name, extensions: [], description });
const tor = typeOf("tor", "Run the Tor anonymous network overlay.");
const torProxy = typeOf("http-proxy", "Forward HTTP requests, for example through tor.");
const database = typeOf("postgresql", "Run the PostgreSQL database server.");
const otherTor = typeOf("tor", "Another.");
const types = [database, torProxy, tor, otherTor];

describe("lookup-service-types", () => {
  it("gives all types of a name", () => assert.deepEqual(lookupServiceTypes("tor", types), [tor, otherTor]));
  it("knows no other", () => assert.deepEqual(lookupServiceTypes("to", types), []));
});

describe("search", () => {
  const vectors: readonly (readonly [words: readonly string[], found: readonly unknown[]])[] = [
    [["tor"], [tor, otherTor, torProxy]],
    [["TOR", "proxy"], [torProxy]],
    [["run", "database"], [database]],
    [["^post"], [database]],
    [["nothing"], []],
    [[], []],
    [["z*"], []],
  ];
  for (const [words, found] of vectors) {
    it(`${JSON.stringify(words)} finds ${found.length}`, () =>
      assert.deepEqual(
        searchServiceTypes(words, types).map(({ type }) => type),
        found,
      ));
  }

  it("counts a name that is the word more than a word of the description", () => {
    assert.deepEqual(
      searchServiceTypes(["tor"], types).map(({ relevance }) => relevance),
      // "tor" is the name (3 × 5) and a word of the description (2); the name alone; a word of the description.
      [17, 15, 2],
    );
  });

  it("refuses what is no regular expression", () => {
    assert.throws(() => searchServiceTypes(["c++"], types), SyntaxError);
  });
});

describe("extension-graph", () => {
  const root = serviceType<readonly unknown[], readonly unknown[], readonly unknown[]>({
    name: "system",
    extensions: [],
    compose: (lists) => lists.flat(),
    extend: (own) => own,
    description: "For tests.",
  });
  const leaf = serviceType<unknown>({
    name: "host-name",
    extensions: [serviceExtension(root, () => [])],
    description: "For tests.",
  });

  it("is DOT, from what extends to what is extended, with names and short values", () => {
    const services = [service(root, []), service(leaf, 'a "b" \\'), service(leaf, 5), service(leaf, [])];
    assert.equal(
      extensionGraph(services, root),
      [
        'digraph "Guix service" {',
        '  "1" [label = "system", shape = box, fontname = sans];',
        '  "2" [label = "host-name", shape = box, fontname = sans];',
        '  "3" [label = "host-name 5", shape = box, fontname = sans];',
        '  "4" [label = "host-name a \\"b\\" \\\\", shape = box, fontname = sans];',
        '  "2" -> "1" [color = darkviolet];',
        '  "3" -> "1" [color = dimgrey];',
        '  "4" -> "1" [color = darkgoldenrod];',
        "}",
        "",
      ].join("\n"),
    );
  });

  it("has no node for what does not lead to the root", () => {
    const services = [service(root, []), service(tor, 1)];
    assert.doesNotMatch(extensionGraph(services, root), /tor/);
  });

  it("is refused where the root is missing", () => {
    assert.throws(() => extensionGraph([service(tor, 1)], root), MissingTargetServiceError);
  });
});

describe("validate-service-list", () => {
  const one = service(tor, 1);

  it("gives a list of services as it is", () => {
    const list = [one, simpleService("s", serviceTypeOfLists(), [])];
    assert.equal(validateServiceList(list), list);
    assert.ok(serviceList.matches([]));
  });

  const rule = "'services' field must contain a list of services, got ";
  const mistakes: readonly (readonly [got: string, value: unknown])[] = [
    ["undefined", undefined],
    ["{ services: [] }", { services: [] }],
    ["[ [] ]", [[]]],
    ['the service type "tor", of which service(…) makes a service', [one, tor]],
  ];
  for (const [got, value] of mistakes) {
    it(rule + got, () =>
      assert.equal(
        mistake(() => validateServiceList(value)),
        rule + got,
      ),
    );
  }

  it("names the place of the configuration where that is known", () => {
    const position = { file: "/compiled/system.mjs", line: 3, column: 7 };
    assert.equal(
      mistake(() => validateServiceList(5, position)),
      `/compiled/system.mjs:3:7: ${rule}5`,
    );
  });

  function serviceTypeOfLists() {
    return serviceType<readonly unknown[], readonly unknown[], readonly unknown[]>({
      name: "lists",
      extensions: [],
      compose: (lists) => lists.flat(),
      extend: (own) => own,
      description: "For tests.",
    });
  }
});
