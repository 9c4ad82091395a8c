// The torture itself: carries out a plan on one system after the other, and counts.

import { suiteScope } from "../support/harness.js";
import { pointName } from "./ambush.js";
import { Bed, type BedOptions, type Verdict } from "./bed.js";
import { allPoints } from "./crash-points.js";
import { buildFaultyWriter } from "./faulty-writer.js";
import { fleet } from "./fleet.js";
import type { History } from "./history.js";
import { type Episode, type PlanOptions, plan } from "./workload.js";

export interface TortureOptions extends PlanOptions, Omit<BedOptions, "boot"> {
  readonly seed: number;
  readonly kills: number;
  /** Stops at the first violation. */
  readonly untilViolation: boolean;
  /** Gets what is to be read by people. */
  readonly print: (text: string) => void;
}

export interface Tally {
  kills: number;
  operations: number;
  connections: number;
  lines: number;
  systems: number;
  /** Rounds after which something did not hold. */
  violations: number;
  /** Milliseconds. */
  time: number;
  /** How often a daemon died at each crash point. */
  readonly hits: Map<string, number>;
}

export async function torture(options: TortureOptions): Promise<Tally> {
  const begin = performance.now();
  const tally: Tally = {
    kills: 0,
    operations: 0,
    connections: 0,
    lines: 0,
    systems: 0,
    violations: 0,
    time: 0,
    hits: new Map(),
  };
  const scope = suiteScope();
  try {
    const native =
      options.fault === "log-consumed-early" ? { native: await buildFaultyWriter(scope) } : undefined;
    for (const [index, episode] of plan(options.seed, options.kills, options).entries()) {
      const goesOn = await liveThrough(episode, index, { ...options, ...native }, tally);
      if (!goesOn) break;
    }
  } finally {
    await scope.close();
  }
  tally.time = performance.now() - begin;
  return tally;
}

/** Resolves with whether to go on. */
async function liveThrough(
  episode: Episode,
  number: number,
  options: TortureOptions,
  tally: Tally,
): Promise<boolean> {
  const { seed, print, untilViolation } = options;
  const complain = (where: string, report: string): void => {
    tally.violations += 1;
    print(`VIOLATION ${where} of system ${number}, seed ${seed}:\n${report}`);
  };
  const take = (where: string, { wrong, history, hits, report }: Verdict): void => {
    count(tally, history, hits);
    if (wrong.length > 0) complain(where, report);
  };
  const scope = suiteScope();
  try {
    tally.systems += 1;
    const bed = await Bed.boot(scope, { ...options, boot: episode.boot });
    countHits(tally, bed.takeHits());
    for (const [index, round] of episode.rounds.entries()) {
      take(`in round ${index}`, await bed.round(round));
      if (tally.violations > 0 && untilViolation) return false;
      if (bed.system.hasEnded) return true;
    }
    take("at rest", await bed.rest());
    if (tally.violations > 0 && untilViolation) return false;
    take("at the end", await bed.end(episode.ending));
    const unnamed = bed.unnamed();
    if (unnamed.length > 0)
      complain("in the torture", `  no crash point is named after: ${unnamed.join(", ")}\n`);
    tally.lines += bed.lines;
    return tally.violations === 0 || !untilViolation;
  } catch (error) {
    // Such as a boot that comes to nothing: no other one would.
    complain("at an instant that ended the torture", `  ${String(error)}\n`);
    return false;
  } finally {
    await scope.close();
  }
}

function count(tally: Tally, { kills, operations }: History, hits: readonly string[]): void {
  tally.kills += kills.filter(({ pid, done }) => pid !== 0 && done !== undefined).length;
  tally.operations += operations.length;
  tally.connections += operations.filter(
    ({ operation }) => operation.verb !== "crash" && operation.verb !== "flood",
  ).length;
  countHits(tally, hits);
}

function countHits(tally: Tally, names: readonly string[]): void {
  for (const name of names) tally.hits.set(name, (tally.hits.get(name) ?? 0) + 1);
  tally.kills += names.length;
}

/** @param filter as that of the plan */
export function summary(seed: number, tally: Tally, filter = ""): string {
  const { kills, operations, lines, connections, systems, violations, time, hits } = tally;
  const names = allPoints.map(({ when, label }) => pointName({ when, label, skip: 0 }));
  const never = names.filter((name) => name.includes(filter) && !hits.has(name));
  const seconds = (time / 1000).toFixed(1);
  return [
    "crash points:",
    ...[...hits].sort().map(([name, times]) => `  ${String(times).padStart(4)} × ${name}`),
    ...(never.length === 0 ? [] : [`never reached: ${never.join(", ")}`]),
    `seed ${seed}: ${kills} kills, ${operations} operations, ${systems} systems of ${fleet.length} services, ${lines} log lines, ${connections} connections, ${violations} violations, ${seconds} s`,
  ].join("\n");
}
