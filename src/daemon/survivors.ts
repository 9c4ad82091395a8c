// Processes that escaped their service: daemonised grandchildren and members of its group that outlived the leader.
// Without a cgroup they are found in /proc by descent, by session and group, and, once they were orphaned and
// became children of the keeper, by the mark which the spawn helper put into their environment.

import { setImmediate as nextTurn } from "node:timers/promises";
import { current, type Kinship } from "./families.js";
import { marksOf, processStat, processStatNow, type Stat } from "./proc.js";
import type { Processes } from "./processes.js";
import type { Strangers } from "./strangers.js";

export { processStat } from "./proc.js";

export interface Survivor {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly start: number;
  /** Its process group. */
  readonly group: number;
}

/** What identifies the processes of one start of a service. */
export interface Kin {
  /** The pid of the leader, dead or alive; 0, which is the group of what is outside our namespace, is nobody's. */
  readonly leader: number;
  /** Whether the leader is known to live: else the number may be another process's by now. */
  readonly lives: boolean;
  readonly mark: string;
}

/** What is looked for of a service besides what the keeper has been given of it. */
export interface Search {
  /** Only members of the leader's process group or session, not what left it on purpose. */
  readonly groupOnly?: boolean;
  /** The pid of a process with a record of its own that is this service's all the same. */
  readonly besides?: number | undefined;
}

/** The living processes of a service besides its leader, and besides those that have a record of their own. */
export async function findSurvivors(
  kin: Kin,
  strangers: Strangers,
  { groupOnly = false, besides }: Search = {},
): Promise<Survivor[]> {
  const found = new Map<number, Stat>();
  const isInGroup = groupTest(kin);
  const isWanted = (stat: Stat): boolean => stat.pid !== kin.leader && (!groupOnly || isInGroup(stat));
  // In the caller's turn, as far as they are few: who is told to end next has them all still.
  if (kin.lives) await descend([kin.leader], found, isWanted, strangers.families);
  const { processes, all, marksOf } = await strangers.look();
  const own = besides === undefined ? undefined : processStatNow(besides);
  const fresh: number[] = [];
  for (const stat of own === undefined ? processes : [...processes, own]) {
    if (stat.pid === kin.leader || found.has(stat.pid)) continue;
    if (!isInGroup(stat) && (groupOnly || !(await marksOf(stat.pid)).includes(kin.mark))) continue;
    found.set(stat.pid, stat);
    fresh.push(stat.pid);
  }
  if (!all) await descend(fresh, found, isWanted, current);
  return [...found.values()].map(({ pid, start, group }) => ({ pid, start, group }));
}

/** How many processes are looked at in one turn. */
const mostAtOnce = 64;

/** Adds the living descendants of processes to `found`; those of what is found already are there. */
async function descend(
  queue: number[],
  found: Map<number, Stat>,
  isWanted: (stat: Stat) => boolean,
  kinship: Kinship,
): Promise<void> {
  let count = 0;
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of kinship.childrenOf(pid)) {
      if (found.has(child)) continue;
      count += 1;
      if (count % mostAtOnce === 0) await nextTurn();
      const stat = kinship.statOf(child);
      if (stat === undefined) continue;
      if (isWanted(stat)) found.set(child, stat);
      queue.push(child);
    }
  }
}

/** Tells whether a process is in the leader's process group or session. */
function groupTest({ leader, lives }: Kin): (stat: Stat) => boolean {
  let isReused = lives ? false : undefined;
  return ({ group, session }) => {
    if (leader <= 0 || (group !== leader && session !== leader)) return false;
    // The kernel does not give a number away that still is a group's: where another process has it, the group is gone.
    isReused ??= processStatNow(leader) !== undefined;
    return !isReused;
  };
}

/** Generations that lie between a process and its service's leader at most, where nothing else tells whose it is. */
const mostAncestors = 64;

/** Whether a living process is one of a service's: by its group, its session or its mark, or by descent. */
export async function isKin(pid: number, { leader, lives, mark }: Kin): Promise<boolean> {
  let stat = await processStat(pid);
  if (stat === undefined) return false;
  if (lives && (stat.pid === leader || stat.group === leader || stat.session === leader)) return true;
  if ((await marksOf(pid)).includes(mark)) return true;
  for (let count = 0; lives && stat !== undefined && count < mostAncestors; count += 1) {
    if (stat.parent === leader) return true;
    stat = stat.parent > 1 ? await processStat(stat.parent) : undefined;
  }
  return false;
}

/** Signals the survivors that still are who they were. */
export async function signalSurvivors(
  survivors: readonly Survivor[],
  signal: number,
  processes: Processes,
): Promise<void> {
  await Promise.all(survivors.map(({ pid, start }) => processes.signalStranger(pid, start, signal)));
}

/** Those of `survivors` that live. */
export async function stillAlive(survivors: readonly Survivor[]): Promise<Survivor[]> {
  const stats = await Promise.all(survivors.map(({ pid }) => processStat(pid)));
  return survivors.filter((survivor, index) => stats[index]?.start === survivor.start);
}
