// `shepherdService` of a composed system: the record that extensions of the Shepherd's root service pass to it, with Guix's
// fields (Guix manual, "Shepherd Services") and ours. It is checked here, where the user wrote it, and becomes a definition
// of the daemon's by `toDefinition`.

import { callSite } from "../../daemon/definition/call-site.js";
import {
  type Check,
  type Checks,
  check,
  checkFields,
  fail,
  isRecord,
  type Subject,
  show,
} from "../../daemon/definition/check.js";
import { usualStop } from "../../daemon/definition/constructors.js";
import { fields, isText, listOf } from "../../daemon/definition/fields.js";
import { frozenCopy } from "../../daemon/definition/freeze.js";
import { mostRespawns } from "../../daemon/definition/limits.js";
import {
  shepherdService as defineService,
  isDefinition,
  optionChecks,
} from "../../daemon/definition/service.js";
import type {
  ActionDefinition,
  Constructor,
  Destructor,
  Relations,
  ServiceDefinition,
  ServiceOptions,
  SourcePosition,
} from "../../daemon/definition/types.js";
import type { Given } from "../composition/record.js";
import { type FileLike, isFileLike } from "../files/file-like.js";
import { filesOf } from "./files-of.js";

/** An action of a service; made by `shepherdAction` or `shepherdConfigurationAction`. */
export type ShepherdAction = ActionDefinition;

/** A service that the supervisor is to manage. */
export interface ShepherdService extends Relations {
  /** Every name it answers to, at least one; the first is its canonical name. */
  readonly provision: readonly string[];
  /** Names of services that must run before this one starts, and stop after it; default none. */
  readonly requirement: readonly string[];
  /** Default false. A one-shot is over when its start returned; it runs again each time it is needed. */
  readonly oneShot: boolean;
  /** Default true: it is started again when its process ends by itself. */
  readonly respawn: boolean;
  /**
   * How often it may be respawned within so many seconds before it is disabled. Undefined or, as in Guix, `false`: the
   * Shepherd's default, 5 times within 7 seconds. `"unlimited"`: as often as it takes.
   */
  readonly respawnLimit: ServiceOptions["respawnLimit"] | "unlimited";
  /** Seconds before each respawn. Undefined or, as in Guix, `false`: the Shepherd's default, 0.1. */
  readonly respawnDelay: number | false | undefined;
  /** Default: succeeds at once. */
  readonly start: Constructor;
  /** Default: ends the service's process, if it has one. (In Guix it would be left running.) */
  readonly stop: Destructor;
  /** What `herd` can do with it besides the usual; default none. */
  readonly actions: readonly ShepherdAction[];
  /**
   * Where the definition comes from somewhere else, such as the Shepherd's own services: it replaces `start`, `stop` and
   * `actions`, and every other field that is not given. `provision` must name the same services. What needs a supervisor to
   * be made, as `replService()` does, is given as a function; that is called inside the supervisor only.
   */
  readonly freeForm: ServiceDefinition | (() => ServiceDefinition) | undefined;
  /** Default true: it is started with the system. Otherwise it waits for `herd start`, or for what requires it. */
  readonly autoStart: boolean;
  /** What `herd doc NAME` tells. */
  readonly documentation: string;
  /**
   * ES modules that its functions import by names that are computed, and that are therefore no part of the compiled
   * configuration: absolute file names, `file:` URLs, and Node's own such as `"node:sqlite"`. They are imported when the
   * system is built, so that one that is missing is found then, and not at the first start. Default none.
   */
  readonly modules: readonly string[];
  /**
   * Files that its functions use, to be put in place before services start; default none. Those in commands and
   * actions of `shepherd-ts/system` are known without this.
   */
  readonly files: readonly FileLike[];
  /** Default false. A transient service is unregistered when it ends. */
  readonly transient: boolean;
  /** Default false: a start function that was under way when the supervisor died is not called again. */
  readonly retryable: boolean;
  /** For a service that lives, in part, inside the supervisor; see `ResumeFunction`. Default none. */
  readonly resume: ServiceOptions["resume"];
  /** Decides what becomes of it when its process ends by itself; default: `respawn` does. */
  readonly terminationHandler: ServiceOptions["terminationHandler"];
  /** Limits of memory, processes and CPU for the service as a whole; default none. `false`: it has no cgroup of its own. */
  readonly cgroup: ServiceOptions["cgroup"];
}

