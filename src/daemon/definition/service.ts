// `service`, `shepherdService`, `shepherdAction` and `defineConfig`: what a configuration module is made of, checked.

import { timerTriggerAction } from "../timers/trigger.js";
import { callSite } from "./call-site.js";
import { checkCgroup } from "./cgroup-options.js";
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
} from "./check.js";
import { usualStop } from "./constructors.js";
import { fields, isCount, isName, isSeconds, listOf } from "./fields.js";
import { frozenCopy } from "./freeze.js";
import { mostRespawns } from "./limits.js";
import { relationChecks, relationsOf } from "./relations.js";
import {
  type ActionDefinition,
  type BuiltinStart,
  type BuiltinStop,
  builtin,
  type Configuration,
  type Constructor,
  type Destructor,
  type RespawnLimit,
  type ServiceDefinition,
  type ServiceOptions,
  type SettledConfiguration,
  type ShepherdActionOptions,
  type ShepherdServiceOptions,
} from "./types.js";

/** The manual's defaults. */
const defaultRespawnLimit: RespawnLimit = Object.freeze({ times: 5, seconds: 7 });
const defaultRespawnDelay = 0.1;
const alwaysStarts = (): true => true;

/** Names that are always ours. */
const reserved: readonly string[] = ["root", "shepherd"];

/** Every definition that was made here: what only looks like one was never checked. */
const made = new WeakSet<object>();

/** Whether `value` was made by `service` or `shepherdService`. */
export function isDefinition(value: unknown): value is ServiceDefinition {
  return typeof value === "object" && value !== null && made.has(value);
}

export const definitions: Check<readonly ServiceDefinition[]> = listOf(
  "a list of services made by service(…) or shepherdService(…)",
  isDefinition,
);

const isLimit = (times: unknown, seconds: unknown): boolean => isCount(times) && isSeconds(seconds);

const respawnLimit = check<RespawnLimit | readonly [number, number] | false>(
  "{times, seconds}, [times, seconds] or false",
  (value) =>
    value === false ||
    (Array.isArray(value) && value.length === 2 && isLimit(value[0], value[1])) ||
    (isRecord(value) && Object.keys(value).length === 2 && isLimit(value.times, value.seconds)),
);

/** Taking one for the other is easy to do and hard to find. */
const isNotBuiltin = (value: unknown, ...kinds: readonly (BuiltinStart | BuiltinStop)["kind"][]): boolean => {
  if (typeof value !== "function") return false;
  const data = (value as Constructor | Destructor)[builtin];
  return data === undefined || !kinds.includes(data.kind);
};

/** What `herd` does with every service; an action of that name could not be told from it. */
const standardActions: ReadonlySet<string> = new Set([
  "start",
  "stop",
  "restart",
  "enable",
  "disable",
  "status",
  "doc",
]);

const isAction = (value: unknown): boolean =>
  isRecord(value) &&
  isName(value.name) &&
  typeof value.documentation === "string" &&
  typeof value.procedure === "function";

export const optionChecks: Checks<ServiceOptions> = {
  requirement: fields.names,
  ...relationChecks,
  oneShot: fields.flag,
  transient: fields.flag,
  respawn: fields.flag,
  respawnLimit,
  respawnDelay: fields.seconds,
  start: check("a constructor or a function", (value) => isNotBuiltin(value, "kill")),
  stop: check("a destructor or a function", (value) =>
    isNotBuiltin(value, "forkexec", "systemd", "inetd", "timer"),
  ),
  retryable: fields.flag,
  resume: fields.procedure,
  actions: listOf("a list of actions made by shepherdAction(…)", isAction),
  autoStart: fields.flag,
  documentation: fields.text,
  terminationHandler: fields.procedure,
  // What is in it is checked one by one.
  cgroup: check("an object with limits, or false", (value) => value === false || isRecord(value)),
};

