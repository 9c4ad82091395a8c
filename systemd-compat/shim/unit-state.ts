// A unit's state in systemd's words: from what the daemon tells of its service, and from its files.

import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { type Sexp, symbolName } from "../../src/protocol/sexp.js";
import { parseUnitName, type UnitType } from "../names.js";

export type ActiveState = "active" | "reloading" | "inactive" | "failed" | "activating" | "deactivating";

export interface UnitState {
  readonly active: ActiveState;
  /** Such as `running`, `exited`, `dead`, `listening`. */
  readonly sub: string;
  /** How its last run ended: `success`, `exit-code`, `signal`… */
  readonly result: string;
  /** 0: none. */
  readonly mainPid: number;
  /** Seconds since the epoch; 0: never. */
  readonly since: number;
}

export const unknownState: UnitState = {
  active: "inactive",
  sub: "dead",
  result: "success",
  mainPid: 0,
  since: 0,
};

/** What units that are active are in their own words. */
const activeWords: Readonly<Partial<Record<UnitType, string>>> = {
  socket: "listening",
  timer: "waiting",
  path: "waiting",
  target: "active",
  mount: "mounted",
  swap: "active",
  slice: "active",
  device: "plugged",
};

/** @param status undefined: the daemon does not know the unit */
export function unitStateOf(unit: string, status: ServiceStatus | undefined): UnitState {
  if (status === undefined) return unknownState;
  const type = parseUnitName(unit)?.type ?? "service";
  const mainPid = status.running?.type === "process" ? status.running.pid : 0;
  const result = resultOf(status);
  const since = status.statusChanges[0]?.time ?? 0;
  const base = { result, mainPid, since };
  switch (status.status) {
    case "starting":
      return { ...base, active: "activating", sub: "start" };
    case "stopping":
      return { ...base, active: "deactivating", sub: "stop" };
    case "running": {
      const isReloading = symbolName(status.extra.get("phase")) === "reloading";
      const sub = activeWords[type] ?? (mainPid > 0 || type !== "service" ? "running" : "exited");
      return isReloading
        ? { ...base, active: "reloading", sub: "reload" }
        : { ...base, active: "active", sub };
    }
    case "stopped":
      return result === "success"
        ? { ...base, active: "inactive", sub: "dead" }
        : { ...base, active: "failed", sub: "failed" };
  }
}

/** A service that is no unit's has no result of its own. */
function resultOf({ extra, status }: ServiceStatus): string {
  const result = wordOf(extra.get("result"));
  if (result !== undefined) return result;
  return status === "stopped" && extra.has("failure") ? "exit-code" : "success";
}

function wordOf(value: Sexp | undefined): string | undefined {
  return typeof value === "string" ? value : symbolName(value);
}

/** Why the last start was skipped, where a condition did not hold. */
export function skippedBecause({ extra }: ServiceStatus): string | undefined {
  return wordOf(extra.get("skipped"));
}

/** Whether it can be told to read its configuration again. */
export function canReload(status: ServiceStatus): boolean {
  return status.actions.includes("reload");
}
