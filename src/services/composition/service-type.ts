// Service types, their extensions and their instances: the nodes and edges of a system's graph, as Guix has them
// (Guix manual, "Service Types and Services"). Identity decides everywhere; a name is there for people only.

import { callSite } from "../../daemon/definition/call-site.js";
import {
  type Check,
  type Checks,
  check,
  checkFields,
  checkValue,
  fail,
  isRecord,
  type Subject,
  show,
} from "../../daemon/definition/check.js";
import { fields, listOf } from "../../daemon/definition/fields.js";
import type { SourcePosition } from "../../daemon/definition/types.js";
import { MissingValueError } from "./errors.js";

/** Only the compiler sees these: what a type's values are, and what extends it. */
declare const ofValue: unique symbol;
declare const ofContribution: unique symbol;
declare const defaulted: unique symbol;

/** A service type of whatever values. */
export interface AnyServiceType {
  readonly name: string;
  readonly extensions: readonly ServiceExtension[];
  readonly compose: ((contributions: readonly unknown[]) => unknown) | undefined;
  readonly extend: ((value: unknown, composed: unknown) => unknown) | undefined;
  /** Absent where an instance must bring a value. Any value can be a default, `undefined` and `false` too. */
  readonly defaultValue?: unknown;
  readonly description: string;
  readonly valueCheck?: Check<unknown> | undefined;
  /** Where it was made, in the compiled module. */
  readonly position?: SourcePosition | undefined;
}

/** A service type that others extend by contributions, whatever its values are. */
export interface ExtensibleServiceType<Contribution> extends AnyServiceType {
  readonly [ofContribution]?: (contribution: Contribution) => void;
}

/**
 * A kind of service. `Value` is the configuration of an instance, `Contribution` what an extension of it gives; `never`
 * where it cannot be extended.
 */
export interface ServiceType<Value, Contribution = never> extends ExtensibleServiceType<Contribution> {
  readonly [ofValue]?: (value: Value) => Value;
}

/** A service type whose instances need bring no value. */
export interface DefaultedServiceType<Value, Contribution = never> extends ServiceType<Value, Contribution> {
  readonly [defaulted]?: true;
  readonly defaultValue: Value;
}

/** An edge: services of the type that lists it extend those of `target` with what `compute` makes of their value. */
export interface ServiceExtension<Value = never> {
  readonly target: AnyServiceType;
  readonly compute: (value: Value) => unknown;
}

/** An instance of a type. */
export interface Service<Value = unknown> {
  readonly kind: AnyServiceType;
  readonly value: Value;
  /** Where it was made, in the compiled module. */
  readonly position?: SourcePosition | undefined;
}

/** What `serviceType` takes. */
export interface ServiceTypeOptions<Value, Contribution, Composed> {
  /** For people: pictures and error messages. */
  readonly name: string;
  /** What its services extend; each target once. Only the root of a graph has none. */
  readonly extensions: readonly ServiceExtension<Value>[];
  /** Makes one value of all contributions, in the order of `foldServices`; of an empty list where there are none. */
  readonly compose?: (contributions: readonly Contribution[]) => Composed;
  /** Makes the value of an extended service from its own and the composed one. Without it nothing can extend the type. */
  readonly extend?: (value: Value, composed: Composed) => Value;
  /** The value of instances that bring none. */
  readonly defaultValue?: Value;
  /** What the service is good for, in a few sentences; `shepherd system search` looks here. */
  readonly description: string;
  /**
   * What every value must be, such as `torConfiguration.check`: the compiler takes any object with the right fields, whatever
   * a record's constructor would say of them. Default: no check.
   */
  readonly valueCheck?: Check<Value>;
}

const types = new WeakSet<object>();
const extensions = new WeakSet<object>();
const services = new WeakSet<object>();

export const isServiceType = (value: unknown): value is AnyServiceType => isMade(types, value);
export const isServiceExtension = (value: unknown): value is ServiceExtension => isMade(extensions, value);
export const isService = (value: unknown): value is Service => isMade(services, value);

