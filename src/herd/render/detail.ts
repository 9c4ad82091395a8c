// `herd status SERVICE`: the block that tells all about one service.
import type { RunningValue, SocketsValue, SystemLogValue, TimerValue } from "../../protocol/running-value.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { asNumbers, isList, symbolName } from "../../protocol/sexp.js";
import { writeSexp, writeString } from "../../protocol/sexp-writer.js";
import { computedAlarms, toldAlarms } from "./alarms.js";
import { conditionLines } from "./condition.js";
import { describeException } from "./exception.js";
import { resourceLines } from "./resources.js";
import { addressText, commandLine, extraText, processEnd, stuckSince } from "./service.js";
import type { Style } from "./style.js";
import { count, duration, logStamp, timeAndAge } from "./time.js";
import { isUnitOf, unitLines, unitStateLines } from "./unit.js";
import { waitingLines } from "./waiting.js";

/** How many log lines and timer runs are shown unless `-n` says otherwise. */
export const DEFAULT_HISTORY = 5;
const MAX_ALARMS = 5;

export interface DetailOptions {
  readonly style: Style;
  readonly now: number;
  readonly history: number;
  /** Whether the output can show the bullet. */
  readonly unicode: boolean;
  /** Whether the overview gives reasons: GNU herd's has none, so only people get them. */
  readonly reasons?: boolean;
}

/** The block with recent runs, recent messages and coming alarms. */
export function renderDetail(service: ServiceStatus, options: DetailOptions): string {
  return renderSummary(service, options) + renderHistory(service, options);
}

/** The block alone, as in `herd detailed-status`. */
export function renderSummary(service: ServiceStatus, options: DetailOptions): string {
  return [
    heading(service, options),
    ...rescueLine(service, options.style),
    ...shutdownLine(service, options),
    ...stateLines(service, options),
    ...waitingLines(service, options.now),
    ...unitStateLines(service, options.style),
    ...conditionLines(service, options),
    enabledLine(service, options.style),
    `  Provides: ${service.provides.join(" ")}\n`,
    ...(service.requires.length === 0 ? [] : [`  Requires: ${service.requires.join(" ")}\n`]),
    ...(service.actions.length === 0
      ? []
      : [`  Custom action${plural(service.actions)}: ${service.actions.join(" ")}\n`]),
    ...(service.pendingReplacement
      ? [options.style.warning("  Replacement pending (restart to upgrade).\n")]
      : []),
    ...obsoleteLine(service, options.style),
    service.respawn ? "  Will be respawned.\n" : "  Will not be respawned.\n",
    ...respawnLines(service, options),
    ...failureLine(service, options),
    ...resourceLines(service, options.style),
    ...cgroupsLine(service),
    ...awakeLine(service),
    ...unitLines(service, options.style),
    ...(service.logFiles.length === 0
      ? []
      : [`  Log file${plural(service.logFiles)}: ${service.logFiles.join(" ")}\n`]),
    ...troubleLine(service, options.style),
  ].join("");
}

function heading(service: ServiceStatus, { style, unicode }: DetailOptions): string {
  const stopped = service.enabled ? style.warning : style.error;
  const bullet = service.status === "running" ? style.success("● ") : stopped("● ");
  return (unicode ? bullet : "") + style.bold(`Status of ${service.provides[0]}:\n`);
}

function stateLines(service: ServiceStatus, options: DetailOptions): string[] {
  switch (service.status) {
    case "running":
      return [
        runningLine(service, options),
        // What a path unit has seen tells nobody anything.
        ...(isUnitOf(service, "path") ? [] : valueLines(service.running, options.style)),
      ];
    case "stopped":
      return [
        stoppedLine(service, options),
        ...lastExit(service, options.style),
        ...memoryLine(service, options.style),
      ];
    case "starting":
      return [stuckSince(service, options.style, options.now)("  It is starting.\n")];
    case "stopping":
      return [stuckSince(service, options.style, options.now)("  It is being stopped.\n")];
  }
}

function runningLine(service: ServiceStatus, { style, now }: DetailOptions): string {
  const change = service.statusChanges[0];
  // A Shepherd before 0.10 sends no times.
  if (change?.status !== "running")
    return service.transient ? "  It is started and transient.\n" : "  It is started.\n";
  const since = timeAndAge(change.time, now);
  if (service.running?.type === "timer") return timerLines(service, service.running, since, style, now);
  return service.transient
    ? `  It is transient, running since ${since}.\n`
    : `  It is running since ${since}.\n`;
}

