// What a running service's value looks like on the wire: processes, listening sockets, timers, the system log.
import {
  asNumber,
  asNumbers,
  asPair,
  asStrings,
  isList,
  isSymbol,
  mapList,
  pair,
  record,
  recordFields,
  type Sexp,
  SexpVector,
  sym,
} from "./sexp.js";

export interface ProcessValue {
  readonly type: "process";
  readonly pid: number;
  /** Absent where it is not known, as for GNU Shepherd's root once it went into the background. */
  readonly command?: readonly string[];
}

/** A service of which the supervisor holds the listening sockets: one process per connection, or one for all. */
export interface SocketsValue {
  readonly type: "inetd-service" | "systemd-service";
  readonly endpoints: readonly Endpoint[];
  /** The numbers of the descriptors. */
  readonly sockets: readonly number[];
  /** Absent from services of a GNU Shepherd before 1.0.4. */
  readonly command?: readonly string[];
}

export interface SystemLogValue {
  readonly type: "system-log";
  readonly endpoints: readonly Endpoint[];
  readonly kernelLogFile?: string;
  readonly sockets: readonly number[];
}

export interface TimerValue {
  readonly type: "timer";
  readonly event?: CalendarEvent;
  readonly action: TimerCommand | "procedure";
  /** The runs that are going on. */
  readonly processes: readonly { readonly pid: number; readonly start: number }[];
  /** Infinity for ever. */
  readonly remainingOccurrences: number;
  /** Newest first. */
  readonly pastRuns: readonly TimerRun[];
}

/** Anything else: a boolean, a string, a list. */
export interface OtherValue {
  readonly type: "other";
  readonly value: Sexp;
}

export type RunningValue = ProcessValue | SocketsValue | SystemLogValue | TimerValue | OtherValue;

export interface Endpoint {
  readonly name: string;
  readonly address: SocketAddress;
  /** 1 stream, 2 datagram. */
  readonly style: number;
  readonly backlog: number;
  readonly owner: number;
  readonly group: number;
  readonly permissions: number;
  readonly bindAttempts: number;
}

export type SocketAddress =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "ipv4" | "ipv6"; readonly address: bigint; readonly port: number };

/** Every field lists the values that match. */
export interface CalendarEvent {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  /** 0 is Sunday. */
  readonly daysOfWeek: readonly number[];
  /** 1 is January. */
  readonly months: readonly number[];
}

/**
 * What a timer runs. GNU Shepherd sends the environment too, to everyone who asks for a status; we never do, and
 * `encode` gives the empty one.
 */
export interface TimerCommand {
  readonly arguments: readonly string[];
  readonly user?: string;
  readonly group?: string;
  readonly directory: string;
}

export interface TimerRun {
  /** A wait status; or, of a procedure, that it succeeded or what it threw. */
  readonly status: number | "success" | { readonly key: Sexp; readonly arguments: readonly Sexp[] };
  readonly end: number;
  readonly start: number;
}

export function encodeRunningValue(value: RunningValue): Sexp {
  switch (value.type) {
    case "process":
      return record("process", [
        ["id", value.pid],
        ["command", value.command ?? false],
      ]);
    case "inetd-service":
    case "systemd-service":
      return record(value.type, [
        ["endpoints", value.endpoints.map(encodeEndpoint)],
        ["sockets", value.sockets],
        ...(value.command === undefined ? [] : [["command", value.command] as const]),
      ]);
    case "system-log":
      return record("system-log", [
        ["endpoints", value.endpoints.map(encodeEndpoint)],
        ["kernel-log-file", value.kernelLogFile ?? false],
        ["sockets", value.sockets],
      ]);
    case "timer":
      return record("timer", [
        ["event", value.event === undefined ? false : encodeCalendarEvent(value.event)],
        ["action", value.action === "procedure" ? sym("procedure") : encodeTimerCommand(value.action)],
        ["processes", value.processes.map(({ pid, start }) => pair(pid, start))],
        ["remaining-occurrences", value.remainingOccurrences],
        ["past-runs", value.pastRuns.map((run) => [encodeRunStatus(run.status), run.end, run.start])],
      ]);
    case "other":
      return value.value;
  }
}

