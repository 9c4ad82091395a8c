// What must hold of a timer once a round is over: each occurrence was run once and none was left out, what its status
// tells is what its runs have written down, and all that they have started is theirs.

import { added } from "./changes.js";
import type { Member } from "./fleet.js";
import type { Done } from "./history.js";
import type { Influence } from "./influence.js";
import { serviceOfMark } from "./lives.js";
import type { Snapshot } from "./snapshot.js";
import type { PastRun, TimedRun, TimerView } from "./timer-view.js";

/** Seconds for which nothing may be run: a busy machine, and the runs that go on meanwhile. */
const lull = 5;
/** Seconds more for each daemon that came meanwhile. */
const recovery = 3;

/** How often clients had a timer run: at least and at most. */
interface Triggers {
  readonly certain: number;
  readonly possible: number;
}

export function timerViolations(
  { name, timer }: Member,
  before: Snapshot,
  after: Snapshot,
  operations: readonly Done[],
  influence: Influence,
): readonly string[] {
  if (timer === undefined) return [];
  const old = before.services.get(name)?.timer;
  const now = after.services.get(name)?.timer;
  const runs = after.runs.get(name) ?? [];
  const fresh = runs.slice(before.runs.get(name)?.length ?? 0);
  const triggers = triggersOf(name, operations);
  const told = [
    ...marks(runs),
    ...living(name, now, after),
    ...(now === undefined ? [] : outcomes(now, timer.outcome)),
    ...(isTold(name, after) ? [] : ["a run of it has not told its mark"]),
    ...tooMany(timer.rhythm, fresh, before, after, triggers),
  ];
  if (told.length > 0 || old === undefined || now === undefined || influence.stops.length > 0) return told;
  const past = added(old.past, now.past, isSameRun);
  if (past === undefined) return ["its past runs do not go on from what they were"];
  const ran = past.length + now.processes.length - old.processes.length;
  if (ran !== fresh.length) return [`its status tells of ${ran} runs, and ${fresh.length} were made`];
  const starts = [...past, ...now.processes]
    .map(({ start }) => start)
    .sort((a, b) => a - b)
    .slice(old.processes.length);
  const last = old.processes.at(-1)?.start ?? old.past[0]?.start;
  return [
    ...early(starts, fresh),
    ...(timer.rhythm === "triggered"
      ? tooFew(fresh, triggers)
      : gaps([last ?? before.time, ...starts], before, after)),
    ...(timer.rhythm === "each second" ? twice(last, starts, fresh, triggers) : []),
  ];
}

/**
 * Whether every run that goes on has written itself down: one that has not yet would count for the next round. Its process
 * has no mark until it has executed its program, and is known by its status alone until then.
 */
export function isTold(name: string, { services, processes, runs }: Snapshot): boolean {
  const marks = new Set(runs.get(name)?.map(({ mark }) => mark));
  const going = services.get(name)?.timer?.processes ?? [];
  const markOf = new Map(processes.map(({ inner, mark }) => [inner, mark]));
  return (
    processes.every(({ mark }) => mark === undefined || serviceOfMark(mark) !== name || marks.has(mark)) &&
    going.every(({ pid }) => marks.has(markOf.get(pid) ?? ""))
  );
}

function isSameRun(a: PastRun, b: PastRun): boolean {
  return a.start === b.start && a.end === b.end && a.status === b.status;
}

function triggersOf(name: string, operations: readonly Done[]): Triggers {
  const all = operations.filter(
    ({ operation }) => operation.verb === "trigger" && operation.service === name,
  );
  const refused = all.filter(({ text }) => /is being executed|not running; doing nothing/.test(text));
  const certain = all.filter(({ outcome, text }) => outcome === "done" && text.includes("Triggering timer"));
  return { certain: certain.length, possible: all.length - refused.length };
}

function marks(runs: readonly TimedRun[]): readonly string[] {
  const all = runs.map(({ mark }) => mark);
  return new Set(all).size === all.length ? [] : ["one run was made by two processes"];
}

/** Its status tells of the processes that there are. */
function living(name: string, now: TimerView | undefined, { processes }: Snapshot): readonly string[] {
  const there = new Set(
    processes
      .filter(({ mark }) => mark !== undefined && serviceOfMark(mark) === name)
      .map(({ inner }) => inner),
  );
  return (now?.processes ?? [])
    .filter(({ pid }) => !there.has(pid))
    .map(({ pid }) => `process ${pid} of a run is not there`);
}

function outcomes({ past }: TimerView, expected: number): readonly string[] {
  const strange = past.filter(({ status }) => Number(status) !== expected);
  return strange.map(({ status }) => `a run of it ended with ${status}, and not with ${expected}`);
}

/** What holds whether or not it was stopped and started again: a start is no reason to run anything. */
function tooMany(
  rhythm: "each second" | "endless" | "triggered",
  fresh: readonly TimedRun[],
  before: Snapshot,
  after: Snapshot,
  { possible }: Triggers,
): readonly string[] {
  // One is due from before, and one began just before the snapshot and told of itself after it.
  const occurrences = rhythm === "triggered" ? 0 : Math.ceil(after.time - before.time) + 2;
  const most = occurrences + possible;
  return fresh.length <= most ? [] : [`it was run ${fresh.length} times, ${most} are the most`];
}

function tooFew(fresh: readonly TimedRun[], { certain }: Triggers): readonly string[] {
  return fresh.length >= certain ? [] : [`it was triggered ${certain} times, and run ${fresh.length} times`];
}

/** No run tells a beginning that its program knows to be another. */
function early(starts: readonly number[], fresh: readonly TimedRun[]): readonly string[] {
  return starts.flatMap((start, index) => {
    const { time = start } = fresh[index] ?? {};
    return time >= start && time <= start + lull
      ? []
      : [`a run of ${time} is told to have begun at ${start}`];
  });
}

function gaps(starts: readonly number[], before: Snapshot, after: Snapshot): readonly string[] {
  const most = lull + recovery * (after.generation - before.generation);
  return [...starts, after.time].slice(1).flatMap((start, index) => {
    const from = starts[index] ?? start;
    return start - from <= most ? [] : [`it was not run from ${from} to ${start}`];
  });
}

/**
 * Each run is for a second of its own, which was not yet over when it began: only what one daemon has left to the next may be
 * late.
 */
function twice(
  last: number | undefined,
  starts: readonly number[],
  fresh: readonly TimedRun[],
  { possible }: Triggers,
): readonly string[] {
  let occurrence = last === undefined ? 0 : last - 1;
  const repeated: number[] = [];
  for (const [index, start] of starts.entries()) {
    const isInherited = generationOf(fresh[index]) !== generationOf(fresh[index - 1]);
    const due = Math.max(occurrence + 1, isInherited ? start - 1 : start);
    if (due > start) repeated.push(start);
    else occurrence = due;
  }
  return repeated.length <= possible ? [] : [`it was run twice in the seconds ${repeated.join(", ")}`];
}

/** Which daemon has begun a run. */
function generationOf(run: TimedRun | undefined): string | undefined {
  return /%23(\d+)\.\d+$/.exec(run?.mark ?? "")?.[1];
}
