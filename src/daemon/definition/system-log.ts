// What the system log is configured with (manual, "System Log Service"), checked, and made into what the log writer takes.

import { carrying } from "./as-data.js";
import { type Checks, check, checkFields, checkValue, fail, type Subject } from "./check.js";
import { addressText, endpoint, endpointList, sameAddress } from "./endpoint.js";
import { fields, isCount, isText, listOf } from "./fields.js";
import { frozenCopy } from "./freeze.js";
import type { Constructor, Endpoint, SystemLogData, SystemLogRoute } from "./types.js";

/** Where messages come from, as syslog(3) has it; the index is the facility's number. */
const facilities = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "syslog",
  "lpr",
  "news",
  "uucp",
  "cron",
  "authpriv",
  "ftp",
  "ntp",
  "audit",
  "alert",
  "clock",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
] as const;
/** How grave messages are, the gravest first; the index is the priority's number. */
const priorities = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;

export type SystemLogFacility = (typeof facilities)[number];
export type SystemLogPriority = (typeof priorities)[number];

/** Which messages go where. What a rule does not name it does not care for. */
export interface SystemLogRule {
  /** One, several, or `"*"`: all, which is the default. */
  readonly facility?: SystemLogFacility | "*" | readonly SystemLogFacility[];
  /** That one and graver ones; or exactly one; or from the gravest to the least grave. Default: all. */
  readonly priority?:
    | SystemLogPriority
    | { readonly exactly: SystemLogPriority }
    | { readonly from: SystemLogPriority; readonly to: SystemLogPriority };
  /** What stands before the message: `sshd` in `sshd[42]: text`. Up to 48 bytes. */
  readonly tag?: string;
  /**
   * The absolute name of a file; `"console"`, which is /dev/console; or `"history"`: only the service's recent messages,
   * among which every message is, wherever it goes.
   */
  readonly destination: string;
  /** Whether rules after this one are not looked at for messages that it matches; default false. */
  readonly stop?: boolean;
}

/** So many messages in so many seconds. */
export interface SystemLogRateLimit {
  /** From 1 to 1,000,000. */
  readonly messages: number;
  /** From 1 to 86,400. */
  readonly seconds: number;
}

export interface SystemLogOptions {
  /** Datagram sockets in the file system; default: `/dev/log`, for everybody. */
  readonly endpoints?: readonly Endpoint[];
  /**
   * Where the kernel's messages are read; `false`: nowhere. Default: `/proc/kmsg` where the supervisor is root of the machine
   * itself, since whoever reads it takes the messages from everybody else. If it cannot be read the log goes on without it.
   */
  readonly kernelLogFile?: string | false;
  /** Default: `defaultSystemLogRules`. At most 64 rules, and 60 files. */
  readonly rules?: readonly SystemLogRule[];
  /** What stands before each message; default `localhost`. */
  readonly hostName?: string;
  /**
   * How much each sender may log, a process or, where that has ended already, its user. What is beyond is counted, and the
   * count is logged. `false`: there is no limit. Default: 1,000 messages in 10 seconds.
   */
  readonly rateLimit?: SystemLogRateLimit | false;
  /** Seconds without any message after which `-- MARK --` is logged; 0: never. Default 1200, which is 20 minutes. */
  readonly markInterval?: number;
}

/** The usual files under /var/log; what the kernel says when all is lost goes to the console too. */
export const defaultSystemLogRules: readonly SystemLogRule[] = frozenCopy([
  { facility: "kern", priority: "emerg", destination: "console" },
  { facility: ["auth", "authpriv"], destination: "/var/log/secure", stop: true },
  { facility: "mail", destination: "/var/log/maillog", stop: true },
  { priority: { exactly: "debug" }, destination: "/var/log/debug", stop: true },
  { destination: "/var/log/messages" },
]);

