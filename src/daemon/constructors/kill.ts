// makeKillDestructor: a signal to the service's process group (or cgroup), a grace period, then KILL; and nothing of
// the service is left behind, whatever left its session.

import { setTimeout as delay } from "node:timers/promises";
import type { ProcessReference } from "../definition/types.js";
import { findSurvivors, type Kin, type Survivor, signalSurvivors, stillAlive } from "../survivors.js";
import { type Host, markOf } from "./host.js";

export interface KillOptions {
  readonly signal: number;
  /** Seconds until KILL. */
  readonly gracePeriod: number;
}

const SIGKILL = 9;
/** How often survivors are looked for, in ms. */
const interval = 20;
/** What a process needs to vanish after KILL, in ms; one that hangs in the kernel must not hold up the rest. */
const killWait = 2000;
/** How long after the deadline, in ms, a service that forks as fast as it is killed is fought. */
const giveUp = 5000;

/**
 * Ends a service's process and everything that it left behind; resolves when nothing of it runs.
 * @param say told when the grace period is over
 */
export async function endProcess(
  host: Host,
  service: string,
  process: ProcessReference,
  { signal, gracePeriod }: KillOptions,
  say: (line: string) => void,
): Promise<void> {
  const kin: Kin = { leader: process.pid, mark: markOf(host, process.id) };
  const timer = `stop/${service}`;
  const deadline = Date.now() + gracePeriod * 1000;
  const child = host.processes.get(process.id);
  let survivors: readonly Survivor[] = [];

  if (child !== undefined && child.end === undefined) {
    host.deadlines.arm(
      timer,
      gracePeriod,
      () => say(`Grace period of ${gracePeriod} seconds is over; sending -${process.pid} SIGKILL.`),
      { child: child.id, signal: SIGKILL, scope: "cgroup" },
    );
    // Found while their parent lives: afterwards only the mark, which a program can drop, tells whose they were.
    const before = findSurvivors(kin, host.keeperPid, host.processes.pids());
    await Promise.all([
      host.processes.signal(child.id, signal, "cgroup"),
      before.then(async (found) => {
        survivors = found;
        await signalSurvivors(found, signal, host.processes);
      }),
    ]);
    await child.ended;
    host.deadlines.disarm(timer);
  }
  await endSurvivors(host, kin, survivors, signal, deadline);
}

/** Ends the members of a service's process group that outlived a leader which died by itself. */
export async function endGroup(host: Host, process: ProcessReference, gracePeriod: number): Promise<void> {
  const kin: Kin = { leader: process.pid, mark: markOf(host, process.id) };
  const survivors = await findSurvivors(kin, host.keeperPid, host.processes.pids(), true);
  if (survivors.length === 0) return;
  await signalSurvivors(survivors, 15, host.processes);
  await waitOrKill(host, survivors, Date.now() + gracePeriod * 1000);
}

async function endSurvivors(
  host: Host,
  kin: Kin,
  known: readonly Survivor[],
  signal: number,
  deadline: number,
): Promise<void> {
  // A survivor may have made more of its kind meanwhile: look until there is none.
  let alive = await stillAlive(known);
  for (;;) {
    const found = await findSurvivors(kin, host.keeperPid, host.processes.pids());
    const fresh = found.filter(({ pid }) => !alive.some((other) => other.pid === pid));
    if (fresh.length === 0 && alive.length === 0) return;
    await signalSurvivors(fresh, Date.now() < deadline ? signal : SIGKILL, host.processes);
    const remaining = await waitOrKill(host, [...alive, ...fresh], deadline);
    if (remaining.length > 0 || Date.now() > deadline + giveUp) {
      const pids = (remaining.length > 0 ? remaining : fresh).map(({ pid }) => pid);
      host.report(`processes ${pids.join(", ")} survive KILL, or make others faster than they can be ended`);
      return;
    }
    alive = [];
  }
}

/** Waits for the processes to end, kills them at the deadline, and returns those which survive even that. */
async function waitOrKill(
  host: Host,
  survivors: readonly Survivor[],
  deadline: number,
): Promise<readonly Survivor[]> {
  let alive = await stillAlive(survivors);
  let killed = false;
  while (alive.length > 0) {
    if (Date.now() >= deadline && !killed) {
      await signalSurvivors(alive, SIGKILL, host.processes);
      killed = true;
    }
    if (Date.now() >= deadline + killWait) return alive;
    await delay(interval);
    alive = await stillAlive(alive);
  }
  return [];
}
