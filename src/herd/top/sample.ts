// What `herd top` knows of the services at a moment, and the rows that follow from two such moments. Pure.

import type { Resources } from "../../protocol/resources.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { reasonFor } from "../render/reason.js";

export interface Sample {
  /** Milliseconds by a clock that is never set. */
  readonly at: number;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly services: readonly ServiceStatus[];
  /** What each uses, by its canonical name, as far as that is known. */
  readonly usage: ReadonlyMap<string, Resources>;
}

export type RowState = "running" | "starting" | "stopping" | "stopped" | "failed" | "disabled" | "done";

export interface Row {
  readonly name: string;
  readonly state: RowState;
  readonly pid?: number;
  /** Percent of one processor, since the sample before. */
  readonly cpu?: number;
  /** Bytes. */
  readonly memory?: number;
  /** Seconds since it came up. */
  readonly uptime?: number;
  readonly restarts: number;
  /** Percentages, oldest first. */
  readonly history: readonly number[];
  /** Why it is not up. */
  readonly reason?: string;
}

/** As many percentages are kept of each service. */
export const MOST_HISTORY = 60;

/** @param earlier the rows of the sample before */
export function rowsOf(
  sample: Sample,
  previous: Sample | undefined,
  earlier: readonly Row[] = [],
): readonly Row[] {
  const histories = new Map(earlier.map(({ name, history }) => [name, history]));
  return sample.services.map((service) => rowOf(service, sample, previous, histories));
}

function rowOf(
  service: ServiceStatus,
  sample: Sample,
  previous: Sample | undefined,
  histories: ReadonlyMap<string, readonly number[]>,
): Row {
  const [name] = service.provides;
  const usage = service.status === "stopped" ? undefined : sample.usage.get(name);
  const cpu = percentOf(name, usage, sample, previous);
  const pid = pidsOf(service)[0];
  const since = service.statusChanges[0];
  const reason = reasonFor(service, sample.now);
  return {
    name,
    state: stateOf(service),
    ...(pid === undefined ? {} : { pid }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(usage?.memory === undefined ? {} : { memory: usage.memory }),
    ...(service.status === "running" && since?.status === "running"
      ? { uptime: Math.max(0, sample.now - since.time) }
      : {}),
    restarts: service.lastRespawns.length,
    history: [...(histories.get(name) ?? []), ...(cpu === undefined ? [] : [cpu])].slice(-MOST_HISTORY),
    ...(reason === undefined ? {} : { reason }),
  };
}

function stateOf({ status, enabled, oneShot, startupFailures, statusChanges }: ServiceStatus): RowState {
  if (status !== "stopped") return status;
  if (oneShot && startupFailures.length === 0) return statusChanges.length === 0 ? "stopped" : "done";
  if (startupFailures.length > 0) return "failed";
  return enabled ? "stopped" : "disabled";
}

function percentOf(
  name: string,
  usage: Resources | undefined,
  sample: Sample,
  previous: Sample | undefined,
): number | undefined {
  const before = previous?.usage.get(name)?.cpu;
  const milliseconds = previous === undefined ? 0 : sample.at - previous.at;
  if (usage?.cpu === undefined || previous === undefined || milliseconds <= 0) return undefined;
  // One that counts anew is another process, or another cgroup.
  const microseconds = before === undefined || before > usage.cpu ? usage.cpu : usage.cpu - before;
  // A process that was not there a moment ago, and has used more than there was, was there and not known.
  const percent = microseconds / 10 / milliseconds;
  return before === undefined && percent > 100 ? undefined : percent;
}

/** The numbers of the processes that the daemon tells, the main one first. */
export function pidsOf({ running }: ServiceStatus): readonly number[] {
  if (running?.type === "process") return [running.pid];
  return running?.type === "timer" ? running.processes.map(({ pid }) => pid) : [];
}
