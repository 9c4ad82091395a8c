// `service`, `shepherdService`, `shepherdAction` and `defineConfig`: what a configuration module is made of, checked.

import {
  type Check,
  check,
  checkFields,
  checks,
  fail,
  isName,
  isRecord,
  type Subject,
  show,
  subject,
} from "./check.js";
import { destructorOf } from "./constructors.js";
import {
  type ActionDefinition,
  type ActionFunction,
  builtin,
  type Configuration,
  type RespawnLimit,
  type ServiceDefinition,
  type ServiceOptions,
  type ShepherdServiceOptions,
} from "./types.js";

/** The manual's defaults. */
const defaultRespawnLimit: RespawnLimit = { times: 5, seconds: 7 };
const defaultRespawnDelay = 0.1;

const isLimitPair = (times: unknown, seconds: unknown): boolean =>
  checks.isCount(times) && checks.isDuration(seconds);
const isAction = (value: unknown): boolean =>
  isRecord(value) &&
  isName(value.name) &&
  typeof value.documentation === "string" &&
  typeof value.procedure === "function";

const optionChecks: Readonly<Record<keyof ServiceOptions, Check<unknown>>> = {
  requirement: checks.names,
  oneShot: checks.boolean,
  transient: checks.boolean,
  respawn: checks.boolean,
  respawnLimit: check(
    "{times, seconds}, [times, seconds] or false",
    (value) =>
      value === false ||
      (Array.isArray(value) && value.length === 2 && isLimitPair(value[0], value[1])) ||
      (isRecord(value) && Object.keys(value).length === 2 && isLimitPair(value.times, value.seconds)),
  ),
  respawnDelay: checks.duration,
  start: check("a constructor or a function", (value) => typeof value === "function"),
  stop: check("a destructor or a function", (value) => typeof value === "function"),
  actions: checks.list("a list of shepherdAction(…)", isAction),
  autoStart: checks.boolean,
  documentation: checks.string,
  terminationHandler: checks.func,
};

/**
 * Defines a service that provides `provision`: the names it answers to, its canonical name first. The defaults are the
 * Shepherd manual's ("Defining Services"). Throws a DefinitionError that names the place, the field and what was expected.
 */
export function service(provision: readonly string[], options: ServiceOptions = {}): ServiceDefinition {
  const of = subjectOf("service", provision);
  checkFields(of, options, optionChecks);
  return define(of, provision, options, false);
}

/** Defines a service by a record, as Guix's `shepherd-service`: as `service`, but it is respawned unless told otherwise. */
export function shepherdService(options: ShepherdServiceOptions): ServiceDefinition {
  const of = subjectOf(
    "shepherdService",
    isRecord(options) ? (options as ShepherdServiceOptions).provision : undefined,
  );
  checkFields(of, options, { ...optionChecks, provision: checks.provision });
  return define(of, options.provision, options, true);
}

function subjectOf(builder: string, provision: unknown): Subject {
  const [name] = Array.isArray(provision) ? provision : [];
  return subject(typeof name === "string" ? `service ${show(name).replace(/^'|'$/g, '"')}` : builder);
}

function define(
  of: Subject,
  provision: readonly string[],
  options: ServiceOptions,
  respawnDefault: boolean,
): ServiceDefinition {
  if (!checks.provision.matches(provision)) {
    fail(of, `field "provision": expected ${checks.provision.expected}, got ${show(provision)}`);
  }
  const names: readonly [string, ...string[]] = provision;
  if (names.includes("root") || names.includes("shepherd"))
    fail(of, 'the names "root" and "shepherd" are taken');
  const { requirement = [], actions = [], respawnLimit } = options;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(of, `field "provision": "${twice}" is there twice`);
  const action = actions.find(
    ({ name }, index) => actions.findIndex((other) => other.name === name) !== index,
  );
  if (action !== undefined) fail(of, `field "actions": the action "${action.name}" is there twice`);
  return Object.freeze({
    provision: Object.freeze([...names] as [string, ...string[]]),
    requirement: Object.freeze([...requirement]),
    oneShot: options.oneShot ?? false,
    transient: options.transient ?? false,
    respawn: options.respawn ?? respawnDefault,
    respawnLimit: limitOf(respawnLimit),
    respawnDelay: options.respawnDelay ?? defaultRespawnDelay,
    start: options.start ?? alwaysStarts,
    stop: options.stop ?? defaultStop(options),
    actions: Object.freeze([...actions]),
    autoStart: options.autoStart ?? true,
    documentation: options.documentation ?? "[No description].",
    ...(options.terminationHandler === undefined ? {} : { terminationHandler: options.terminationHandler }),
    ...(of.position === undefined ? {} : { position: of.position }),
  });
}

