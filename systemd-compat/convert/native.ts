// A simple unit as `service(…)` with our own constructors: one command, of which nothing more is asked than these can do.

import {
  block,
  type Code,
  call,
  type Entry,
  keyOf,
  list,
  record,
  text,
  texts,
} from "../../src/convert/code.js";
import type { ServiceSettings } from "../directives.js";
import type { Command } from "../parser/command-line.js";
import type { ResourceLimit } from "../parser/limits.js";
import { parseSignal, signalName } from "../parser/signal.js";
import { serviceNameOf } from "../translate/service-names.js";
import { serviceType } from "../unit-checks.js";
import { type Subject, shortcomingComments } from "./subject.js";

/** What the module must import or define for a piece of code. */
export type Use = "forkexec" | "kill" | "notify" | "signal" | "run" | "action";

export interface Converted {
  readonly code: Code;
  /** Above it. */
  readonly comments: readonly string[];
  readonly uses: readonly Use[];
}

/** Settings of a service that can be said natively; others, unless they have no effect here anyway, cannot. */
const sayable: ReadonlySet<string> = new Set<keyof ServiceSettings>([
  ...(["Type", "PIDFile", "ExecStart", "ExecReload", "ExecStop", "Restart", "RestartSec"] as const),
  ...(["TimeoutStartSec", "TimeoutStopSec", "NotifyAccess", "WatchdogSec", "SuccessExitStatus"] as const),
  ...([
    "KillMode",
    "KillSignal",
    "User",
    "Group",
    "SupplementaryGroups",
    "WorkingDirectory",
    "UMask",
  ] as const),
  ...(["Environment", "StandardInput", "StandardOutput", "StandardError", "SyslogIdentifier"] as const),
  ...(["RemainAfterExit", "GuessMainPID", "SendSIGKILL", "SendSIGHUP"] as const),
  ...(["MemoryMax", "MemoryHigh", "MemorySwapMax", "TasksMax", "CPUQuota", "CPUWeight", "IOWeight"] as const),
]);

/** systemd's defaults, in seconds: they are other than ours. */
const usualTimeout = 90;

/** Undefined where the unit needs more than our constructors do. */
export function nativeService(subject: Subject): Converted | undefined {
  const { unit, data, definition, classified } = subject;
  const { service } = unit;
  const withoutEffect = new Set(
    classified.flatMap(({ treatment, assignment: { found } }) =>
      treatment === "ignored" && found !== undefined ? [found.name] : [],
    ),
  );
  const unsayable = Object.keys(service).filter(
    (name) => !(sayable.has(name) || /^Limit[A-Z]+$/.test(name) || withoutEffect.has(name)),
  );
  if (unsayable.length > 0 || data.conditions.length + data.asserts.length + data.sockets.length > 0)
    return undefined;
  const command = commandOf(service.ExecStart ?? []);
  const start = command === undefined ? undefined : startOf(service, command);
  const stop = stopOf(service);
  const reload = reloadOf(service);
  const respawn = respawnOf(service);
  if (!(start && stop && reload && respawn)) return undefined;
  const { name } = unit;
  const entries: Entry[] = [
    { key: "documentation", value: text(unit.unit.Description ?? name.full) },
    ...Object.entries(subject.relations).map(([key, names]) => ({ key, value: texts(names) })),
    ...(definition.relations?.stopWhenUnneeded === true ? [{ key: "stopWhenUnneeded", value: "true" }] : []),
    { key: "start", value: start.code },
    { key: "stop", value: stop },
    ...reload.entries,
    ...respawn,
    ...respawnLimitOf(subject),
    ...cgroupOf(subject),
  ];
  return {
    code: call("service", texts([serviceNameOf(name.full)]), block(entries)),
    comments: shortcomingComments(classified),
    uses: ["forkexec", "kill", ...start.uses, ...reload.uses],
  };
}

/** The words of the one command, where they are what they seem to be. */
function commandOf(commands: readonly Command[]): readonly string[] | undefined {
  const [command, ...more] = commands;
  if (command === undefined || more.length > 0) return undefined;
  const { path, argv, ignoreFailure, privileges, expandVariables } = command;
  const hasVariables = expandVariables && argv.some((word) => word.includes("$"));
  if (ignoreFailure || privileges !== "unit" || hasVariables || argv[0] !== path) return undefined;
  return argv;
}

