// Folding lists of services: Guix's own vectors, and what goes beyond them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { serviceBackEdges } from "../../../src/services/composition/back-edges.js";
import {
  AmbiguousTargetServiceError,
  MissingTargetServiceError,
  ServiceTypeCycleError,
} from "../../../src/services/composition/errors.js";
import { foldServices } from "../../../src/services/composition/fold.js";
import {
  type AnyServiceType,
  type Service,
  type ServiceType,
  service,
  serviceExtension,
  serviceKind,
  serviceType,
  serviceValue,
  simpleService,
} from "../../../src/services/composition/service-type.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

const description = "For tests.";
const flat = <T>(lists: readonly (readonly T[])[]): readonly T[] => lists.flat();

/** A type that collects lists. */
const collecting = (name: string) =>
  serviceType<readonly unknown[], readonly unknown[], readonly unknown[]>({
    name,
    extensions: [],
    compose: flat,
    extend: (own, others) => [...own, ...others],
    description,
  });

const root = collecting("t1");
const extending = (name: string, compute: (value: unknown) => readonly unknown[]) =>
  serviceType<unknown>({ name, extensions: [serviceExtension(root, compute)], description });

function folded<Value>(services: readonly Service[], targetType: ServiceType<Value>): Value {
  return serviceValue(foldServices(services, { targetType }));
}

/** The error of the given class that `body` throws. */
function errorOf<E extends Error>(kind: abstract new (...args: never[]) => E, body: () => unknown): E {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof kind, `expected ${kind.name}, got ${String(error)}`);
    return error;
  }
  assert.fail("nothing was thrown");
}

