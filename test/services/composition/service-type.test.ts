// Service types, extensions and services: what makes them, what tells them apart, and what is refused.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MissingValueError } from "../../../src/services/composition/errors.js";
import {
  type AnyServiceType,
  defaultInstance,
  isService,
  isServiceExtension,
  isServiceType,
  removeServiceExtensions,
  service,
  serviceExtension,
  serviceExtensionCompute,
  serviceExtensionTarget,
  serviceKind,
  serviceType,
  serviceTypeCompose,
  serviceTypeDefaultValue,
  serviceTypeDescription,
  serviceTypeExtend,
  serviceTypeExtensions,
  serviceTypeName,
  serviceValue,
  simpleService,
  withValue,
} from "../../../src/services/composition/service-type.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

const description = "For tests.";
const compose = (lists: readonly (readonly string[])[]): readonly string[] => lists.flat();
const extend = (own: readonly string[], others: readonly string[]): readonly string[] => [...own, ...others];
const target = serviceType({ name: "target", extensions: [], compose, extend, description });
const plain = serviceType<string>({ name: "plain", extensions: [], description });

describe("service, service-kind, service-value", () => {
  it("(service? s), (eq? (service-kind s) type)", () => {
    const one = service(plain, "value");
    assert.ok(isService(one));
    assert.equal(serviceKind(one), plain);
    assert.equal(serviceValue(one), "value");
    assert.ok(Object.isFrozen(one));
  });

  it("(service type) is (service type DEFAULT)", () => {
    const type = serviceType({ name: "t", extensions: [], defaultValue: { port: 22 }, description });
    assert.equal(serviceValue(service(type)), type.defaultValue);
  });

  const defaults: readonly unknown[] = [false, undefined, null, 0, "", []];
  for (const defaultValue of defaults) {
    it(`${JSON.stringify(defaultValue) ?? "undefined"} is a default value like any other`, () => {
      const type = serviceType<unknown>({ name: "t", extensions: [], defaultValue, description });
      assert.equal(serviceValue(service(type)), defaultValue);
      assert.equal(defaultInstance(type)?.value, defaultValue);
    });
  }

  it("no value and no default → no value specified for service of type 'plain'", () => {
    assert.throws(
      () => service(untyped(plain)),
      (error: unknown) => {
        assert.ok(error instanceof MissingValueError);
        assert.equal(error.message, "no value specified for service of type 'plain'");
        assert.equal(error.type, plain);
        return true;
      },
    );
    assert.equal(defaultInstance(plain), undefined);
  });

  it("undefined is a value, where it is given", () => {
    const type = serviceType<string | undefined>({ name: "t", extensions: [], description });
    assert.equal(serviceValue(service(type, undefined)), undefined);
  });

  it("another value makes another service, of the same type", () => {
    const one = service(plain, "a");
    const other = withValue(one, "b");
    assert.deepEqual([other.kind, other.value, one.value], [plain, "b", "a"]);
    assert.ok(isService(other));
  });
});

describe("predicates and accessors", () => {
  const compute = (value: string): readonly string[] => [value];
  const extension = serviceExtension(target, compute);
  const type = serviceType({ name: "t", extensions: [extension], defaultValue: "x", description });

  it("know what was made here from what only looks like it", () => {
    assert.ok(isServiceType(type) && isServiceExtension(extension) && isService(service(type)));
    for (const other of [{ ...type }, { ...extension }, { ...service(type) }, null, "t"])
      assert.ok(!isServiceType(other) && !isServiceExtension(other) && !isService(other));
  });

  it("give the parts", () => {
    assert.equal(serviceExtensionTarget(extension), target);
    assert.equal(serviceExtensionCompute(extension), compute);
    assert.equal(serviceTypeName(type), "t");
    assert.deepEqual(serviceTypeExtensions(type), [extension]);
    assert.equal(serviceTypeCompose(type), undefined);
    assert.equal(serviceTypeExtend(type), undefined);
    assert.equal(serviceTypeDefaultValue(type), "x");
    assert.equal(serviceTypeDescription(type), description);
    assert.equal(serviceTypeCompose(target), compose);
    assert.equal(serviceTypeExtend(target), extend);
  });
});

