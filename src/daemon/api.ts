// The public module `shepherd-ts`: what configuration modules import. Names mirror the Shepherd manual in camelCase.

import { writeSexp } from "../protocol/sexp-writer.js";
import { toSexp } from "./control/values.js";
import { checks, DefinitionError, fail, subject } from "./definition/check.js";
import { currentLoad, runtime, type ServiceSummary } from "./definition/runtime.js";
import { isDefinition } from "./definition/service.js";
import type { ServiceDefinition } from "./definition/types.js";

export { DefinitionError } from "./definition/check.js";
export {
  type KillOptions,
  makeForkexecConstructor,
  makeKillDestructor,
  makeSystemConstructor,
  makeSystemDestructor,
} from "./definition/constructors.js";
export type { ServiceSummary } from "./definition/runtime.js";
export {
  defineConfig,
  service,
  shepherdAction,
  shepherdConfigurationAction,
  shepherdService,
} from "./definition/service.js";
export type {
  ActionDefinition,
  ActionFunction,
  Configuration,
  Constructor,
  Destructor,
  ForkexecOptions,
  Json,
  LimitValue,
  ProcessOptions,
  ProcessReference,
  ResourceLimitValue,
  RespawnLimit,
  RunningValue,
  ServiceDefinition,
  ServiceOptions,
  ShepherdServiceOptions,
  StartFunction,
  StopFunction,
  Termination,
  TerminationDecision,
  TerminationHandler,
} from "./definition/types.js";

/**
 * Registers services. While a module is loaded they come into force together with all others of the module, or not at
 * all; at any other time at once. Throws where a name is taken twice, a requirement is provided by nobody, or services
 * require each other in a circle.
 */
export function registerServices(definitions: readonly ServiceDefinition[]): void {
  if (!Array.isArray(definitions) || !definitions.every(isDefinition)) {
    fail(subject("registerServices"), "expected a list of services made by service(…) or shepherdService(…)");
  }
  const load = currentLoad();
  if (load === undefined) runtime().registerServices(definitions);
  else load.services.push(...definitions);
}

/** Starts services, by name, without waiting for them; while a module is loaded, as soon as it is in force. */
export function startInTheBackground(names: readonly string[]): void {
  if (!checks.names.matches(names))
    fail(subject("startInTheBackground"), `expected ${checks.names.expected}`);
  const load = currentLoad();
  if (load === undefined) runtime().startInTheBackground(names);
  else load.toStart.push(...names);
}

/** Starts a service and what it requires; resolves with whether it runs. Not while a module is loaded. */
export async function startService(name: string, ...args: string[]): Promise<boolean> {
  refuseDuringLoad("startService");
  return await runtime().startService(name, args);
}

/** Stops a service after what depends on it; resolves with the names of all that was stopped. Not while a module is loaded. */
export async function stopService(name: string, ...args: string[]): Promise<string[]> {
  refuseDuringLoad("stopService");
  return await runtime().stopService(name, args);
}

/** What is known of a service, by any of its names; undefined where there is none. */
export function lookupService(name: string): ServiceSummary | undefined {
  return runtime().lookupService(name);
}

/** The Scheme form of strings, numbers, booleans and lists, as `~s` prints it: `("a" "b")`. */
export function write(value: unknown): string {
  return writeSexp(toSexp(value));
}

function refuseDuringLoad(name: string): void {
  if (currentLoad() !== undefined) {
    throw new DefinitionError(
      `${name}: the module's services are not in force yet; use startInTheBackground`,
    );
  }
}
