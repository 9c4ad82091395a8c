// What processes hold and have used, from /proc.

import { readdirSync } from "node:fs";
import { readIfThere } from "./scope.js";

export interface Memory {
  /** All in MB. */
  readonly pss: number;
  readonly privateDirty: number;
  readonly rss: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  const rollups = pids.map((pid) => readIfThere(`/proc/${pid}/smaps_rollup`));
  const sum = (field: string): number =>
    rollups.reduce(
      (total, text) => total + Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0),
      0,
    ) / 1024;
  return { pss: sum("Pss"), privateDirty: sum("Private_Dirty"), rss: sum("Rss") };
}

export interface Activity {
  /** Milliseconds of CPU so far. */
  readonly cpu: number;
  /** How often a thread gave up the CPU by itself so far: each is followed by a wake-up. */
  readonly voluntary: number;
}

export function activityOf(pids: readonly number[]): Activity {
  let cpu = 0;
  let voluntary = 0;
  for (const task of pids.flatMap(tasksOf)) {
    cpu += Number(readIfThere(`${task}/schedstat`).split(" ")[0] ?? 0) / 1e6;
    voluntary += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readIfThere(`${task}/status`))?.[1] ?? 0);
  }
  return { cpu, voluntary };
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}`);
  } catch {
    return [];
  }
}