describe("simple-service", () => {
  it("extends its target with its value, by a type of its own each time", () => {
    const [one, other] = [simpleService("s", target, ["a"]), simpleService("s", target, ["a"])];
    assert.notEqual(one.kind, other.kind);
    assert.deepEqual(one.value, ["a"]);
    const [extension, ...more] = one.kind.extensions;
    assert.equal(extension?.target, target);
    assert.deepEqual(extension?.compute(untyped(["b"])), ["b"]);
    assert.deepEqual(more, []);
    assert.equal(one.kind.name, "s");
    assert.equal(one.kind.description, "This is a simple service.");
    assert.equal(defaultInstance(one.kind), undefined);
  });
});

describe("remove-service-extensions", () => {
  it("gives a copy, another type, without the extensions to those targets", () => {
    const other = serviceType({ name: "other", extensions: [], compose, extend, description });
    const type = serviceType<string>({
      name: "t",
      extensions: [
        serviceExtension(target, (value: string) => [value]),
        serviceExtension(other, (value: string) => [value]),
      ],
      description,
    });
    const copy = removeServiceExtensions(type, [target]);
    assert.deepEqual(
      copy.extensions.map((extension) => extension.target),
      [other],
    );
    assert.notEqual(copy, type);
    assert.ok(isServiceType(copy));
    assert.equal(type.extensions.length, 2);
    assert.deepEqual(service(copy, "x").value, "x");
  });

  it("keeps the default", () => {
    const extensions = [serviceExtension(target, (value: string) => [value])];
    const type = serviceType({ name: "t", extensions, defaultValue: "d", description });
    assert.equal(service(removeServiceExtensions(type, [target])).value, "d");
  });

  it("says what is no type", () => {
    assert.match(
      mistake(() => removeServiceExtensions(untyped({ name: "t" }), [])),
      /removeServiceExtensions: expected a type made by serviceType\(…\), got/,
    );
    assert.match(
      mistake(() => removeServiceExtensions(target, untyped(target))),
      /removeServiceExtensions: the targets: expected a list of types made by serviceType/,
    );
  });
});

describe("what is refused", () => {
  const twice = [serviceExtension(target, () => []), serviceExtension(target, () => [])];
  const mistakes: readonly (readonly [message: string, options: unknown])[] = [
    ['serviceType: field "name" is missing', { extensions: [], description }],
    ['service type "t": field "extensions" is missing', { name: "t", description }],
    ['service type "t": field "description" is missing', { name: "t", extensions: [] }],
    [
      'service type "t": field "compose" is missing: "extend" needs one value made of all contributions',
      { name: "t", extensions: [], extend, description },
    ],
    [
      'service type "t": field "extensions": two extensions of "target", of which only one would count',
      { name: "t", extensions: twice, description },
    ],
    [
      'service type "t": unknown field "extention"; did you mean "extensions"?',
      { name: "t", extensions: [], extention: extend, description },
    ],
    [
      'service type "t": field "extensions": expected a list of extensions made by serviceExtension(…), got [ \'target\' ]',
      { name: "t", extensions: ["target"], description },
    ],
    [
      'service type "t": field "compose": expected a function, got "concatenate"',
      { name: "t", extensions: [], compose: "concatenate", description },
    ],
    ["serviceType: expected an object with options, got undefined", undefined],
  ];
  for (const [message, options] of mistakes) {
    it(message, () => {
      assert.equal(
        mistake(() => serviceType(untyped(options))),
        message,
      );
    });
  }

  it("an extension of something that is no service type", () => {
    const lookalike: AnyServiceType = { ...target };
    assert.match(
      mistake(() => serviceExtension(untyped(lookalike), () => [])),
      /^serviceExtension: expected a target made by serviceType\(…\), got \{/,
    );
    // What a circle of imports gives.
    assert.match(
      mistake(() => serviceExtension(untyped(undefined), () => [])),
      /got undefined$/,
    );
    assert.equal(
      mistake(() => serviceExtension(target, untyped("compute"))),
      'serviceExtension: expected a function, got "compute"',
    );
  });

  it("a service of something that is no service type", () => {
    assert.match(
      mistake(() => service(untyped({ name: "t" }), 1)),
      /^service: expected a type made by serviceType\(…\), got \{ name: 't' \}$/,
    );
  });
});