/** Never fails: what is malformed is an `other` value. */
export function decodeRunningValue(value: Sexp): RunningValue {
  return (
    decodeProcess(value) ??
    decodeSockets(value, "inetd-service") ??
    decodeSockets(value, "systemd-service") ??
    decodeSystemLog(value) ??
    decodeTimer(value) ?? { type: "other", value }
  );
}

function decodeProcess(value: Sexp): ProcessValue | undefined {
  const fields = recordFields(value, "process");
  const pid = asNumber(fields?.get("id"));
  if (pid === undefined) return undefined;
  const command = asStrings(fields?.get("command"));
  return { type: "process", pid, ...(command === undefined ? {} : { command }) };
}

function decodeSockets(value: Sexp, type: SocketsValue["type"]): SocketsValue | undefined {
  const fields = recordFields(value, type);
  const endpoints = mapList(fields?.get("endpoints"), decodeEndpoint);
  if (endpoints === undefined) return undefined;
  const command = asStrings(fields?.get("command"));
  const sockets = asNumbers(fields?.get("sockets")) ?? [];
  return { type, endpoints, sockets, ...(command === undefined ? {} : { command }) };
}

function decodeSystemLog(value: Sexp): SystemLogValue | undefined {
  const fields = recordFields(value, "system-log");
  const endpoints = mapList(fields?.get("endpoints"), decodeEndpoint);
  if (endpoints === undefined) return undefined;
  const kernelLogFile = fields?.get("kernel-log-file");
  const sockets = asNumbers(fields?.get("sockets")) ?? [];
  return {
    type: "system-log",
    endpoints,
    sockets,
    ...(typeof kernelLogFile === "string" ? { kernelLogFile } : {}),
  };
}

function decodeTimer(value: Sexp): TimerValue | undefined {
  const fields = recordFields(value, "timer");
  if (fields === undefined) return undefined;
  const event = decodeCalendarEvent(fields.get("event"));
  return {
    type: "timer",
    ...(event === undefined ? {} : { event }),
    action: decodeTimerCommand(fields.get("action")) ?? "procedure",
    processes: mapList(fields.get("processes"), decodeTimerProcess) ?? [],
    remainingOccurrences: asNumber(fields.get("remaining-occurrences")) ?? Number.POSITIVE_INFINITY,
    pastRuns: mapList(fields.get("past-runs"), decodeTimerRun) ?? [],
  };
}

function encodeEndpoint(endpoint: Endpoint): Sexp {
  return record("endpoint", [
    ["name", endpoint.name],
    ["address", encodeAddress(endpoint.address)],
    ["style", endpoint.style],
    ["backlog", endpoint.backlog],
    ["owner", endpoint.owner],
    ["group", endpoint.group],
    ["permissions", endpoint.permissions],
    ["bind-attempts", endpoint.bindAttempts],
  ]);
}

function decodeEndpoint(value: Sexp): Endpoint | undefined {
  const fields = recordFields(value, "endpoint");
  const name = fields?.get("name");
  const address = decodeAddress(fields?.get("address"));
  if (fields === undefined || typeof name !== "string" || address === undefined) return undefined;
  return {
    name,
    address,
    style: asNumber(fields.get("style")) ?? 1,
    backlog: asNumber(fields.get("backlog")) ?? 0,
    owner: asNumber(fields.get("owner")) ?? 0,
    group: asNumber(fields.get("group")) ?? 0,
    permissions: asNumber(fields.get("permissions")) ?? 0,
    bindAttempts: asNumber(fields.get("bind-attempts")) ?? 0,
  };
}

/** The kernel's numbers for address families. */
const families = { unix: 1, ipv4: 2, ipv6: 10 } as const;