const defaults = {
  hostName: "localhost",
  rateLimit: { messages: 1000, seconds: 10 },
  markInterval: 1200,
} as const;
/** What `"console"` stands for. */
export const consoleFile = "/dev/console";
const mostRules = 64;
const mostFiles = 60;
const longestMark = 2_000_000;

function isIn(names: readonly string[], value: unknown): boolean {
  return typeof value === "string" && names.includes(value);
}

const isInteger = (value: unknown, from: number, to: number): boolean =>
  isCount(value) && value >= from && value <= to;
const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

const onePriority = check<SystemLogPriority>(`one of ${list(priorities)}`, (value) =>
  isIn(priorities, value),
);
const exactly: Checks<{ readonly exactly: SystemLogPriority }> = { exactly: onePriority };
const range: Checks<{ readonly from: SystemLogPriority; readonly to: SystemLogPriority }> = {
  from: onePriority,
  to: onePriority,
};

const ruleChecks: Checks<SystemLogRule> = {
  facility: check(
    `"*", a facility or a list of facilities, which are ${list(facilities)}`,
    (value) =>
      value === "*" ||
      isIn(facilities, value) ||
      listOf("", (item) => isIn(facilities, item), 1).matches(value),
  ),
  priority: check(
    `one of ${list(priorities)}, or { exactly } or { from, to } with such`,
    (value) => isIn(priorities, value) || (typeof value === "object" && value !== null),
  ),
  // As the log writer finds them: it looks for none that holds what ends one.
  tag: check("a tag of up to 48 bytes without spaces, colons and brackets", (value) =>
    typeof value === "string" ? Buffer.byteLength(value) <= 48 && /^[^\s:[\p{Cc}]+$/u.test(value) : false,
  ),
  destination: check(
    'an absolute file name, "console" or "history"',
    (value) => isIn(["console", "history"], value) || (isText(value) && /^\/.*[^/]$/s.test(value)),
  ),
  stop: fields.flag,
};

const rateChecks: Checks<SystemLogRateLimit> = {
  messages: check("a number from 1 to 1000000", (value) => isInteger(value, 1, 1_000_000)),
  seconds: check("a number of seconds from 1 to 86400", (value) => isInteger(value, 1, 86_400)),
};

const optionChecks: Checks<SystemLogOptions> = {
  endpoints: endpointList,
  kernelLogFile: check(
    "an absolute file name, or false",
    (value) => value === false || fields.absoluteFile.matches(value),
  ),
  rules: check("a list of at least one rule", (value) => Array.isArray(value) && value.length > 0),
  hostName: check("a name of up to 64 ASCII characters without spaces", (value) =>
    typeof value === "string" ? /^[!-~]{1,64}$/.test(value) : false,
  ),
  rateLimit: check(
    "{ messages, seconds }, or false",
    (value) => value === false || (typeof value === "object" && value !== null),
  ),
  markInterval: check(`a number of seconds from 0 to ${longestMark}`, (value) =>
    isInteger(value, 0, longestMark),
  ),
};

/** The start of a service that is the system log. */
export function systemLogConstructor(of: Subject, options: SystemLogOptions): Constructor {
  const checked = checkFields<SystemLogOptions>(of, options, optionChecks);
  const { kernelLogFile, hostName = defaults.hostName, markInterval = defaults.markInterval } = checked;
  const { rateLimit = defaults.rateLimit, rules = defaultSystemLogRules } = checked;
  const limit = rateLimit === false ? undefined : checkLimit(of, rateLimit);
  const { routes, files } = routesOf(of, rules);
  const data: SystemLogData = {
    kind: "system-log",
    endpoints: endpointsOf(of, checked.endpoints),
    ...(kernelLogFile === undefined ? {} : { kernelLogFile }),
    files,
    routes: {
      rules: routes,
      host: hostName,
      ...(limit === undefined ? {} : { rateLimit: limit }),
      markInterval,
    },
  };
  return carrying(frozenCopy(data));
}

function checkLimit({ what }: Subject, limit: SystemLogRateLimit): SystemLogRateLimit {
  const of = { what: `${what}: field "rateLimit"` };
  const { messages, seconds } = checkFields<SystemLogRateLimit>(of, limit, rateChecks);
  return {
    messages: checkValue(of, messages, rateChecks.messages, 'field "messages"') as number,
    seconds: checkValue(of, seconds, rateChecks.seconds, 'field "seconds"') as number,
  };
}

/** How GNU Shepherd names its own; a name of the user's could have no spaces. */
const usualName = "Unix-domain system log endpoint";

function endpointsOf(of: Subject, endpoints: readonly Endpoint[] | undefined): readonly Endpoint[] {
  if (endpoints === undefined) return [{ ...endpoint("/dev/log", { style: "datagram" }), name: usualName }];
  for (const [index, one] of endpoints.entries()) {
    const address = addressText(one.address);
    if (one.style !== "datagram" || one.address.family !== "unix")
      fail(of, `endpoint ${address}: expected a Unix socket with style "datagram", got style "${one.style}"`);
    if (endpoints.slice(0, index).some((other) => sameAddress(one, other)))
      fail(of, `endpoint ${address} is given twice`);
  }
  return endpoints;
}

function routesOf(
  of: Subject,
  rules: readonly SystemLogRule[],
): { readonly routes: readonly SystemLogRoute[]; readonly files: readonly string[] } {
  if (rules.length > mostRules) fail(of, `expected at most ${mostRules} rules, got ${rules.length}`);
  const files: string[] = [];
  const routes = Array.from(rules, (rule, index) => {
    const ofRule = { what: `${of.what}: rule ${index + 1}` };
    const checked = checkFields<SystemLogRule>(ofRule, rule, ruleChecks);
    const { facility = "*", tag, stop = false } = checked;
    const destination = checkValue(
      ofRule,
      checked.destination,
      ruleChecks.destination,
      'field "destination"',
    );
    const file = fileOf(destination as string);
    if (file !== undefined && !files.includes(file)) files.push(file);
    return {
      facilities: facilityBits(facility),
      priorities: priorityBits(ofRule, checked.priority),
      ...(file === undefined ? {} : { file: files.indexOf(file) }),
      ...(tag === undefined ? {} : { tag }),
      stop,
    };
  });
  if (files.length > mostFiles)
    fail(of, `expected rules with at most ${mostFiles} files, got ${files.length}`);
  return { routes, files };
}

function fileOf(destination: string): string | undefined {
  if (destination === "history") return undefined;
  return destination === "console" ? consoleFile : destination;
}

function facilityBits(facility: Exclude<SystemLogRule["facility"], undefined>): number {
  if (facility === "*") return 2 ** facilities.length - 1;
  const names = typeof facility === "string" ? [facility] : new Set(facility);
  let bits = 0;
  for (const name of names) bits += 2 ** facilities.indexOf(name);
  return bits;
}

function priorityBits({ what }: Subject, priority: SystemLogRule["priority"] = "debug"): number {
  const of = { what: `${what}: field "priority"` };
  const [from, to] = bounds(of, priority);
  if (to < from)
    fail(of, `"${priorities[from]}" is less grave than "${priorities[to]}", which must come first`);
  let bits = 0;
  for (let number = from; number <= to; number += 1) bits += 2 ** number;
  return bits;
}

function bounds(of: Subject, priority: Exclude<SystemLogRule["priority"], undefined>): [number, number] {
  const numberOf = (name: unknown): number => priorities.indexOf(checkValue(of, name, onePriority));
  if (typeof priority === "string") return [0, numberOf(priority)];
  if ("exactly" in priority) {
    const number = numberOf(checkFields(of, priority, exactly).exactly);
    return [number, number];
  }
  const { from, to } = checkFields(of, priority, range);
  return [numberOf(from), numberOf(to)];
}
