// The service expression: all that a daemon tells a client about one service.
import { ProtocolError } from "./messages.js";
import { decodeRunningValue, encodeRunningValue, type RunningValue } from "./running-value.js";
import {
  asNames,
  asNumber,
  asNumbers,
  asPair,
  asStrings,
  isList,
  mapList,
  pair,
  recordFields,
  type Sexp,
  sym,
  symbolName,
} from "./sexp.js";

export type ServiceState = "stopped" | "starting" | "running" | "stopping";

/** Times are seconds since the epoch; lists of what happened are newest first. */
export interface ServiceStatus {
  /** The first is the canonical name. */
  readonly provides: readonly [string, ...string[]];
  readonly requires: readonly string[];
  readonly respawn: boolean;
  readonly documentation: string;
  readonly enabled: boolean;
  /** Absent unless the service has a value. */
  readonly running?: RunningValue;
  readonly lastRespawns: readonly number[];
  readonly statusChanges: readonly StatusChange[];
  readonly startupFailures: readonly number[];
  readonly status: ServiceState;
  readonly oneShot: boolean;
  readonly transient: boolean;
  /** Absent where there is none. */
  readonly respawnLimit?: { readonly times: number; readonly seconds: number };
  readonly respawnDelay: number;
  readonly actions: readonly string[];
  readonly exitStatuses: readonly ExitStatus[];
  readonly recentMessages: readonly RecentMessage[];
  readonly logFiles: readonly string[];
  readonly pendingReplacement: boolean;
  /** Fields beyond GNU Shepherd's, by their names on the wire. Its `herd` passes over them. */
  readonly extra: ReadonlyMap<string, Sexp>;
}

export interface StatusChange {
  readonly status: ServiceState;
  readonly time: number;
}

export interface ExitStatus {
  /** As wait(2) gives it: exit code 1 is 256, signal 15 is 15. */
  readonly status: number;
  readonly time: number;
}

export interface RecentMessage {
  readonly time: number;
  readonly line: string;
}

export function encodeService(service: ServiceStatus): Sexp {
  const limit = service.respawnLimit;
  const fields: (readonly [string, Sexp])[] = [
    ["provides", service.provides.map(sym)],
    ["requires", service.requires.map(sym)],
    ["respawn?", service.respawn],
    ["docstring", service.documentation],
    ["enabled?", service.enabled],
    ["running", service.running === undefined ? false : encodeRunningValue(service.running)],
    ["conflicts", []],
    ["last-respawns", service.lastRespawns],
    ["status-changes", service.statusChanges.map(({ status, time }) => pair(sym(status), time))],
    ["startup-failures", service.startupFailures],
    ["status", sym(service.status)],
    ["one-shot?", service.oneShot],
    ["transient?", service.transient],
    ["respawn-limit", limit === undefined ? false : pair(limit.times, limit.seconds)],
    ["respawn-delay", service.respawnDelay],
    ["actions", service.actions.map(sym)],
    ["exit-statuses", service.exitStatuses.map(({ status, time }) => pair(status, time))],
    ["recent-messages", service.recentMessages.map(({ time, line }) => pair(time, line))],
    ["log-files", service.logFiles],
    ["pending-replacement?", service.pendingReplacement],
    ...service.extra,
  ];
  return [sym("service"), [sym("version"), 0], ...fields.map(([key, value]) => [sym(key), value])];
}

/**
 * What is missing (an older Shepherd sends less) gets the value that says least, except for the name. Throws a
 * ProtocolError for what is no service expression.
 */