function encodeAddress(address: SocketAddress): Sexp {
  if (address.family === "unix") return new SexpVector([families.unix, address.path]);
  const scope = address.family === "ipv6" ? [0, 0] : [];
  return new SexpVector([families[address.family], address.address, address.port, ...scope]);
}

function decodeAddress(value: Sexp | undefined): SocketAddress | undefined {
  if (!(value instanceof SexpVector)) return undefined;
  const [family, address, port] = value.items;
  if (family === families.unix && typeof address === "string") return { family: "unix", path: address };
  if (typeof port !== "number" || (typeof address !== "bigint" && typeof address !== "number"))
    return undefined;
  if (typeof address === "number" && !Number.isInteger(address)) return undefined;
  if (family === families.ipv4) return { family: "ipv4", address: BigInt(address), port };
  if (family === families.ipv6) return { family: "ipv6", address: BigInt(address), port };
  return undefined;
}

function encodeCalendarEvent(event: CalendarEvent): Sexp {
  return record("calendar-event", [
    ["seconds", event.seconds],
    ["minutes", event.minutes],
    ["hours", event.hours],
    ["days-of-month", event.daysOfMonth],
    ["days-of-week", event.daysOfWeek],
    ["months", event.months],
  ]);
}

function decodeCalendarEvent(value: Sexp | undefined): CalendarEvent | undefined {
  const fields = recordFields(value, "calendar-event");
  if (fields === undefined) return undefined;
  const numbers = (key: string) => asNumbers(fields.get(key)) ?? [];
  return {
    seconds: numbers("seconds"),
    minutes: numbers("minutes"),
    hours: numbers("hours"),
    daysOfMonth: numbers("days-of-month"),
    daysOfWeek: numbers("days-of-week"),
    months: numbers("months"),
  };
}

function encodeTimerCommand(command: TimerCommand): Sexp {
  return record("command", [
    ["arguments", command.arguments],
    ["user", command.user ?? false],
    ["group", command.group ?? false],
    ["supplementary-groups", []],
    ["environment-variables", []],
    ["directory", command.directory],
    ["resource-limits", []],
  ]);
}

function decodeTimerCommand(value: Sexp | undefined): TimerCommand | undefined {
  const fields = recordFields(value, "command");
  const args = asStrings(fields?.get("arguments"));
  if (fields === undefined || args === undefined) return undefined;
  const user = fields.get("user");
  const group = fields.get("group");
  const directory = fields.get("directory");
  return {
    arguments: args,
    ...(typeof user === "string" ? { user } : {}),
    ...(typeof group === "string" ? { group } : {}),
    directory: typeof directory === "string" ? directory : "/",
  };
}

function decodeTimerProcess(value: Sexp): { pid: number; start: number } | undefined {
  const [first, second] = asPair(value) ?? [];
  const pid = asNumber(first);
  const start = asNumber(second);
  return pid === undefined || start === undefined ? undefined : { pid, start };
}

function encodeRunStatus(status: TimerRun["status"]): Sexp {
  if (typeof status === "number") return status;
  if (status === "success") return sym("success");
  return [sym("exception"), status.key, ...status.arguments];
}

function decodeTimerRun(value: Sexp): TimerRun | undefined {
  if (!isList(value)) return undefined;
  const [first, second, third] = value;
  const status = decodeRunStatus(first);
  const end = asNumber(second);
  const start = asNumber(third);
  if (status === undefined || end === undefined || start === undefined) return undefined;
  return { status, end, start };
}

function decodeRunStatus(value: Sexp | undefined): TimerRun["status"] | undefined {
  if (typeof value === "number") return value;
  if (isSymbol(value, "success")) return "success";
  if (!isList(value) || !isSymbol(value[0], "exception")) return undefined;
  const [, key, ...args] = value;
  return key === undefined ? undefined : { key, arguments: args };
}