function isMade(made: WeakSet<object>, value: unknown): boolean {
  return typeof value === "object" && value !== null && made.has(value);
}

type AnyOptions = ServiceTypeOptions<unknown, unknown, unknown>;

const typeChecks: Checks<AnyOptions> = {
  name: fields.text,
  extensions: listOf("a list of extensions made by serviceExtension(…)", isServiceExtension),
  compose: fields.procedure,
  extend: fields.procedure,
  defaultValue: check("any value", () => true),
  description: fields.text,
  valueCheck: check("a check, such as that of a record's constructor", (value) => {
    return isRecord(value) && typeof value.expected === "string" && typeof value.matches === "function";
  }),
};

/**
 * Makes a type of services.
 *
 * @example
 * const clockServiceType = serviceType({
 *   name: "clock",
 *   extensions: [serviceExtension(shepherdRootServiceType, (config: ClockConfiguration) => [clockService(config)])],
 *   defaultValue: clockConfiguration(),
 *   description: "Say the time.",
 * });
 * @throws DefinitionError where a field is missing, unknown or wrong; where two extensions have one target, of which only
 * one would count; where there is `extend` and no `compose`
 */
export function serviceType<Value, Contribution = never, Composed = Contribution>(
  options: ServiceTypeOptions<Value, Contribution, Composed> & { readonly defaultValue: Value },
): DefaultedServiceType<Value, Contribution>;
export function serviceType<Value, Contribution = never, Composed = Contribution>(
  options: ServiceTypeOptions<Value, Contribution, Composed>,
): ServiceType<Value, Contribution>;
export function serviceType(options: AnyOptions): AnyServiceType {
  const named = isRecord(options) && typeof options.name === "string";
  const of: Subject = {
    what: named ? `service type ${show(options.name)}` : "serviceType",
    position: callSite(),
  };
  // A default of `undefined` is a default: checkFields would drop it.
  const hasDefault = isRecord(options) && Object.hasOwn(options, "defaultValue");
  const checked = checkFields(of, options, typeChecks);
  const { name, extensions: given, compose, extend, description, valueCheck } = checked;
  if (name === undefined) fail(of, 'field "name" is missing');
  if (given === undefined) fail(of, 'field "extensions" is missing');
  if (description === undefined) fail(of, 'field "description" is missing');
  if (extend !== undefined && compose === undefined)
    fail(of, 'field "compose" is missing: "extend" needs one value made of all contributions');
  const twice = given.find(({ target }, index) =>
    given.slice(0, index).some((other) => other.target === target),
  );
  if (twice !== undefined)
    fail(
      of,
      `field "extensions": two extensions of ${show(twice.target.name)}, of which only one would count`,
    );
  const type: AnyServiceType = Object.freeze({
    name,
    extensions: Object.freeze([...(given as readonly ServiceExtension[])]),
    compose,
    extend,
    ...(hasDefault ? { defaultValue: options.defaultValue } : {}),
    description,
    ...(valueCheck === undefined ? {} : { valueCheck }),
    ...(of.position === undefined ? {} : { position: of.position }),
  });
  types.add(type);
  return type;
}

/**
 * Says that services of a type extend services of `target` with what `compute` gives for their value; it is called with
 * the final value, after the service itself was extended.
 *
 * @throws DefinitionError where `target` is no service type or `compute` no function
 */
export function serviceExtension<Value, Contribution>(
  target: ExtensibleServiceType<Contribution>,
  compute: (value: Value) => NoInfer<Contribution>,
): ServiceExtension<Value> {
  const of = { what: "serviceExtension" };
  if (!isServiceType(target)) fail(of, `expected a target made by serviceType(…), got ${show(target)}`);
  if (typeof compute !== "function") fail(of, `expected a function, got ${show(compute)}`);
  const extension: ServiceExtension<Value> = Object.freeze({ target, compute });
  extensions.add(extension);
  return extension;
}

/**
 * Makes an instance of a type, with a value or, without one, the default of the type.
 *
 * @example service(torServiceType, torConfiguration({ socksSocketType: "unix" }))
 * @throws MissingValueError where there is neither
 * @throws DefinitionError where the value is not what the type says
 */