function timerLines(
  { extra }: ServiceStatus,
  { processes }: TimerValue,
  since: string,
  style: Style,
  now: number,
): string {
  const starts = [...processes.map(({ start }) => start), ...(asNumbers(extra.get("function-runs")) ?? [])];
  if (starts.length === 0)
    return `  Timed service.\n  Awaiting next timer alarm; service active since ${since}.\n`;
  const first = timeAndAge(Math.min(...starts), now);
  return `  Timed service.\n${style.bold(`  Executing timer action since ${first}.\n`)}`;
}

function stoppedLine(service: ServiceStatus, { style, now }: DetailOptions): string {
  if (service.oneShot) return "  It is stopped (one-shot).\n";
  if (service.startupFailures.length > 0) return style.error("  It is stopped (failing).\n");
  const change = service.statusChanges[0];
  if (change?.status !== "stopped") return style.warning("  It is stopped.\n");
  return style.warning(`  It is stopped since ${timeAndAge(change.time, now)}.\n`);
}

function lastExit(service: ServiceStatus, style: Style): string[] {
  const last = service.exitStatuses[0];
  return last === undefined ? [] : [`  ${processEnd(last.status, style)}`];
}

/** The last end, where that was for want of memory: which the signal alone does not tell. */
function memoryLine(service: ServiceStatus, style: Style): string[] {
  const last = service.exitStatuses[0];
  const times = asNumbers(service.extra.get("out-of-memory")) ?? [];
  if (last === undefined || !times.includes(last.time)) return [];
  return [style.error("  It ran out of memory.\n")];
}

function valueLines(value: RunningValue | undefined, style: Style): string[] {
  switch (value?.type) {
    case undefined:
      return ["  Running value is #f.\n"];
    case "process":
      return [
        `  Main PID: ${style.bold(String(value.pid))}\n`,
        ...(value.command === undefined ? [] : [`  Command: ${commandLine(value.command)}\n`]),
      ];
    case "inetd-service":
      return [...endpointLines("Inetd-style service", value, false), ...socketsCommand(value)];
    case "systemd-service":
      return [...endpointLines("Systemd-style service", value, true), ...socketsCommand(value)];
    case "system-log":
      return [
        ...endpointLines("System log", value, true),
        `  Kernel log file: ${value.kernelLogFile ?? "-"}\n`,
      ];
    case "timer":
      return timerActionLines(value, style);
    case "other":
      return [`  Running value is ${writeSexp(value.value)}.\n`];
  }
}

function endpointLines(what: string, value: SocketsValue | SystemLogValue, named: boolean): string[] {
  const addresses = value.endpoints.map(({ address, name }) => {
    const suffix = named ? ` (${writeString(name)})` : "";
    return `    - ${addressText(address)}${suffix}\n`;
  });
  return [`  ${what} listening on ${count(addresses.length, "endpoint")}:\n`, ...addresses];
}

function socketsCommand(value: SocketsValue): string[] {
  return value.command === undefined ? [] : [`  Command: ${commandLine(value.command)}\n`];
}

function timerActionLines(timer: TimerValue, style: Style): string[] {
  const { action, processes } = timer;
  if (action === "procedure") return ["  Periodically running Scheme code.\n"];
  const user = action.user === undefined ? "" : ` as ${writeString(action.user)}`;
  const lines = [`  Periodically running${user}: ${commandLine(action.arguments)}\n`];
  if (processes.length === 0) return lines;
  const pids = processes.map(({ pid }) => pid).join(" ");
  return [...lines, style.bold(`  Child process${processes.length === 1 ? "" : "es"}: ${pids}\n`)];
}

function enabledLine(service: ServiceStatus, style: Style): string {
  if (service.enabled) return "  It is enabled.\n";
  // Disabled by hand is worth a warning; disabled because it kept dying is an error.
  const highlight = service.lastRespawns.length === 0 ? style.warning : style.error;
  const because = extraText(service, "disabled-because");
  const reason = because === undefined ? "" : `    (${because})\n`;
  return highlight(`  It is disabled.\n${reason}`);
}

function respawnLines(service: ServiceStatus, { style, now, history }: DetailOptions): string[] {
  const last = service.lastRespawns[0];
  if (last === undefined) return [];
  const exits = newestLast(service.exitStatuses, history);
  return [
    style.warning(`  Last respawned on ${timeAndAge(last, now)}.\n`),
    ...(exits.length === 0 ? [] : [`  Latest exit${plural(exits)}:\n`]),
    ...exits.map(({ status, time }) => `    - ${logStamp(time)}  ${processEnd(status, style)}`),
  ];
}