describe("foldServices, as in Guix", () => {
  it("t1 'initial-value, t2 4, t3 1 to 5 → (initial-value 5 4 3 2 1 xyz 60)", () => {
    const t1 = root;
    const t2 = serviceType<number, number, number>({
      name: "t2",
      extensions: [serviceExtension(t1, (value: number) => ["xyz", value])],
      compose: (numbers) => numbers.reduce((sum, one) => sum + one, 0),
      extend: (own, sum) => own * sum,
      description,
    });
    const t3 = serviceType<number>({
      name: "t3",
      extensions: [
        serviceExtension(t2, (value: number) => value),
        serviceExtension(t1, (value: number) => [value]),
      ],
      description,
    });
    const services = [service(t1, ["initial-value"]), service(t2, 4)];
    for (const value of [1, 2, 3, 4, 5]) services.push(service(t3, value));
    const result = foldServices(services, { targetType: t1 });
    assert.equal(serviceKind(result), t1);
    assert.deepEqual(serviceValue(result), ["initial-value", 5, 4, 3, 2, 1, "xyz", 60]);
  });

  it("[t2 a, t1, t2 b, t2 c] → c, b, a: the last one listed contributes first", () => {
    const t2 = extending("t2", (value) => [value]);
    const services = [service(t2, "a"), service(root, []), service(t2, "b"), service(t2, "c")];
    assert.deepEqual(folded(services, root), ["c", "b", "a"]);
  });

  it("compose gets [] when nothing extends", () => {
    const given: unknown[] = [];
    const alone = serviceType<number, number, number>({
      name: "alone",
      extensions: [],
      compose: (contributions) => given.push(contributions),
      extend: (own, composed) => own + composed,
      description,
    });
    assert.equal(folded([service(alone, 10)], alone), 11);
    assert.deepEqual(given, [[]]);
  });

  it("in a diamond the top is folded once, and extends both sides by its final value", () => {
    let composed = 0;
    const side = (name: string) =>
      serviceType<string, string, string>({
        name,
        extensions: [serviceExtension(root, (value: string) => [value])],
        compose: (parts) => parts.join(""),
        extend: (own, others) => `${own}(${others})`,
        description,
      });
    const [left, right] = [side("left"), side("right")];
    const top = serviceType<string, string, string>({
      name: "top",
      extensions: [
        serviceExtension(left, (value: string) => value),
        serviceExtension(right, (value: string) => value),
      ],
      compose: (parts) => {
        composed += 1;
        return parts.join("");
      },
      extend: (own, others) => `${own}+${others}`,
      description,
    });
    const services = [
      service(root, []),
      service(left, "l"),
      service(right, "r"),
      service(top, "t"),
      simpleService("extra", top, "x"),
    ];
    assert.deepEqual(folded(services, root), ["r(t+x)", "l(t+x)"]);
    assert.equal(composed, 1);
  });

  it("without extend the value is unchanged and contributions are dropped", () => {
    const closed = serviceType<string>({ name: "closed", extensions: [], description });
    const opener = serviceType<string>({
      name: "opener",
      extensions: [
        serviceExtension(
          closed,
          untyped((value: string) => value),
        ),
      ],
      description,
    });
    assert.equal(folded([service(closed, "own"), service(opener, "other")], closed), "own");
    const composing = serviceType<string, string>({
      name: "composing",
      extensions: [],
      compose: (parts) => parts.join(""),
      description,
    });
    assert.equal(folded([service(composing, "own"), simpleService("x", composing, "y")], composing), "own");
  });

  it("the root's own service is the result when nothing can extend it", () => {
    const closed = serviceType<string>({ name: "closed", extensions: [], description });
    const one = service(closed, "own");
    assert.equal(foldServices([one], { targetType: closed }), one);
  });

  it("the result is of the root's type, with the place of the root's service; the list is untouched", () => {
    const services = Object.freeze([service(root, [1]), simpleService("x", root, [2])]);
    const result = foldServices(services, { targetType: root });
    assert.equal(serviceKind(result), root);
    assert.deepEqual(serviceValue(result), [1, 2]);
    assert.deepEqual(serviceValue(services[0] as Service), [1]);
  });

  it("no instance of the root → service of type 't1' not found", () => {
    const error = errorOf(MissingTargetServiceError, () => foldServices([], { targetType: root }));
    assert.equal(error.message, "service of type 't1' not found");
    assert.equal(error.service, undefined);
    assert.equal(error.targetType, root);
  });

  it("two instances of the root → more than one target service of type 't1'", () => {
    const services = [service(root, []), service(root, [])];
    const error = errorOf(AmbiguousTargetServiceError, () => foldServices(services, { targetType: root }));
    assert.equal(error.message, "more than one target service of type 't1'");
    assert.equal(error.service, undefined);
    assert.deepEqual(error.candidates, services);
  });

  it("no instance of what is extended → no target of type 'other' for service 's'", () => {
    const other = collecting("other");
    const extender = simpleService("s", other, []);
    const error = errorOf(MissingTargetServiceError, () =>
      foldServices([service(root, []), extender], { targetType: root }),
    );
    assert.equal(error.message, "no target of type 'other' for service 's'");
    assert.equal(error.service, extender);
    assert.equal(error.targetType, other);
  });

  it("two instances of what is extended → more than one target service, also apart from the root", () => {
    const other = collecting("other");
    const services = [service(other, []), service(other, []), simpleService("s", other, [])];
    const error = errorOf(AmbiguousTargetServiceError, () =>
      foldServices([service(root, []), ...services], { targetType: root }),
    );
    assert.equal(error.message, "more than one target service of type 'other', which service 's' extends");
    assert.equal(error.service, services[2]);
    assert.deepEqual(error.candidates, services.slice(0, 2));
  });

  it("several instances of a type that nobody extends are fine", () => {
    const tty = extending("mingetty", (value) => [value]);
    assert.deepEqual(folded([service(root, []), service(tty, 1), service(tty, 2)], root), [2, 1]);
  });

  it("what does not lead to the root has no part in it, and is not computed", () => {
    const elsewhere = collecting("elsewhere");
    const never = serviceType<number>({
      name: "never",
      extensions: [serviceExtension(elsewhere, (): never => assert.fail("it was computed"))],
      description,
    });
    const services = [service(elsewhere, []), service(never, 1), service(root, ["own"])];
    assert.deepEqual(folded(services, root), ["own"]);
  });

  it("fold-services instantiates nothing", () => {
    const other = serviceType<readonly unknown[], readonly unknown[], readonly unknown[]>({
      name: "other",
      extensions: [],
      compose: flat,
      extend: (own) => own,
      defaultValue: [],
      description,
    });
    const services = [service(root, []), simpleService("s", other, [])];
    errorOf(MissingTargetServiceError, () => foldServices(services, { targetType: root }));
  });
});