/**
 * Defines a service that answers to the names in `provision`, of which the first is the canonical one. The defaults are the
 * Shepherd manual's ("Defining Services"), except that a service without `stop` has its process ended. Nothing is started
 * or registered by this.
 *
 * @example service(["web", "http"], { requirement: ["db"], start: makeForkexecConstructor(["nginx"]), respawn: true })
 * @throws DefinitionError that names the place, the service, the field and what was expected
 */
export function service(provision: readonly string[], options: ServiceOptions = {}): ServiceDefinition {
  const of = subjectOf("service", provision);
  const names = namesOf(of, provision);
  return define(of, names, checkFields(of, options, optionChecks), false);
}

/**
 * Defines a service by a record with the fields of Guix's `shepherd-service`: as `service`, but it is respawned unless told
 * otherwise.
 *
 * @throws DefinitionError that names the place, the service, the field and what was expected
 */
export function shepherdService(options: ShepherdServiceOptions): ServiceDefinition {
  const of = subjectOf("shepherdService", isRecord(options) ? options.provision : undefined);
  const { provision, ...rest } = checkFields<ShepherdServiceOptions>(of, options, {
    ...optionChecks,
    provision: fields.provision,
  });
  if (provision === undefined) fail(of, 'field "provision" is missing');
  return define(of, namesOf(of, provision), rest, true);
}

function subjectOf(builder: string, provision: unknown): Subject {
  const [name] = Array.isArray(provision) ? (provision as unknown[]) : [];
  return { what: typeof name === "string" ? `service ${show(name)}` : builder, position: callSite() };
}

function namesOf(of: Subject, provision: readonly string[]): readonly [string, ...string[]] {
  const [canonical = "", ...others] = checkValue(of, provision, fields.provision, 'field "provision"');
  const names = [canonical, ...others] as const;
  const taken = names.find((name) => reserved.includes(name));
  if (taken !== undefined) fail(of, `field "provision": the name "${taken}" is the supervisor's own`);
  const twice = firstRepeated(names);
  if (twice !== undefined) fail(of, `field "provision": "${twice}" is there twice`);
  return names;
}

function define(
  of: Subject,
  provision: readonly [string, ...string[]],
  options: ServiceOptions,
  respawnDefault: boolean,
): ServiceDefinition {
  const { terminationHandler } = options;
  const isTimer = options.start?.[builtin]?.kind === "timer";
  const given = options.actions ?? [];
  const actions =
    isTimer && given.every(({ name }) => name !== "trigger") ? [...given, timerTriggerAction] : given;
  if (isTimer && options.oneShot === true)
    fail(of, 'field "oneShot": a timer runs until it is stopped; see its option "occurrences"');
  if (isTimer && options.resume !== undefined)
    fail(of, 'field "resume": a timer goes on by itself in the next supervisor');
  const twice = firstRepeated(actions.map(({ name }) => name));
  if (twice !== undefined) fail(of, `field "actions": the action "${twice}" is there twice`);
  const relations = relationsOf(options);
  const requirement = [...new Set([...(options.requirement ?? []), ...(options.bindsTo ?? [])])];
  const definition: ServiceDefinition = Object.freeze({
    provision: frozenCopy(provision),
    requirement: frozenCopy(requirement),
    ...(relations === undefined ? {} : { relations }),
    oneShot: options.oneShot ?? false,
    transient: options.transient ?? false,
    // A timer that runs has no process that could end.
    respawn: !isTimer && (options.respawn ?? respawnDefault),
    respawnLimit: limitOf(of, options.respawnLimit),
    respawnDelay: options.respawnDelay ?? defaultRespawnDelay,
    start: options.start ?? alwaysStarts,
    stop: options.stop ?? usualStop,
    retryable: options.retryable ?? false,
    ...(options.resume === undefined ? {} : { resume: options.resume }),
    actions: frozenCopy(actions),
    autoStart: options.autoStart ?? true,
    documentation: options.documentation ?? "[No description].",
    ...(terminationHandler === undefined ? {} : { terminationHandler }),
    ...(options.cgroup === undefined ? {} : { cgroup: checkCgroup(of, options.cgroup) }),
    ...(of.position === undefined ? {} : { position: of.position }),
  });
  made.add(definition);
  return definition;
}

function firstRepeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

function limitOf(of: Subject, limit: ServiceOptions["respawnLimit"]): RespawnLimit | false {
  if (limit === undefined) return defaultRespawnLimit;
  if (limit === false) return false;
  const { times, seconds } = "times" in limit ? limit : { times: limit[0], seconds: limit[1] };
  if (times > mostRespawns) {
    fail(
      of,
      `field "respawnLimit": expected at most ${mostRespawns} times, or false for no limit, got ${times}`,
    );
  }
  return Object.freeze({ times, seconds });
}

const actionChecks: Checks<ShepherdActionOptions> = {
  name: fields.name,
  documentation: fields.text,
  procedure: fields.procedure,
};

/**
 * An action of a service: `herd NAME SERVICE ARG…` calls `procedure` with the running value, or `false` when the service is
 * stopped, and the arguments. What it prints with `console.log` goes to the client.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function shepherdAction(action: ShepherdActionOptions): ActionDefinition {
  const of = { what: "shepherdAction" };
  const { name, documentation, procedure } = checkFields(of, action, actionChecks);
  if (name === undefined) fail(of, 'field "name" is missing');
  if (standardActions.has(name)) fail(of, `field "name": every service has an action "${name}" already`);
  if (procedure === undefined) fail(of, `action "${name}": field "procedure" is missing`);
  return Object.freeze({ name, documentation: documentation ?? "[No documentation.]", procedure });
}

/**
 * The action `configuration`, which prints the name of the service's configuration file: `cat $(herd configuration tor)`.
 *
 * @throws DefinitionError where `file` is no name of a file
 */
export function shepherdConfigurationAction(file: string): ActionDefinition {
  checkValue({ what: "shepherdConfigurationAction" }, file, fields.file);
  return Object.freeze({
    name: "configuration",
    documentation: "Display the name of this service's configuration file.",
    // Both, as in Guix: a client shows what was printed, a program takes the value.
    procedure: () => {
      console.log(file);
      return file;
    },
  });
}

/**
 * The default export of a configuration module: its services, of which those with `autoStart` (the default) are started.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function defineConfig(configuration: Configuration): Configuration {
  const of = { what: "defineConfig" };
  const { services } = isRecord(configuration) ? configuration : { services: undefined };
  if (services instanceof Promise) {
    const { exitWith: _later, ...rest } = configuration;
    configurationOf(of, { ...rest, services: [] });
    // Whoever loads the module waits for it, and tells what is wrong.
    services.catch(() => undefined);
    return Object.freeze({ ...configuration });
  }
  const checked = configurationOf(of, configuration);
  return Object.freeze({ ...checked, services: Object.freeze([...checked.services]) });
}

/** Throws a DefinitionError unless `value` is a configuration; promised services are none. */
export function checkConfiguration(of: Subject, value: unknown): asserts value is SettledConfiguration {
  configurationOf(of, value as Configuration);
}

const configurationChecks: Checks<Configuration> = {
  services: definitions,
  exitWith: fields.name,
  shutdownTimeout: check("a positive number of seconds", (value) => isSeconds(value) && value > 0),
};

function configurationOf(of: Subject, given: Configuration): SettledConfiguration {
  const checked = checkFields(of, given, configurationChecks) as SettledConfiguration;
  const { services, exitWith } = checked;
  if (services === undefined) fail(of, 'field "services" is missing');
  if (exitWith !== undefined && !services.some(({ provision }) => provision[0] === exitWith)) {
    fail(of, `field "exitWith": no service's canonical name is "${exitWith}"`);
  }
  return checked;
}