function failureLine(service: ServiceStatus, { style, now }: DetailOptions): string[] {
  const last = service.startupFailures[0];
  if (service.status !== "stopped" || last === undefined) return [];
  const failure = extraText(service, "failure");
  const reason = failure === undefined ? "" : `    (${failure})\n`;
  return [style.error(`  Failed to start at ${timeAndAge(last, now)}.\n${reason}`)];
}

function rescueLine(service: ServiceStatus, style: Style): string[] {
  const why = extraText(service, "rescue");
  return why === undefined ? [] : [style.error(`  Rescue mode: ${why}\n`)];
}

function cgroupsLine(service: ServiceStatus): string[] {
  const cgroups = extraText(service, "cgroups");
  return cgroups === undefined ? [] : [`  Cgroups: ${cgroups}\n`];
}

function awakeLine(service: ServiceStatus): string[] {
  const why = extraText(service, "awake-because");
  return why === undefined ? [] : [`  Does not hibernate: ${why}\n`];
}

function shutdownLine(service: ServiceStatus, { style, now }: DetailOptions): string[] {
  const scheduled = service.extra.get("scheduled-shutdown");
  const [how, at, message] = isList(scheduled) ? scheduled : [];
  const name = symbolName(how);
  if (name === undefined || typeof at !== "number") return [];
  const why = typeof message === "string" && message !== "" ? `: ${message}` : "";
  return [style.warning(`  Shutdown (${name}) scheduled for ${timeAndAge(at, now)}${why}\n`)];
}

function obsoleteLine(service: ServiceStatus, style: Style): string[] {
  if (service.extra.get("obsolete?") !== true) return [];
  return [style.warning("  It is not in the configuration any more, and is removed when it stops.\n")];
}

function troubleLine(service: ServiceStatus, style: Style): string[] {
  const trouble = extraText(service, "log-trouble");
  return trouble === undefined ? [] : [style.error(`  Log trouble: ${trouble}\n`)];
}

function renderHistory(service: ServiceStatus, options: DetailOptions): string {
  const timer = service.running?.type === "timer" ? service.running : undefined;
  return [
    timer === undefined ? "" : recentRuns(service, timer, options),
    recentMessages(service, options),
    timer === undefined ? "" : comingAlarms(service, timer, options),
  ].join("");
}

function recentRuns(service: ServiceStatus, timer: TimerValue, { style, history }: DetailOptions): string {
  if (timer.pastRuns.length === 0) return "";
  const timedOut = new Set(asNumbers(service.extra.get("timed-out-runs")));
  const lines = newestLast(timer.pastRuns, history).map(({ status, end, start }) => {
    // The clock may have been set back meanwhile.
    const took = Math.max(0, end - start);
    if (typeof status === "number") {
      const tooLong = timedOut.has(end) ? style.error("    (It took too long, and was ended.)\n") : "";
      return `  ${logStamp(end)} ${processEnd(status, style, took)}${tooLong}`;
    }
    if (status === "success") return `  ${logStamp(end)} Completed in ${duration(took)}.\n`;
    const exception = describeException(status.key, status.arguments).trimEnd();
    return `  ${logStamp(end)} ${style.error(`Exception thrown after ${duration(took)}: ${exception}\n`)}`;
  });
  return `\n${style.bold("Recent runs:\n")}${lines.join("")}`;
}

function recentMessages(service: ServiceStatus, { style, history }: DetailOptions): string {
  if (service.recentMessages.length === 0) return "";
  const title =
    history === DEFAULT_HISTORY ? "Recent messages (use '-n' to view more or less):\n" : "Recent messages:\n";
  const lines = newestLast(service.recentMessages, history).map(
    ({ time, line }) => `  ${logStamp(time)} ${line}\n`,
  );
  return `\n${style.bold(title)}${lines.join("")}`;
}

function comingAlarms(service: ServiceStatus, timer: TimerValue, { style, now }: DetailOptions): string {
  const told = toldAlarms(service);
  if (timer.event === undefined && told === undefined) return "";
  if (timer.remainingOccurrences === 0)
    return `\n${style.warning("No upcoming timer alarm: about to stop.\n")}`;
  const limit = Math.min(MAX_ALARMS, timer.remainingOccurrences);
  const alarms = told?.slice(0, limit) ?? computedAlarms(timer, now, limit);
  const lines = alarms.map((alarm) => `  ${timeAndAge(alarm, now)}\n`);
  return `\n${style.bold(`Upcoming timer alarm${plural(alarms)}:\n`)}${lines.join("")}`;
}

/** At most `limit` of a list that is newest first, the newest last. */
function newestLast<T>(items: readonly T[], limit: number): T[] {
  return items.slice(0, limit).reverse();
}

function plural(items: readonly unknown[]): string {
  return items.length === 1 ? "" : "s";
}