/** What `shepherdService` takes: all fields but `provision` have defaults. */
export type ShepherdServiceFields = Given<ShepherdService, "provision">;

const isModuleName = (name: unknown): boolean =>
  isText(name) && (/^(?:\/|node:)./s.test(name) || (name.startsWith("file:") && URL.canParse(name)));

const orFalse = (one: Check<unknown>): Check<unknown> =>
  check(`${one.expected}, or false for the default`, (value) => value === false || one.matches(value));

/** Of a respawn limit, whichever form it has: whether the supervisor can keep count. */
function isModest(limit: unknown): boolean {
  const times: unknown = isRecord(limit) ? limit.times : Array.isArray(limit) ? limit[0] : 0;
  return Number(times) <= mostRespawns;
}

const checks: Checks<ShepherdService> = {
  ...optionChecks,
  provision: fields.provision,
  respawnLimit: check(
    `{times, seconds} or [times, seconds] with at most ${mostRespawns} times, "unlimited", or false for the default`,
    (value) => value === "unlimited" || (optionChecks.respawnLimit.matches(value) && isModest(value)),
  ),
  respawnDelay: orFalse(fields.seconds),
  freeForm: check(
    "a service as shepherd-ts defines them, such as timerService(), or a function that gives one",
    (value) => typeof value === "function" || isDefinition(value),
  ),
  modules: listOf(
    'a list of ES modules, each an absolute file name, a file: URL or one of Node\'s such as "node:sqlite"',
    isModuleName,
  ),
  files: listOf("a list of files, each an absolute name or made by plainFile(…) and the like", isFileLike),
};

const none: readonly never[] = Object.freeze([]);

const defaults: Omit<ShepherdService, "provision"> = {
  requirement: none,
  oneShot: false,
  respawn: true,
  respawnLimit: undefined,
  respawnDelay: undefined,
  start: () => true,
  stop: usualStop,
  actions: none,
  freeForm: undefined,
  autoStart: true,
  documentation: "[No documentation.]",
  modules: none,
  files: none,
  transient: false,
  retryable: false,
  resume: undefined,
  terminationHandler: undefined,
  cgroup: undefined,
};

/** What is known of a record besides its fields, none of which a copy made by spreading it has. */
interface Origin {
  /** Where it was made, in the compiled module. */
  readonly position: SourcePosition | undefined;
  /** What was given for it, as the daemon takes it; of a free form without what that replaces. */
  readonly options: ServiceOptions;
  /** What the daemon makes of those options. */
  readonly definition: ServiceDefinition;
}

const origins = new WeakMap<object, Origin>();

/** Whether `value` was made by `shepherdService`. */
export function isShepherdService(value: unknown): value is ShepherdService {
  return typeof value === "object" && value !== null && origins.has(value);
}

/** A check for fields and contributions that hold such services. */
export const shepherdServices: Check<readonly ShepherdService[]> = listOf(
  "a list of services made by shepherdService(…)",
  isShepherdService,
);

/**
 * Makes a service for `shepherdRootServiceType`. `{ ...other, requirement: ["db"] }` is `other` with another requirement.
 *
 * @example
 * shepherdService({
 *   provision: ["syslogd"],
 *   documentation: "Run the syslog daemon (syslogd).",
 *   requirement: ["user-processes"],
 *   start: makeForkexecConstructor([fileAppend(inetutils, "/libexec/syslogd"), "--rcfile", config], {
 *     pidFile: "/var/run/syslog.pid",
 *   }),
 *   stop: makeKillDestructor(),
 * })
 * @throws DefinitionError that names the place, the service, the field and what was expected
 */