export function decodeService(expression: Sexp): ServiceStatus {
  const fields = recordFields(expression, "service");
  const [name, ...aliases] = asNames(fields?.get("provides")) ?? [];
  if (fields === undefined || name === undefined)
    throw new ProtocolError("cannot decode service: it is no (service (version 0) (provides (NAME …)) …)");
  const wire = fields.get("running") ?? false;
  const documentation = fields.get("docstring");
  const limit = decodeLimit(fields.get("respawn-limit"));
  return {
    provides: [name, ...aliases],
    requires: asNames(fields.get("requires")) ?? [],
    respawn: fields.get("respawn?") === true,
    documentation: typeof documentation === "string" ? documentation : "",
    enabled: fields.get("enabled?") === true,
    ...(wire === false ? {} : { running: decodeRunningValue(wire) }),
    lastRespawns: asNumbers(fields.get("last-respawns")) ?? [],
    statusChanges: mapList(fields.get("status-changes"), decodeStatusChange) ?? [],
    startupFailures: asNumbers(fields.get("startup-failures")) ?? [],
    status: decodeState(fields.get("status")) ?? (wire === false ? "stopped" : "running"),
    oneShot: fields.get("one-shot?") === true,
    transient: fields.get("transient?") === true,
    ...(limit === undefined ? {} : { respawnLimit: limit }),
    respawnDelay: asNumber(fields.get("respawn-delay")) ?? 0,
    actions: asNames(fields.get("actions")) ?? [],
    exitStatuses: mapList(fields.get("exit-statuses"), decodeExitStatus) ?? [],
    recentMessages: mapList(fields.get("recent-messages"), decodeRecentMessage) ?? [],
    logFiles: asStrings(fields.get("log-files")) ?? [],
    pendingReplacement: fields.get("pending-replacement?") === true,
    extra: new Map([...fields].filter(([key]) => !standardFields.has(key))),
  };
}

/** The service that the `status` of one gives, `(SERVICE)`; undefined where there is none. Throws as `decodeService` does. */
export function decodeOnlyService(result: Sexp): ServiceStatus | undefined {
  const expression = isList(result) ? result[0] : undefined;
  return expression === undefined ? undefined : decodeService(expression);
}

/** The list of services that a `status` of root gives, `((SERVICE …))`. */
export function decodeServices(result: Sexp): ServiceStatus[] {
  const [services] = Array.isArray(result) ? result : [];
  const decoded = mapList(services, decodeService);
  if (decoded === undefined) throw new ProtocolError("cannot decode reply: it holds no list of services");
  return decoded;
}

const standardFields: ReadonlySet<string> = new Set([
  "provides",
  "requires",
  "respawn?",
  "docstring",
  "enabled?",
  "running",
  "conflicts",
  "last-respawns",
  "status-changes",
  "startup-failures",
  "status",
  "one-shot?",
  "transient?",
  "respawn-limit",
  "respawn-delay",
  "actions",
  "exit-statuses",
  "recent-messages",
  "log-files",
  "pending-replacement?",
]);

const states: readonly string[] = ["stopped", "starting", "running", "stopping"] satisfies ServiceState[];

function isState(name: string | undefined): name is ServiceState {
  return name !== undefined && states.includes(name);
}

function decodeState(value: Sexp | undefined): ServiceState | undefined {
  const name = symbolName(value);
  return isState(name) ? name : undefined;
}

function decodeLimit(value: Sexp | undefined): ServiceStatus["respawnLimit"] {
  const [first, second] = asPair(value) ?? [];
  const times = asNumber(first);
  const seconds = asNumber(second);
  return times === undefined || seconds === undefined ? undefined : { times, seconds };
}

function decodeStatusChange(value: Sexp): StatusChange | undefined {
  const [first, second] = asPair(value) ?? [];
  const status = decodeState(first);
  const time = asNumber(second);
  return status === undefined || time === undefined ? undefined : { status, time };
}

function decodeExitStatus(value: Sexp): ExitStatus | undefined {
  const [first, second] = asPair(value) ?? [];
  const status = asNumber(first);
  const time = asNumber(second);
  return status === undefined || time === undefined ? undefined : { status, time };
}

export function decodeRecentMessage(value: Sexp): RecentMessage | undefined {
  const [first, line] = asPair(value) ?? [];
  const time = asNumber(first);
  return time === undefined || typeof line !== "string" ? undefined : { time, line };
}
