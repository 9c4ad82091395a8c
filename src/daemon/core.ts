// The core of the public API: all but Shepherd's own services. Names mirror the Shepherd manual in camelCase.

import { writeSexp } from "../protocol/sexp-writer.js";
import { toSexp } from "./control/values.js";
import { checkValue, fail, type Subject } from "./definition/check.js";
import { fields, isText, listOf } from "./definition/fields.js";
import { currentLoad, runtime, type ServiceSummary } from "./definition/runtime.js";
import { definitions } from "./definition/service.js";
import type { ServiceDefinition } from "./definition/types.js";

export type { CgroupOptions } from "./definition/cgroup-options.js";
export { DefinitionError } from "./definition/check.js";
export {
  makeForkexecConstructor,
  makeInetdConstructor,
  makeInetdDestructor,
  makeKillDestructor,
  makeSystemConstructor,
  makeSystemDestructor,
  makeSystemdConstructor,
  makeSystemdDestructor,
} from "./definition/constructors.js";
export { endpoint, type HostAndPort } from "./definition/endpoint.js";
export {
  clientCommand,
  launchService,
  supervisorFiles,
  supervisorStatistics,
  unusedServiceName,
  updateRunningValue,
} from "./definition/running-system.js";
export type {
  ClientCommand,
  LoggedTo,
  ServiceSummary,
  SupervisorFiles,
  SupervisorStatistics,
} from "./definition/runtime.js";
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
  Endpoint,
  EndpointAddress,
  EndpointOptions,
  ForkexecOptions,
  InetdOptions,
  Json,
  KillOptions,
  LimitValue,
  ProcessOptions,
  ProcessReference,
  Relations,
  ResourceLimitValue,
  RespawnLimit,
  ResumeFunction,
  RunningValue,
  ServiceDefinition,
  ServiceOptions,
  ShepherdActionOptions,
  ShepherdServiceOptions,
  SocketStyle,
  StartFunction,
  StopFunction,
  SystemdOptions,
  TerminalOptions,
  Termination,
  TerminationDecision,
  TerminationHandler,
} from "./definition/types.js";
export { logFiles, rotateLogs } from "./logs/api.js";
export type { Compression } from "./logs/compression.js";
export type { RotationOptions } from "./logs/rotation-policy.js";
export type {
  CommandProbe,
  HealthOptions,
  NotifyAccess,
  NotifyReadiness,
  PortProbe,
  Probe,
  ProbeAddress,
  ProbeOptions,
  Readiness,
  SupervisionOptions,
} from "./readiness/options.js";
export { commandSucceeds, notify, portAnswers } from "./readiness/options.js";
export {
  command,
  type IntervalOptions,
  interval,
  makeTimerConstructor,
  makeTimerDestructor,
  type TimerOptions,
} from "./timers/builders.js";
export { cronStringToCalendarEvent } from "./timers/calendar/cron.js";
export {
  type CalendarEvent,
  type CalendarEventOptions,
  calendarEvent,
  type ExpressionOptions,
  type Weekday,
} from "./timers/calendar/event.js";
export { onCalendar } from "./timers/calendar/on-calendar.js";
export { timerTriggerAction, triggerTimer } from "./timers/trigger.js";
export type { Interval, Overlap, TimerCommand, TimerProcedure } from "./timers/types.js";

/**
 * Registers services. While a module is loaded they come into force together with all others of the module, or not at
 * all; at any other time at once: a service that runs under one of their names goes on, and is replaced when it stops.
 *
 * @throws where a name is taken twice, a requirement is provided by nobody, or services require each other in a circle;
 * nothing is registered then
 */
export function registerServices(services: readonly ServiceDefinition[]): void {
  checkValue({ what: "registerServices" }, services, definitions);
  const load = currentLoad();
  if (load === undefined) runtime().registerServices([...services]);
  else for (const one of services) load.services.push(one);
}

/**
 * Starts services, by name, with what they require, and does not wait for them: those that fail are told in the log. While
 * a module is loaded, they are started as soon as it is in force.
 */
export function startInTheBackground(names: readonly string[]): void {
  checkValue({ what: "startInTheBackground" }, names, fields.names);
  const load = currentLoad();
  if (load === undefined) runtime().startInTheBackground([...names]);
  else for (const name of names) load.toStart.push(name);
}

/**
 * Starts a service, by any of its names, and what it requires; `args` go to its start. Resolves with whether it runs (a
 * one-shot: whether it succeeded).
 *
 * @throws where there is no such service, where its start function throws, and while a module is loaded
 */
export async function startService(name: string, ...args: string[]): Promise<boolean> {
  checkLiveCall({ what: "startService" }, name, args, "; use startInTheBackground");
  return await runtime().startService(name, args);
}

/**
 * Stops a service, by any of its names, after what depends on it; `args` go to its stop. Resolves with the canonical names
 * of all that were stopped.
 *
 * @throws where there is no such service, where a stop function throws, and while a module is loaded
 */
export async function stopService(name: string, ...args: string[]): Promise<string[]> {
  checkLiveCall({ what: "stopService" }, name, args, "");
  return await runtime().stopService(name, args);
}

/** What is known of a service, by any of its names; undefined where there is none. */
export function lookupService(name: string): ServiceSummary | undefined {
  checkValue({ what: "lookupService" }, name, fields.text);
  return runtime().lookupService(name);
}

/**
 * The Scheme form of strings, numbers, booleans and lists, as the Shepherd's `~s` prints it: `write(["a", "b"])` is
 * `("a" "b")`, `write([])` is `()`. Anything else becomes its printed form, as a string.
 */
export function write(value: unknown): string {
  return writeSexp(toSexp(value));
}

const argumentList = listOf<string>("arguments that are strings", isText);

function checkLiveCall(of: Subject, name: string, args: readonly string[], instead: string): void {
  checkValue(of, name, fields.text);
  checkValue(of, args, argumentList);
  if (currentLoad() !== undefined) fail(of, `the module's services are not in force yet${instead}`);
}
