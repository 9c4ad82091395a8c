// `modifyServices`, by the table of cases that Guix's manual and tests give.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ModifyServicesError } from "../../../src/services/composition/errors.js";
import {
  deleteService,
  type ModifyClause,
  modifyServices,
  updateService,
} from "../../../src/services/composition/modify.js";
import { type Service, service, serviceType } from "../../../src/services/composition/service-type.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

const description = "For tests.";
const typeOf = (name: string) => serviceType<number>({ name, extensions: [], description });
const [a, b, c] = [typeOf("a"), typeOf("b"), typeOf("c")];
const services: readonly Service[] = Object.freeze([service(a, 1), service(b, 2), service(a, 3)]);

const tenfold = updateService(a, (value) => 10 * value);
const plusOne = updateService(a, (value) => value + 1);
const double = updateService(b, (value) => 2 * value);

/** The list is a=1, b=2, a=3. */
const vectors: readonly (readonly [what: string, clauses: readonly ModifyClause[], values: unknown[]])[] = [
  ["no clause", [], [1, 2, 3]],
  ["(a v => 10v) is for all instances", [tenfold], [10, 2, 30]],
  ["two clauses for a are applied in sequence", [tenfold, plusOne], [11, 2, 31]],
  ["two clauses for a, the other way round", [plusOne, tenfold], [20, 2, 40]],
  ["clauses for a and b; the order of the list is kept", [double, tenfold], [10, 4, 30]],
  ["(delete a) leaves out all instances", [deleteService(a)], [2]],
  ["delete and modify another", [deleteService(a), double], [4]],
  ["modify, then delete", [tenfold, deleteService(a)], [2]],
  ["delete everything", [deleteService(a), deleteService(b)], []],
];

const notFound = "modify-services: service 'c' not found in service list";
const wasDeleted = "modify-services: service 'a' was deleted here";
const errors: readonly (readonly [what: string, clauses: readonly ModifyClause[], message: string])[] = [
  ["update a type that the list lacks", [updateService(c, (value) => value)], notFound],
  ["delete a type that the list lacks", [deleteService(c)], notFound],
  [
    "the list is looked through before anything else is done",
    [updateService(a, () => assert.fail("it was updated")), deleteService(c)],
    notFound,
  ],
  ["delete, then modify", [deleteService(a), tenfold], wasDeleted],
  ["delete twice", [deleteService(a), deleteService(a)], wasDeleted],
];

describe("modify-services, a=1 b=2 a=3", () => {
  for (const [what, clauses, values] of vectors) {
    it(`${what} → ${values.join(", ") || "nothing"}`, () => {
      const result = modifyServices(services, clauses);
      assert.deepEqual(
        result.map(({ value }) => value),
        values,
      );
      assert.deepEqual(
        services.map(({ value }) => value),
        [1, 2, 3],
      );
    });
  }
  for (const [what, clauses, message] of errors) {
    it(`${what} → ${message}`, () => {
      assert.throws(
        () => modifyServices(services, clauses),
        (error: unknown) => error instanceof ModifyServicesError && error.message === message,
      );
    });
  }

  it("the clauses before a deletion are for the deleted service too, and those of other types do not matter", () => {
    const seen: number[] = [];
    const watch = updateService(a, (value) => {
      seen.push(value);
      return value;
    });
    modifyServices(services, [watch, double, deleteService(a)]);
    assert.deepEqual(seen, [1, 3]);
  });

  it("a service that no clause is about stays the same object, and one that is keeps its type", () => {
    const [first, second] = modifyServices(services, [tenfold]);
    assert.equal(second, services[1]);
    assert.equal(first?.kind, a);
    assert.notEqual(first, services[0]);
  });

  it("updates by what inherit is in Guix", () => {
    const record = serviceType<{ readonly port: number; readonly host: string }>({
      name: "record",
      extensions: [],
      description,
    });
    const update = updateService(record, (config) => ({ ...config, port: 2222 }));
    const [one] = modifyServices([service(record, { port: 22, host: "::" })], [update]);
    assert.deepEqual(one?.value, { port: 2222, host: "::" });
  });
});

describe("what modifyServices refuses", () => {
  const mistakes: readonly (readonly [message: RegExp, body: () => unknown])[] = [
    [
      /^modifyServices: expected a list of services made by service\(…\) or simpleService\(…\), got 5$/,
      () => modifyServices(untyped(5), []),
    ],
    [
      /^modifyServices: .*, got the service type "a", of which service\(…\) makes a service$/,
      () => modifyServices(untyped([a]), []),
    ],
    [
      /^modifyServices: expected a list of clauses made by updateService\(…\) and deleteService\(…\), got \[ \{/,
      () => modifyServices(services, untyped([{ ...tenfold }])),
    ],
    [
      /^updateService: expected a type made by serviceType\(…\), got "a"$/,
      () => updateService(untyped("a"), () => 1),
    ],
    [/^updateService: expected a function, got 5$/, () => updateService(a, untyped(5))],
    [
      /^deleteService: expected a type made by serviceType\(…\), got undefined$/,
      () => deleteService(untyped(undefined)),
    ],
  ];
  for (const [message, body] of mistakes) it(String(message), () => assert.match(mistake(body), message));
});