export function service<Value>(type: DefaultedServiceType<Value>): Service<Value>;
export function service<Value>(type: ServiceType<Value>, value: NoInfer<Value>): Service<Value>;
export function service(...given: readonly [type: AnyServiceType, value?: unknown]): Service {
  const [type, value] = given;
  const position = callSite();
  const of: Subject = { what: "service", position };
  if (!isServiceType(type)) fail(of, `expected a type made by serviceType(…), got ${show(type)}`);
  // Counted and not compared: `undefined` is a value like any other.
  if (given.length > 1) return instance(type, value, position);
  if ("defaultValue" in type) return instance(type, type.defaultValue, position);
  throw new MissingValueError(type, position);
}

function instance<Value>(kind: AnyServiceType, value: Value, position?: SourcePosition): Service<Value> {
  if (kind.valueCheck !== undefined)
    checkValue({ what: `service '${kind.name}'`, position }, value, kind.valueCheck, "the value");
  const made: Service<Value> = Object.freeze({
    kind,
    value,
    ...(position === undefined ? {} : { position }),
  });
  services.add(made);
  return made;
}

/** The same service with another value; its place stays that of the original. */
export function withValue<Value>({ kind, position }: Service, value: Value): Service<Value> {
  return instance(kind, value, position);
}

/** An instance of the type with its default value, made because something extends it; undefined where it has none. */
export function defaultInstance(type: AnyServiceType): Service | undefined {
  return "defaultValue" in type ? instance(type, type.defaultValue) : undefined;
}

/**
 * Makes a service that only extends services of `target` with `value`, by a type of its own.
 *
 * @example simpleService("my-mcron-job", mcronServiceType, [job({ hour: 3 }, "guix gc -F 2G")])
 * @throws DefinitionError where `target` is no service type
 */
export function simpleService<Contribution>(
  name: string,
  target: ExtensibleServiceType<Contribution>,
  value: NoInfer<Contribution>,
): Service<Contribution> {
  const type = serviceType<Contribution>({
    name,
    extensions: [serviceExtension(target, (own: Contribution) => own)],
    description: "This is a simple service.",
  });
  return service(type, value);
}

const targetList = listOf<AnyServiceType>("a list of types made by serviceType(…)", isServiceType);

/** The type of a service. */
export const serviceKind = (of: Service): AnyServiceType => of.kind;
/** The value of a service: its configuration. */
export const serviceValue = <Value>(of: Service<Value>): Value => of.value;
export const serviceExtensionTarget = (of: ServiceExtension): AnyServiceType => of.target;
export const serviceExtensionCompute = <Value>(of: ServiceExtension<Value>): ((value: Value) => unknown) =>
  of.compute;
export const serviceTypeName = (of: AnyServiceType): string => of.name;
export const serviceTypeExtensions = (of: AnyServiceType): readonly ServiceExtension[] => of.extensions;
export const serviceTypeCompose = (of: AnyServiceType): AnyServiceType["compose"] => of.compose;
export const serviceTypeExtend = (of: AnyServiceType): AnyServiceType["extend"] => of.extend;
export const serviceTypeDefaultValue = (of: AnyServiceType): unknown => of.defaultValue;
export const serviceTypeDescription = (of: AnyServiceType): string => of.description;

/**
 * A copy of the type without its extensions of `targets`.
 *
 * @throws DefinitionError where it is given something else than service types
 */
export function removeServiceExtensions<Type extends AnyServiceType>(
  type: Type,
  targets: readonly AnyServiceType[],
): Type {
  const of = { what: "removeServiceExtensions" };
  if (!isServiceType(type)) fail(of, `expected a type made by serviceType(…), got ${show(type)}`);
  checkValue(of, targets, targetList, "the targets");
  const copy: Type = Object.freeze({
    ...type,
    extensions: Object.freeze(type.extensions.filter(({ target }) => !targets.includes(target))),
  });
  types.add(copy);
  return copy;
}