describe("service-back-edges, as in Guix", () => {
  const t1 = collecting("t1");
  const t2 = serviceType<string>({
    name: "t2",
    extensions: [serviceExtension(t1, (value: string) => [value])],
    description,
  });
  const sink = service(t1, []);
  const [a, b] = [service(t2, "a"), service(t2, "b")] as const;

  it("gives those who extend a service, the last one listed first", () => {
    const edges = serviceBackEdges([a, sink, b]);
    assert.deepEqual(edges(sink), [b, a]);
    assert.deepEqual(edges(a), []);
  });

  it("refuses a list that lacks a target", () => {
    errorOf(MissingTargetServiceError, () => serviceBackEdges([a]));
  });

  it("refuses a list with two targets", () => {
    errorOf(AmbiguousTargetServiceError, () => serviceBackEdges([sink, service(t1, []), a]));
  });
});

describe("beyond Guix", () => {
  /** Types that extend each other, each the one that follows: there is no way to make these but by force. */
  function ring(...names: readonly string[]): readonly AnyServiceType[] {
    const types = names.map((name) => ({
      name,
      extensions: [] as { target: AnyServiceType; compute: () => unknown }[],
      compose: (all: readonly unknown[]) => all,
      extend: (own: unknown) => own,
      description,
    }));
    types.forEach((type, index) => {
      const target = types[(index + 1) % types.length];
      if (target !== undefined) type.extensions.push({ target, compute: () => [] });
    });
    return types;
  }
  const instances = (types: readonly AnyServiceType[]): Service[] =>
    types.map((kind) => ({ kind, value: undefined }));

  it("types that extend each other in a circle are refused, with the path", () => {
    const types = ring("a", "b", "c");
    const error = errorOf(ServiceTypeCycleError, () =>
      foldServices(instances(types), { targetType: untyped(types[0]) }),
    );
    assert.match(
      error.message,
      /^service types extend each other in a circle: (a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c)$/,
    );
    assert.deepEqual(new Set(error.types), new Set(types));
  });

  it("so is a circle that does not lead to the root", () => {
    const services = [service(root, []), ...instances(ring("a", "b"))];
    assert.match(
      mistake(() => foldServices(services, { targetType: root })),
      /^service types extend each other in a circle: (a -> b -> a|b -> a -> b)$/,
    );
  });

  it("so is a type that extends itself", () => {
    const services = [service(root, []), ...instances(ring("self"))];
    assert.equal(
      mistake(() => foldServices(services, { targetType: root })),
      "service types extend each other in a circle: self -> self",
    );
  });

  it("a chain of 10,000 types does not overflow the stack", () => {
    let type = serviceType<number, number, number>({
      name: "0",
      extensions: [],
      compose: ([one = 0]) => one,
      extend: (own, one) => own + one,
      description,
    });
    const sink = type;
    const services = [service(type, 1)];
    for (let index = 1; index < 10_000; index += 1) {
      type = serviceType<number, number, number>({
        name: String(index),
        extensions: [serviceExtension(type, (value: number) => value)],
        compose: ([one = 0]) => one,
        extend: (own, one) => own + one,
        description,
      });
      services.push(service(type, 1));
    }
    assert.equal(folded(services, sink), 10_000);
  });

  it("100,000 services that extend one are folded in one go", () => {
    const one = extending("one", (value) => [value]);
    const services: Service[] = [service(root, [])];
    for (let index = 0; index < 100_000; index += 1) services.push(service(one, index));
    assert.equal(folded(services, root).length, 100_000);
  });
});
