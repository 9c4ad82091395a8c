// makeKillDestructor: a signal to the service's process group (or cgroup), a grace period, then KILL; and nothing of
// the service is left behind, whatever left its session.

import { setTimeout as delay } from "node:timers/promises";
import type { ProcessReference } from "../definition/types.js";
import { findSurvivors, type Kin, type Survivor, signalSurvivors, stillAlive } from "../survivors.js";
import { type Host, launcherOf, markOf } from "./host.js";

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
  process: ProcessReference,
  { signal, gracePeriod }: KillOptions,
  say: (line: string) => void,
): Promise<void> {
  const child = host.processes.get(process.id);
  // A start can be cancelled before the keeper has told the pid of what it spawned.
  await child?.answered;
  const leader = child?.pid ?? process.pid;
  const mark = markOf(host, process.id);
  const timer = `stop/${process.id}`;
  let deadline = performance.now() + gracePeriod * 1000;
  let survivors: readonly Survivor[] = [];

  if (child !== undefined && child.end === undefined) {
    const expired = (): void =>
      say(`Grace period of ${gracePeriod} seconds is over; sending -${child.pid} SIGKILL.`);
    const left = host.deadlines.takeOver(timer, expired);
    // Whoever armed it has signalled in the same step; to many programs a second signal means something else.
    const signalled = left !== undefined;
    if (signalled) deadline = performance.now() + left * 1000;
    else
      host.deadlines.arm(timer, gracePeriod, expired, { child: child.id, signal: SIGKILL, scope: "cgroup" });
    // Found while their parent lives: afterwards only the mark, which a program can drop, tells whose they were.
    const kin: Kin = { leader, lives: true, mark };
    const before = findSurvivors(kin, host.keeperPid, strangers(host, process));
    await Promise.all([
      signalled || host.processes.signal(child.id, signal, "cgroup"),
      before.then(async (found) => {
        survivors = found;
        // Its group has the signal already.
        const outside = found.filter(({ group }) => group !== leader);
        await signalSurvivors(outside, signal, host.processes);
      }),
    ]);
    await child.ended;
    host.deadlines.disarm(timer);
  }
  await endSurvivors(host, process, { leader, lives: false, mark }, survivors, signal, deadline);
}

/** The children that are none of this service's: its launcher, which may still run, is. */
function strangers(host: Host, process: ProcessReference): Set<number> {
  const launcher = launcherOf(process.id);
  return launcher === process.id ? host.processes.pids() : host.processes.pids(launcher);
}

/** Ends the members of a service's process group that outlived a leader which died by itself. */
export async function endGroup(
  host: Host,
  process: Pick<ProcessReference, "id" | "pid">,
  gracePeriod: number,
): Promise<void> {
  const kin: Kin = { leader: process.pid, lives: false, mark: markOf(host, process.id) };
  const survivors = await findSurvivors(kin, host.keeperPid, host.processes.pids(), true);
  if (survivors.length === 0) return;
  await signalSurvivors(survivors, 15, host.processes);
  await waitOrKill(host, survivors, performance.now() + gracePeriod * 1000);
}

async function endSurvivors(
  host: Host,
  process: ProcessReference,
  kin: Kin,
  known: readonly Survivor[],
  signal: number,
  deadline: number,
): Promise<void> {
  // A survivor may have made more of its kind meanwhile: look until there is none.
  let alive = await stillAlive(known);
  for (;;) {
    const found = await findSurvivors(kin, host.keeperPid, strangers(host, process));
    const fresh = found.filter(({ pid }) => !alive.some((other) => other.pid === pid));
    if (fresh.length === 0 && alive.length === 0) return;
    await signalSurvivors(fresh, performance.now() < deadline ? signal : SIGKILL, host.processes);
    const remaining = await waitOrKill(host, [...alive, ...fresh], deadline);
    if (remaining.length > 0 || performance.now() > deadline + giveUp) {
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
    if (performance.now() >= deadline && !killed) {
      await signalSurvivors(alive, SIGKILL, host.processes);
      killed = true;
    }
    if (performance.now() >= deadline + killWait) return alive;
    await delay(interval);
    alive = await stillAlive(alive);
  }
  return [];
}
