// Processes that escaped their service: daemonised grandchildren and members of its group that outlived the leader.
// Without a cgroup they are found in /proc by descent, by session and group, and, once they were orphaned and
// became children of the keeper, by the mark which the spawn helper put into their environment.

import { readdir, readFile } from "node:fs/promises";
import type { Processes } from "./processes.js";

export interface Survivor {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly start: number;
  /** Its process group. */
  readonly group: number;
}

interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly start: number;
}

/** Parses /proc/PID/stat; the command in parentheses may itself hold parentheses and spaces. */
export function parseStat(text: string): Stat | undefined {
  const open = text.indexOf(" (");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const [state, parent, group, session] = fields;
  const start = fields[19];
  if (state === undefined || start === undefined) return undefined;
  return {
    pid: Number(text.slice(0, open)),
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    start: Number(start),
  };
}

/** What is known of a living, unreaped process; undefined when there is none. */
export async function processStat(pid: number): Promise<Stat | undefined> {
  try {
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, "latin1"));
    return stat === undefined || stat.state === "Z" || stat.state === "X" ? undefined : stat;
  } catch {
    return undefined; // It has ended, or /proc is not there: either way nothing is known.
  }
}

/** The children of a process, from the kernel's list where it has one; undefined where it has none. */
async function childrenOf(pid: number): Promise<number[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1");
    return text
      .split(" ")
      .filter((word) => word !== "")
      .map(Number);
  } catch {
    return undefined;
  }
}

/** Every pid in /proc, for kernels without the lists of children. */
async function allStats(): Promise<Stat[]> {
  const names = await readdir("/proc").catch(() => []);
  const stats: Stat[] = [];
  for (const name of names) {
    if (!/^[0-9]+$/.test(name)) continue;
    const stat = await processStat(Number(name));
    if (stat !== undefined) stats.push(stat);
  }
  return stats;
}

async function hasMark(pid: number, mark: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1");
    const variable = environment.split("\0").find((entry) => entry.startsWith("SHEPHERD_MARK="));
    return variable?.slice("SHEPHERD_MARK=".length).split(":").includes(mark) ?? false;
  } catch {
    return false; // It has ended, or is not ours to look at.
  }
}

/** What identifies the processes of one start of a service. */
export interface Kin {
  /** The pid of the leader, dead or alive; 0, which is the group of what is outside our namespace, is nobody's. */
  readonly leader: number;
  /** Whether the leader is known to live: else the number may be another process's by now. */
  readonly lives: boolean;
  readonly mark: string;
}

/**
 * The living processes of a service besides its leader. `keeper` is the pid to which orphans are given; `known`
 * are the pids of the keeper's children that have a record of their own.
 * @param groupOnly only members of the leader's process group or session, not what left it on purpose
 */
export async function findSurvivors(
  kin: Kin,
  keeper: number,
  known: ReadonlySet<number>,
  groupOnly = false,
): Promise<Survivor[]> {
  const found = new Map<number, Survivor>();
  // The kernel does not give a number away that still is a group's: where another process has it, the group is gone.
  const isReused = !kin.lives && kin.leader > 0 && (await processStat(kin.leader)) !== undefined;
  const inGroup = ({ group, session }: Stat): boolean =>
    kin.leader > 0 && !isReused && (group === kin.leader || session === kin.leader);
  const isKin = async (stat: Stat): Promise<boolean> =>
    inGroup(stat) || (!groupOnly && (await hasMark(stat.pid, kin.mark)));

  const orphans = await childrenOf(keeper);
  if (orphans === undefined) {
    for (const stat of await allStats()) {
      if (stat.pid !== kin.leader && !known.has(stat.pid) && (await isKin(stat))) found.set(stat.pid, stat);
    }
    return [...found.values()].map(({ pid, start, group }) => ({ pid, start, group }));
  }

  const queue: number[] = [];
  for (const pid of orphans) {
    if (pid === kin.leader || known.has(pid)) continue;
    const stat = await processStat(pid);
    if (stat !== undefined && (await isKin(stat))) {
      found.set(pid, { pid, start: stat.start, group: stat.group });
      queue.push(pid);
    }
  }
  if (kin.lives) queue.push(kin.leader);
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of (await childrenOf(pid)) ?? []) {
      if (found.has(child) || child === kin.leader) continue;
      const stat = await processStat(child);
      if (stat === undefined) continue;
      if (!groupOnly || inGroup(stat)) {
        found.set(child, { pid: child, start: stat.start, group: stat.group });
      }
      queue.push(child);
    }
  }
  return [...found.values()];
}

/** Generations that lie between a process and its service's leader at most, where nothing else tells whose it is. */
const mostAncestors = 64;

/** Whether a living process is one of a service's: by its group, its session or its mark, or by descent. */
export async function isKin(pid: number, { leader, lives, mark }: Kin): Promise<boolean> {
  let stat = await processStat(pid);
  if (stat === undefined) return false;
  if (lives && (stat.pid === leader || stat.group === leader || stat.session === leader)) return true;
  if (await hasMark(pid, mark)) return true;
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
