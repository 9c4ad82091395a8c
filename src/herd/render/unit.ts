// What `herd status SERVICE` tells of a service that is a systemd unit, besides what every service has.

import type { ServiceStatus } from "../../protocol/service-status.js";
import { symbolName } from "../../protocol/sexp.js";
import { decodeUnit, type UnitShortfall, type UnitStatus, unitField } from "../../protocol/unit-status.js";
import { extraText } from "./service.js";
import type { Style } from "./style.js";

export function unitOf({ extra }: ServiceStatus): UnitStatus | undefined {
  return decodeUnit(extra.get(unitField));
}

/** What kind of unit it is, by its name's suffix. */
export function isUnitOf(service: ServiceStatus, suffix: "socket" | "timer" | "path"): boolean {
  return unitOf(service)?.name.endsWith(`.${suffix}`) === true;
}

/** Why it is not up: before everything that does not change. */
export function unitStateLines(service: ServiceStatus, style: Style): string[] {
  const { refused } = unitOf(service) ?? {};
  const skipped = service.status === "stopped" ? extraText(service, "skipped") : undefined;
  const result = symbolName(service.extra.get("result")) ?? "success";
  return [
    ...(refused === undefined ? [] : [style.error(`  It cannot be started: ${refused}\n`)]),
    ...(skipped === undefined ? [] : [style.warning(`  Its last start was skipped: ${skipped}.\n`)]),
    ...(result === "success" ? [] : [style.error(`  Result: ${results[result] ?? result}.\n`)]),
  ];
}

/** SERVICE_RESULT in words. */
const results: Readonly<Record<string, string>> = {
  protocol: "it did not say that it was ready, or not as it should have (protocol)",
  timeout: "something took too long (timeout)",
  "exit-code": "a process has exited with a failure (exit-code)",
  signal: "a process was killed by a signal (signal)",
  "core-dump": "a process has crashed, and left a core dump (core-dump)",
  watchdog: "it has not told its watchdog in time that it works (watchdog)",
  "exec-condition": "a command of ExecCondition= has failed (exec-condition)",
  "oom-kill": "the kernel has killed a process for want of memory (oom-kill)",
  resources: "what it needs could not be provided (resources)",
  "start-limit-hit": "it was started too often within a short time (start-limit-hit)",
  assert: "an assertion does not hold, so that nothing was begun (assert)",
};

/** Where it comes from, what it starts, what of it is not applied. */
export function unitLines(service: ServiceStatus, style: Style): string[] {
  const unit = unitOf(service);
  if (unit === undefined) return [];
  const { name, files, starts, forEachConnection, watches = [], notApplied } = unit;
  const [first, ...dropIns] = files;
  return [
    first === undefined ? `  Unit: ${name}\n` : `  Unit: ${name}, loaded from ${first}\n`,
    ...(dropIns.length === 0 ? [] : [`  Drop-in${dropIns.length === 1 ? "" : "s"}: ${dropIns.join(" ")}\n`]),
    // Of a socket that runs the value has all that it listens to.
    ...(service.running?.type === "systemd-service" || service.running?.type === "inetd-service"
      ? []
      : watchLines(name, watches)),
    ...(starts === undefined
      ? []
      : [`  Starts: ${starts}${forEachConnection === true ? ", one for each connection" : ""}\n`]),
    ...shortfallLines(notApplied, style),
  ];
}

function watchLines(unit: string, watches: readonly string[]): string[] {
  if (watches.length === 0) return [];
  return [
    unit.endsWith(".socket") ? "  Listens on:\n" : "  Watches:\n",
    ...watches.map((one) => `    - ${one}\n`),
  ];
}

function shortfallLines(notApplied: readonly UnitShortfall[], style: Style): string[] {
  if (notApplied.length === 0) return [];
  const lines = notApplied.map(({ directive, extent, why, file, line }) => {
    const place = file === "" ? "" : ` (${file}${line === 0 ? "" : `:${line}`})`;
    return `    - ${directive}=${extent === "partly" ? " in part" : ""}: ${why}${place}\n`;
  });
  return [style.warning("  Not applied:\n"), ...lines];
}
