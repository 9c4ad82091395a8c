// From a service expression to what the page shows of it: pure functions.

import { describeException } from "../herd/render/exception.js";
import { extraText, processEnd } from "../herd/render/service.js";
import { plain } from "../herd/render/style.js";
import { decodeCondition } from "../protocol/condition.js";
import type { TimerRun } from "../protocol/running-value.js";
import type { ServiceStatus } from "../protocol/service-status.js";
import { asNumbers } from "../protocol/sexp.js";
import type { ServiceView, ViewState } from "./views.js";

/** What is known of a service beside the overview's answer. */
export interface Beside {
  /** Bytes. */
  readonly memory?: number;
  /** Of a timer, soonest first. */
  readonly alarms?: readonly number[];
}

/** The services of one answer, as far as one of them tells of another. */
export type ByName = ReadonlyMap<string, ServiceStatus>;

/** Under all names that they answer to. */
export function byName(services: readonly ServiceStatus[]): ByName {
  return new Map(services.flatMap((service) => service.provides.map((name) => [name, service])));
}

export function serviceView(service: ServiceStatus, others: ByName, beside: Beside = {}): ServiceView {
  const { running, statusChanges, lastRespawns, documentation, enabled, provides, requires } = service;
  const [change] = statusChanges;
  const why = whyOf(service, others);
  const pid = running?.type === "process" ? running.pid : undefined;
  const run = running?.type === "timer" ? running.pastRuns[0] : undefined;
  return {
    name: provides[0],
    documentation,
    kind: kindOf(service),
    state: stateOf(service),
    enabled,
    ...(change === undefined ? {} : { since: change.time }),
    ...(pid === undefined ? {} : { pid }),
    ...beside,
    restarts: lastRespawns.length,
    ...(why === undefined ? {} : { why }),
    requires: requires.map((name) => others.get(name)?.provides[0] ?? name),
    ...(run === undefined ? {} : { lastRun: { end: run.end, how: runEnd(run) } }),
  };
}

function kindOf({ oneShot, running }: ServiceStatus): ServiceView["kind"] {
  if (oneShot) return "one-shot";
  return running?.type === "timer" ? "timer" : "service";
}

export function stateOf(service: ServiceStatus): ViewState {
  const { status, oneShot, enabled, startupFailures, lastRespawns, statusChanges } = service;
  if (status !== "stopped") return status;
  // What died too often was given up, and disabled.
  if (startupFailures.length > 0 || (!enabled && lastRespawns.length > 0)) return "failed";
  return oneShot && statusChanges.length > 0 ? "done" : "stopped";
}

/** Whether it has reached what a start of it is for. */
export function isUp(service: ServiceStatus): boolean {
  const state = stateOf(service);
  if (state === "running" || state === "done") return true;
  // A unit whose conditions did not hold is not meant to run here.
  return state === "stopped" && extraText(service, "skipped") !== undefined;
}

/**
 * The services that are to run from the start and do not, by name. Transient ones come and go, and what the configuration has
 * no more is not asked for.
 */
export function missingServices(services: readonly ServiceStatus[]): readonly string[] {
  return services
    .filter(
      ({ transient, extra }) =>
        !transient && extra.get("auto-start?") !== false && extra.get("obsolete?") !== true,
    )
    .filter((service) => !isUp(service))
    .map(({ provides }) => provides[0])
    .sort();
}

function whyOf(service: ServiceStatus, others: ByName): string | undefined {
  switch (service.status) {
    case "running":
      return decodeCondition(service.extra).health?.reason;
    case "starting":
      return waitsFor(service, others);
    case "stopping":
      return decodeCondition(service.extra).condemned;
    case "stopped":
      return whyDown(service);
  }
}

function waitsFor({ requires }: ServiceStatus, others: ByName): string | undefined {
  const missing = requires.filter((name) => {
    const other = others.get(name);
    return other !== undefined && !isUp(other);
  });
  return missing.length === 0 ? undefined : `Waits for ${missing.join(", ")}.`;
}

/** The reasons that there are, the weightiest first. */
function whyDown(service: ServiceStatus): string | undefined {
  const { enabled, startupFailures, exitStatuses, statusChanges, extra } = service;
  const failure = extraText(service, "failure");
  const skipped = extraText(service, "skipped");
  const disabled = extraText(service, "disabled-because");
  const [exit] = exitStatuses;
  const reasons: string[] = [];
  if (startupFailures.length > 0)
    reasons.push(failure === undefined ? "Failed to start." : `Failed to start: ${failure}.`);
  if (skipped !== undefined) reasons.push(`Skipped: ${skipped}.`);
  if (!enabled) reasons.push(disabled === undefined ? "Disabled." : `Disabled: ${disabled}.`);
  if (exit !== undefined) {
    if (exit.status !== 0) reasons.push(processEnd(exit.status, plain).trimEnd());
    if (asNumbers(extra.get("out-of-memory"))?.includes(exit.time) === true)
      reasons.push("It ran out of memory.");
  }
  if (statusChanges.length === 0 && reasons.length === 0) reasons.push("Not started.");
  return reasons.length === 0 ? undefined : reasons.join(" ");
}

function runEnd({ status }: TimerRun): string {
  if (status === "success") return "Succeeded.";
  if (typeof status === "number") return processEnd(status, plain).trimEnd();
  return describeException(status.key, status.arguments).trimEnd();
}
