// Services that nobody listed but something extends: Guix's vectors.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MissingTargetServiceError } from "../../../src/services/composition/errors.js";
import { foldServices } from "../../../src/services/composition/fold.js";
import { instantiateMissingServices } from "../../../src/services/composition/instantiate.js";
import {
  type AnyServiceType,
  type Service,
  service,
  serviceExtension,
  serviceType,
} from "../../../src/services/composition/service-type.js";

type Texts = readonly string[];
const description = "For tests.";
const compose = (lists: readonly Texts[]): Texts => lists.flat();
const extend = (own: Texts, others: Texts): Texts => [...own, ...others];
const contribute = (value: Texts): Texts => value;

const t1 = serviceType({
  name: "t1",
  extensions: [],
  compose,
  extend,
  defaultValue: [] as Texts,
  description,
});
const t2 = serviceType({
  name: "t2",
  extensions: [serviceExtension(t1, contribute)],
  compose,
  extend,
  defaultValue: ["default"] as Texts,
  description,
});
const t3 = serviceType<Texts>({ name: "t3", extensions: [serviceExtension(t2, contribute)], description });
const needy = serviceType({ name: "needy", extensions: [], compose, extend, description });

const kinds = (services: readonly Service[]): readonly AnyServiceType[] => services.map(({ kind }) => kind);

describe("instantiate-missing-services", () => {
  it("nothing missing: the very same list", () => {
    const services = [service(t1), service(t2, ["a"]), service(t3, ["b"])];
    assert.equal(instantiateMissingServices(services), services);
  });

  it("an empty list stays one", () => {
    const services: readonly Service[] = [];
    assert.equal(instantiateMissingServices(services), services);
  });

  it("a missing type with a default value is put before the others", () => {
    const services = [service(t1), service(t3, ["b"])];
    const result = instantiateMissingServices(services);
    assert.deepEqual(kinds(result), [t2, t1, t3]);
    assert.deepEqual(result[0]?.value, ["default"]);
    assert.deepEqual(result.slice(1), services);
  });

  it("what was added may need more", () => {
    const result = instantiateMissingServices([service(t3, ["b"])]);
    assert.deepEqual(kinds(result), [t1, t2, t3]);
    assert.deepEqual(foldServices(result, { targetType: t1 }).value, ["default", "b"]);
  });

  it("one instance, however many extend it; of several missing the one found last comes first", () => {
    const other = serviceType({
      name: "other",
      extensions: [],
      compose,
      extend,
      defaultValue: [] as Texts,
      description,
    });
    const both = serviceType<Texts>({
      name: "both",
      extensions: [serviceExtension(t1, contribute), serviceExtension(other, contribute)],
      description,
    });
    const result = instantiateMissingServices([service(both, ["x"]), service(both, ["y"])]);
    assert.deepEqual(kinds(result), [other, t1, both, both]);
  });

  it("instances that are there are never touched, however many", () => {
    const services = [service(t1), service(t2, ["a"]), service(t2, ["b"]), service(t3, ["c"])];
    assert.equal(instantiateMissingServices(services), services);
  });

  it("a missing type without a default value → no target of type 'needy' for service 'asker'", () => {
    const asker = serviceType<Texts>({
      name: "asker",
      extensions: [serviceExtension(needy, contribute)],
      description,
    });
    const one = service(asker, ["x"]);
    assert.throws(
      () => instantiateMissingServices([one]),
      (error: unknown) => {
        assert.ok(error instanceof MissingTargetServiceError);
        assert.equal(error.message, "no target of type 'needy' for service 'asker'");
        assert.equal(error.service, one);
        assert.equal(error.targetType, needy);
        return true;
      },
    );
  });

  it("false is a default value", () => {
    const off = serviceType<boolean, boolean, boolean>({
      name: "off",
      extensions: [],
      compose: (all) => all.includes(true),
      extend: (own, any) => own || any,
      defaultValue: false,
      description,
    });
    const user = serviceType<boolean>({
      name: "user",
      extensions: [serviceExtension(off, (value: boolean) => value)],
      description,
    });
    assert.deepEqual(
      instantiateMissingServices([service(user, true)]).map(({ value }) => value),
      [false, true],
    );
  });
});
