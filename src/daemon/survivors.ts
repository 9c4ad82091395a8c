// Processes that escaped their service: daemonised grandchildren and members of its group that outlived the leader.
// Without a cgroup they are found in /proc by descent, by session and group, and, once they were orphaned and
// became children of the keeper, by the mark which the spawn helper put into their environment.

import { childrenOf, marksOf, processStat, processStatNow, type Stat } from "./proc.js";
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
  const { processes, all, marksOf } = await strangers.look();
  const own = besides === undefined ? undefined : processStatNow(besides);
  const found = new Map<number, Survivor>();
  const isInGroup = groupTest(kin);
  for (const stat of own === undefined ? processes : [...processes, own]) {
    if (stat.pid === kin.leader) continue;
    if (isInGroup(stat) || (!groupOnly && (await marksOf(stat.pid)).includes(kin.mark)))
      found.set(stat.pid, stat);
  }
  if (!all) {
    const queue = [...found.keys(), ...(kin.lives ? [kin.leader] : [])];
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      for (const child of childrenOf(pid) ?? []) {
        if (found.has(child) || child === kin.leader) continue;
        const stat = processStatNow(child);
        if (stat === undefined) continue;
        if (!groupOnly || isInGroup(stat)) found.set(child, stat);
        queue.push(child);
      }
    }
  }
  return [...found.values()].map(({ pid, start, group }) => ({ pid, start, group }));
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