export function shepherdService(given: ShepherdServiceFields): ShepherdService {
  const of = subjectOf(given);
  const checked = ownCopy(
    checkFields<Partial<ShepherdService>>(of, given as Partial<ShepherdService>, checks),
  );
  const { provision } = checked;
  if (provision === undefined) fail(of, 'field "provision" is missing');
  const options = optionsOf(checked);
  // The daemon's own checks, now that the user's place is known.
  const definition = defineService({ provision, ...options });
  const { freeForm } = checked;
  if (isDefinition(freeForm)) checkProvision(of, provision, freeForm);
  const record: ShepherdService = Object.freeze({
    ...defaults,
    ...(isDefinition(freeForm) ? { requirement: freeForm.requirement } : {}),
    ...checked,
    ...(checked.bindsTo === undefined ? {} : { requirement: definition.requirement }),
    provision,
  });
  origins.set(record, { position: of.position, options, definition });
  return record;
}

/** The place of a service in the compiled module; undefined where it is not known. */
export const shepherdServicePosition = (service: ShepherdService): SourcePosition | undefined =>
  originOf(service).position;

/** The name that stands for a service. */
export const canonicalName = ({ provision: [name = ""] }: Pick<ShepherdService, "provision">): string => name;

/**
 * All files that must be in place before the service starts. Those of a free form that is a function are not known before
 * that is called: its field `files` has to name them.
 */
export function shepherdServiceFiles(service: ShepherdService): readonly FileLike[] {
  const { start, stop, actions } = isDefinition(service.freeForm) ? service.freeForm : service;
  const functions = [start, stop, ...actions.map(({ procedure }) => procedure)];
  return [...new Set([...service.files, ...functions.flatMap(filesOf)])];
}

/** @throws DefinitionError where the service was not made by `shepherdService` */
export function originOf(service: ShepherdService): Origin {
  return (
    origins.get(service) ??
    fail({ what: "service" }, `expected one made by shepherdService(…), got ${show(service)}`)
  );
}

/** Fails unless a free form has the names of the service that it is the form of. */
export function checkProvision(of: Subject, provision: readonly string[], form: ServiceDefinition): void {
  const isSame =
    form.provision[0] === provision[0] &&
    form.provision.length === provision.length &&
    form.provision.every((name) => provision.includes(name));
  if (!isSame)
    fail(
      of,
      `field "freeForm": it provides ${form.provision.join(", ")}, and the field "provision" says ${provision.join(", ")}`,
    );
}

function subjectOf(given: unknown): Subject {
  const [name]: readonly unknown[] = isRecord(given) && Array.isArray(given.provision) ? given.provision : [];
  return {
    what: typeof name === "string" ? `service ${show(name)}` : "shepherdService",
    position: callSite(),
  };
}

function optionsOf(checked: Partial<ShepherdService>): ServiceOptions {
  const { provision: _names, modules: _modules, files: _files, freeForm, ...rest } = checked;
  const { start, stop, actions, respawnLimit, respawnDelay, ...common } = rest;
  return withoutUndefined({
    ...(freeForm === undefined ? { documentation: defaults.documentation, start, stop, actions } : {}),
    ...common,
    respawnLimit: respawnLimit === "unlimited" ? false : respawnLimit || undefined,
    respawnDelay: respawnDelay === false ? undefined : respawnDelay,
  });
}

function withoutUndefined(
  options: {
    readonly [field in keyof ServiceOptions]: ServiceOptions[field] | undefined;
  },
): ServiceOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** A copy that whoever gave the fields cannot change afterwards. What was made by builders is frozen already. */
function ownCopy(fields: Partial<ShepherdService>): Partial<ShepherdService> {
  const own = Object.entries(fields).map(([field, value]: readonly [string, unknown]) => {
    if (field === "respawnLimit" || field === "cgroup") return [field, frozenCopy(value)];
    return [field, Array.isArray(value) ? Object.freeze([...(value as unknown[])]) : value];
  });
  return Object.fromEntries(own) as Partial<ShepherdService>;
}