function startOf(
  service: ServiceSettings,
  command: readonly string[],
): { readonly code: Code; readonly uses: readonly Use[] } | undefined {
  const type = serviceType(service);
  const forks = type === "forking";
  if (!(forks || ["simple", "exec", "notify", "idle"].includes(type))) return undefined;
  if (service.RemainAfterExit === true || service.GuessMainPID === false) return undefined;
  if (forks !== (service.PIDFile !== undefined)) return undefined;
  const logFile = logFileOf(service);
  const directory = service.WorkingDirectory;
  if (logFile === undefined || directory?.optional === true || directory?.path === "~") return undefined;
  const {
    TimeoutStartSec: timeout = usualTimeout,
    NotifyAccess: access = "none",
    WatchdogSec: watchdog,
  } = service;
  if (!Number.isFinite(timeout) || access === "exec") return undefined;
  const { User, Group, SupplementaryGroups: groups = [], UMask: mask, Environment: environment } = service;
  const notifies = type === "notify";
  const limits = limitsOf(service);
  const entries: Entry[] = [
    ...(User === undefined ? [] : [{ key: "user", value: account(User) }]),
    ...(Group === undefined ? [] : [{ key: "group", value: account(Group) }]),
    ...(groups.length === 0 ? [] : [{ key: "supplementaryGroups", value: list(groups.map(account)) }]),
    ...(directory === undefined ? [] : [{ key: "directory", value: text(directory.path) }]),
    ...(mask === undefined ? [] : [{ key: "fileCreationMask", value: octal(mask) }]),
    ...(environment === undefined || environment.size === 0
      ? []
      : [{ key: "extraEnvironmentVariables", value: variables(environment) }]),
    ...(limits.length === 0 ? [] : [{ key: "resourceLimits", value: record(limits) }]),
    ...(logFile === "" ? [] : [{ key: "logFile", value: text(logFile) }]),
    ...(service.PIDFile === undefined
      ? []
      : [
          { key: "pidFile", value: text(service.PIDFile) },
          { key: "pidFileTimeout", value: String(timeout) },
        ]),
    ...(notifies ? [{ key: "readiness", value: call("notify") }] : []),
    ...(notifies && timeout !== usualTimeout ? [{ key: "readinessTimeout", value: String(timeout) }] : []),
    ...(access === "all" ? [{ key: "notifyAccess", value: text("all") }] : []),
    ...(watchdog === undefined || watchdog === 0 || !Number.isFinite(watchdog)
      ? []
      : [{ key: "watchdog", value: String(watchdog) }]),
  ];
  return {
    code: call("makeForkexecConstructor", texts(command), ...(entries.length === 0 ? [] : [block(entries)])),
    uses: notifies ? ["notify"] : [],
  };
}

/** Empty for the usual log; undefined where streams go where our constructors do not lead them. */
function logFileOf({ StandardInput, StandardOutput, StandardError }: ServiceSettings): string | undefined {
  const isUsual = (kind: string | undefined): boolean =>
    kind === undefined || kind === "inherit" || kind === "journal";
  if (StandardInput !== undefined && StandardInput.kind !== "null") return undefined;
  if (StandardOutput?.kind === "append") {
    const isSame = StandardError?.kind === "append" && StandardError.path === StandardOutput.path;
    const follows = StandardError === undefined || StandardError.kind === "inherit" || isSame;
    return follows ? StandardOutput.path : undefined;
  }
  return isUsual(StandardOutput?.kind) && isUsual(StandardError?.kind) ? "" : undefined;
}

const account = (name: string): Code => (/^\d+$/.test(name) ? name : text(name));
const octal = (mode: number): string => `0o${mode.toString(8).padStart(3, "0")}`;

function variables(environment: ReadonlyMap<string, string>): Code {
  return record([...environment].map(([name, value]) => ({ key: keyOf(name), value: text(value) })));
}

function limitsOf(service: ServiceSettings): readonly Entry[] {
  return Object.entries(service).flatMap(([name, value]) => {
    const [, resource] = /^Limit([A-Z]+)$/.exec(name) ?? [];
    if (resource === undefined) return [];
    const { soft, hard } = value as ResourceLimit;
    const both = record([
      { key: "soft", value: limit(soft) },
      { key: "hard", value: limit(hard) },
    ]);
    return [{ key: resource.toLowerCase(), value: soft === hard ? limit(soft) : both }];
  });
}

const limit = (value: number): Code => (Number.isFinite(value) ? String(value) : text("unlimited"));

