// Ends everything that lives in a service's cgroup, whatever left its session or forks as fast as it is killed.

import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../constructors/host.js";
import { errorText } from "../error-text.js";
import { monotonic } from "../monotonic.js";
import { processStat, type Survivor, signalSurvivors } from "../survivors.js";
import { isPopulated, killCgroup, listedProcesses } from "./tree.js";

/** How often is looked whether anything is left, in ms. */
const interval = 20;
/** How long after the deadline, in ms, what hangs in the kernel may hold up the rest. */
const giveUp = 5000;
/** How many processes are signalled one by one; the end of all others is the kernel's business. */
const mostSignalled = 1000;
const SIGKILL = 9;

/**
 * The processes right in a cgroup but for one process and its group; those of cgroups below are the business of whoever
 * made these, until they are killed with it.
 */
export async function membersBesides(directory: string, leader: number): Promise<Survivor[]> {
  const pids = (await listedProcesses(directory)).filter((pid) => pid > 1 && pid !== leader);
  const stats = await Promise.all(pids.slice(0, mostSignalled).map(processStat));
  return stats.flatMap((stat) =>
    stat === undefined || stat.group === leader
      ? []
      : [{ pid: stat.pid, start: stat.start, group: stat.group }],
  );
}

export interface Ending {
  /** What those get that have not been told to end yet. */
  readonly signal: number;
  readonly told: readonly Survivor[];
  /** When all that still lives is killed, on the clock that nobody sets. */
  readonly deadline: number;
}

/**
 * Ends what lives in the cgroup and below it, and resolves when nothing does; what survives KILL is reported and waited for
 * no longer. Resolves with false where the cgroup cannot be looked into, so that its processes must be found in other ways.
 */
export async function emptyCgroup(host: Host, directory: string, ending: Ending): Promise<boolean> {
  try {
    await empty(host, directory, ending);
    return true;
  } catch (error) {
    host.report(`end what lives in ${directory}: ${errorText(error)}`);
    return false;
  }
}

async function empty(host: Host, directory: string, { signal, told, deadline }: Ending): Promise<void> {
  if (!(await isPopulated(directory))) return;
  const known = new Set(told.map(({ pid }) => pid));
  const others = (await membersBesides(directory, 0)).filter(({ pid }) => !known.has(pid));
  await signalSurvivors(others, signal, host.processes);
  while (await isPopulated(directory)) {
    const now = monotonic();
    if (now >= deadline + giveUp) {
      const left = (await listedProcesses(directory)).slice(0, 10);
      host.report(`processes in ${directory} survive KILL: ${left.join(", ")}`);
      return;
    }
    if (now >= deadline && !(await killCgroup(directory)))
      await signalSurvivors(await membersBesides(directory, 0), SIGKILL, host.processes);
    await delay(interval);
  }
}