const alwaysStarts = (): true => true;
const stopsByItself = (): false => false;

/** A service that runs a program is stopped by ending it; the manual's default would leave it running. */
function defaultStop({ start }: ServiceOptions): ServiceDefinition["stop"] {
  return start?.[builtin]?.kind === "forkexec"
    ? destructorOf({ kind: "kill", signal: 15, gracePeriod: 5 })
    : stopsByItself;
}

function limitOf(limit: ServiceOptions["respawnLimit"]): RespawnLimit | false {
  if (limit === undefined) return defaultRespawnLimit;
  if (limit === false) return false;
  return "times" in limit
    ? Object.freeze({ ...limit })
    : Object.freeze({ times: limit[0], seconds: limit[1] });
}

/** An action of a service: `herd NAME SERVICE ARG…` calls `procedure` with the running value and the arguments. */
export function shepherdAction(action: ActionDefinition): ActionDefinition {
  const of = subject("shepherdAction");
  checkFields(of, action, {
    name: check("a name without spaces, slashes, quotes or parentheses", isName),
    documentation: checks.string,
    procedure: checks.func,
  });
  const { name, documentation = "", procedure } = action;
  if (!isName(name)) fail(of, 'field "name" is missing');
  if (typeof procedure !== "function") fail(of, 'field "procedure" is missing');
  return Object.freeze({ name, documentation, procedure });
}

/** The action `configuration`, which tells the service's configuration file: `cat $(herd configuration tor)`. */
export function shepherdConfigurationAction(file: string): ActionDefinition {
  const of = subject("shepherdConfigurationAction");
  if (!checks.path.matches(file)) fail(of, `expected ${checks.path.expected}, got ${show(file)}`);
  const procedure: ActionFunction = () => {
    console.log(file);
    return true;
  };
  return Object.freeze({
    name: "configuration",
    documentation: "Print the name of this service's configuration file.",
    procedure,
  });
}

/** The default export of a configuration module: its services, of which those with `autoStart` are started. */
export function defineConfig(configuration: Configuration): Configuration {
  checkConfiguration(subject("defineConfig"), configuration);
  return Object.freeze({ ...configuration });
}

/** Throws a DefinitionError unless `value` is a configuration. */
export function checkConfiguration(of: Subject, value: unknown): asserts value is Configuration {
  checkFields(of, value, {
    services: checks.list("a list of services made by service(…) or shepherdService(…)", isDefinition),
    exitWith: check("the name of a service", isName),
    shutdownTimeout: check(
      "a positive number of seconds",
      (seconds) => checks.isDuration(seconds) && seconds > 0,
    ),
  });
  const { services, exitWith } = value as Partial<Configuration>;
  if (services === undefined) fail(of, 'field "services" is missing');
  if (exitWith !== undefined && !services.some(({ provision }) => provision[0] === exitWith)) {
    fail(of, `field "exitWith": no service's canonical name is "${exitWith}"`);
  }
}

/** Whether `value` was made by `service` or `shepherdService`. */
export function isDefinition(value: unknown): value is ServiceDefinition {
  return (
    isRecord(value) && Object.isFrozen(value) && Array.isArray(value.provision) && "respawnDelay" in value
  );
}