/** Undefined where more is done than sending a signal to all processes. */
function stopOf(service: ServiceSettings): Code | undefined {
  const { KillMode = "control-group", KillSignal, TimeoutStopSec: timeout = usualTimeout } = service;
  const { SendSIGKILL = true, SendSIGHUP = false, ExecStop: commands = [] } = service;
  if (!SendSIGKILL || SendSIGHUP || !Number.isFinite(timeout)) return undefined;
  if (KillMode !== "control-group" && KillMode !== "mixed") return undefined;
  const sent = commands.length === 0 ? undefined : signalSent(commands);
  // After that the usual signal follows at once, unless it ends the process anyway.
  if (commands.length > 0 && (sent === undefined || !ending.has(sent))) return undefined;
  const signal = sent ?? (KillSignal === undefined ? undefined : signalName(KillSignal));
  const grace = { key: "gracePeriod", value: String(timeout) };
  return signal === undefined || signal === "SIGTERM"
    ? call("makeKillDestructor", record([grace]))
    : call("makeKillDestructor", text(signal), record([grace]));
}

const ending: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGQUIT"]);

/** The signal that a command sends to the main process, where it does nothing else. */
function signalSent(commands: readonly Command[]): string | undefined {
  const [command, ...more] = commands;
  if (command === undefined || more.length > 0 || !/^(?:\/usr)?\/bin\/kill$/.test(command.path))
    return undefined;
  const [, ...words] = command.argv;
  const isMain = /^\$(?:MAINPID|\{MAINPID\})$/.test(words.at(-1) ?? "");
  const given = words.slice(0, -1).join(" ");
  const [, name = given === "" ? "TERM" : ""] = /^(?:-s |--signal[ =]|-)([A-Z]+\d*|\d+)$/.exec(given) ?? [];
  const number = parseSignal(name);
  return isMain && command.expandVariables && number !== undefined ? signalName(number) : undefined;
}

interface Reload {
  readonly entries: readonly Entry[];
  readonly uses: readonly Use[];
}

/** Undefined where it takes more than a signal, or a command that root may run. */
function reloadOf({
  ExecReload: commands = [],
  User,
  UMask,
  WorkingDirectory,
}: ServiceSettings): Reload | undefined {
  if (commands.length === 0) return { entries: [], uses: [] };
  const sent = signalSent(commands);
  if (sent !== undefined && /^SIG[A-Z]+\d?$/.test(sent) && !sent.startsWith("SIGRT"))
    return reloadBy(`(running) => signal(running, "${sent}")`, "signal");
  const command = commandOf(commands);
  if (command === undefined || (User ?? UMask ?? WorkingDirectory) !== undefined) return undefined;
  const [program = "", ...more] = command;
  const given = more.map((word) => JSON.stringify(word)).join(", ");
  return reloadBy(`async () => {\n  await run(${JSON.stringify(program)}, [${given}]);\n}`, "run");
}

function reloadBy(procedure: string, use: Use): Reload {
  const action = call(
    "shepherdAction",
    block([
      { key: "name", value: text("reload") },
      { key: "documentation", value: text("Have the service read its configuration again.") },
      { key: "procedure", value: procedure },
    ]),
  );
  return { entries: [{ key: "actions", value: list([action]) }], uses: ["action", use] };
}

/** Undefined where it depends on how the service ends. */
function respawnOf(service: ServiceSettings): readonly Entry[] | undefined {
  const { Restart: when = "no", RestartSec: delay, SuccessExitStatus: success } = service;
  if (when === "on-success") return undefined;
  // With what else it ends well matters only where that makes a difference.
  if (success !== undefined && when !== "no" && when !== "always") return undefined;
  if (when === "no") return [];
  const comments =
    when === "always" ? [] : [`Restart=${when}: here it is respawned however its process has ended.`];
  return [
    { key: "respawn", value: "true", comments },
    ...(delay === undefined || !Number.isFinite(delay)
      ? []
      : [{ key: "respawnDelay", value: String(delay) }]),
  ];
}

function respawnLimitOf({ unit, definition }: Subject): readonly Entry[] {
  const { StartLimitBurst, StartLimitIntervalSec } = unit.unit;
  if ((StartLimitBurst ?? StartLimitIntervalSec) === undefined) return [];
  const { respawnLimit } = definition;
  if (respawnLimit === false) return [{ key: "respawnLimit", value: "false" }];
  const { times, seconds } = respawnLimit;
  const value = record([
    { key: "times", value: String(times) },
    { key: "seconds", value: String(seconds) },
  ]);
  return [{ key: "respawnLimit", value }];
}

function cgroupOf({ definition: { cgroup } }: Subject): readonly Entry[] {
  if (cgroup === undefined || cgroup === false) return [];
  const entries = Object.entries(cgroup).map(([key, value]) => ({ key, value: String(value) }));
  return [{ key: "cgroup", value: record(entries) }];
}
