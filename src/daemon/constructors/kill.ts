// makeKillDestructor: a signal to the service's process group (or cgroup), a grace period, then KILL; and nothing of
// the service is left behind, whatever left its session.

import { setTimeout as delay } from "node:timers/promises";
import { emptyCgroup, membersBesides } from "../cgroups/end.js";
import type { ProcessReference } from "../definition/types.js";
import type { Scope } from "../keeper/types.js";
import { monotonic } from "../monotonic.js";
import { findSurvivors, type Kin, type Survivor, signalSurvivors, stillAlive } from "../survivors.js";
import { type Host, launcherOf, markOf, ownerOf } from "./host.js";

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

/** What the names of the timers begin with that kill what has not ended in its grace period. */
const killTimers = "stop/";

/** A process of which `endProcess` is called in this very turn, and how. */
export interface ImminentEnd {
  readonly process: ProcessReference;
  readonly options: KillOptions;
}

/**
 * Signals processes before anything else is done to end them, all at once, where one look at all processes tells what they
 * have made: while `endProcess` does the rest, one after another, they end.
 */
export function signalAhead(host: Host, ends: readonly ImminentEnd[]): void {
  const alike = endsAlike(host, ends);
  const count = alike.reduce((sum, { ids }) => sum + ids.length, 0);
  if (!host.strangers.families.lookFor(count)) return;
  for (const { ids, options, scope } of alike)
    host.deadlines.endChildren(ids, options.signal, scope, options.gracePeriod, killTimers);
  host.outbox.flush();
}

/** Processes that live and are ended in the same way, by their names in the keeper. */
interface EndsAlike {
  readonly ids: string[];
  readonly options: KillOptions;
  /** Of KILL. */
  readonly scope: Scope;
}

/** What `signalAhead` asks for. */
export function endsAlike(host: Host, ends: readonly ImminentEnd[]): readonly EndsAlike[] {
  const alike = new Map<string, EndsAlike>();
  for (const { process, options } of ends) {
    const { id } = process;
    const child = host.processes.get(id);
    if (child === undefined || child.pid <= 0 || child.end !== undefined) continue;
    // An earlier daemon has signalled it: to many programs a second signal means something else.
    if (host.deadlines.isInherited(killTimers + id)) continue;
    const scope = killScope(cgroupOf(host, id));
    const key = `${scope} ${options.signal} ${options.gracePeriod}`;
    const others = alike.get(key);
    if (others === undefined) alike.set(key, { ids: [id], options, scope });
    else others.ids.push(id);
  }
  return [...alike.values()];
}

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
  const cgroup = cgroupOf(host, process.id);
  const timer = killTimers + process.id;
  let deadline = monotonic() + gracePeriod * 1000;
  let survivors: readonly Survivor[] = [];

  if (child !== undefined && child.end === undefined) {
    const expired = (): void =>
      say(`Grace period of ${gracePeriod} seconds is over; sending -${child.pid} SIGKILL.`);
    const left = host.deadlines.takeOver(timer, expired);
    // Whoever armed it has signalled in the same step; to many programs a second signal means something else.
    const signalled = left !== undefined;
    if (signalled) deadline = monotonic() + left * 1000;
    else {
      const kill = { child: child.id, signal: SIGKILL, scope: killScope(cgroup) };
      host.deadlines.arm(timer, gracePeriod, expired, kill);
    }
    // Found while their parent lives: afterwards only the mark, which a program can drop, tells whose they were.
    const kin: Kin = { leader, lives: true, mark };
    const before =
      cgroup.directory === undefined
        ? findSurvivors(kin, host.strangers, { besides: launcherPid(host, process) })
        : membersBesides(cgroup.directory, leader).catch(() => []);
    await Promise.all([
      signalled || host.processes.signal(child.id, signal, "group"),
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
  // Those that it was shared with may have ended meanwhile, or others begun.
  const { directory } = cgroupOf(host, process.id);
  if (directory !== undefined && (await emptyCgroup(host, directory, { signal, told: survivors, deadline })))
    return;
  await endSurvivors(host, process, { leader, lives: false, mark }, survivors, signal, deadline);
}

/** Where all that belongs to a process is, and whether other processes of its service are there too, which live on. */
interface Kinship {
  readonly directory: string | undefined;
  readonly shared: boolean;
}

function cgroupOf(host: Host, id: string): Kinship {
  const service = ownerOf(id);
  const directory = host.cgroups.pathOf(service);
  const launcher = launcherOf(id);
  const shared =
    directory !== undefined &&
    host.processes.livingOf(service).some((other) => launcherOf(other) !== launcher);
  return { directory: shared ? undefined : directory, shared };
}

function killScope({ shared }: Kinship): Scope {
  return shared ? "group" : "cgroup";
}

/** The pid of what has left this process behind, where that still runs. */
function launcherPid(host: Host, process: Pick<ProcessReference, "id">): number | undefined {
  const launcher = host.processes.get(launcherOf(process.id));
  return launcher === undefined || launcher.id === process.id || launcher.pid === 0
    ? undefined
    : launcher.pid;
}

/** Ends what has outlived all the processes that a service's start has made, where it has a cgroup of its own. */
export async function endRest(host: Host, service: string, gracePeriod: number): Promise<void> {
  const directory = host.cgroups.pathOf(service);
  if (directory === undefined || host.processes.livingOf(service).length > 0) return;
  const deadline = monotonic() + gracePeriod * 1000;
  await emptyCgroup(host, directory, { signal: 15, told: [], deadline });
}

/**
 * Ends what outlived a leader which died by itself: all of its cgroup or, without one, the members of its process group.
 * @param beside whether other processes of the service may come to be meanwhile, in its cgroup: all that bears the
 * leader's mark is ended then, and nothing else
 */
export async function endGroup(
  host: Host,
  process: Pick<ProcessReference, "id" | "pid">,
  gracePeriod: number,
  beside = false,
): Promise<void> {
  const service = ownerOf(process.id);
  // Nor may it be emptied where the service goes on with another process than the one that ended.
  const goesOn = beside || host.processes.livingOf(service).length > 0;
  const directory = goesOn ? undefined : host.cgroups.pathOf(service);
  const ending = { signal: 15, told: [], deadline: monotonic() + gracePeriod * 1000 };
  if (directory !== undefined && (await emptyCgroup(host, directory, ending))) return;
  const kin: Kin = { leader: process.pid, lives: false, mark: markOf(host, process.id) };
  // Nobody would find them later.
  if (beside) return await endSurvivors(host, process, kin, [], ending.signal, ending.deadline);
  const survivors = await findSurvivors(kin, host.strangers, { groupOnly: true });
  if (survivors.length === 0) return;
  await signalSurvivors(survivors, 15, host.processes);
  await waitOrKill(host, survivors, ending.deadline);
}

async function endSurvivors(
  host: Host,
  process: Pick<ProcessReference, "id">,
  kin: Kin,
  known: readonly Survivor[],
  signal: number,
  deadline: number,
): Promise<void> {
  // A survivor may have made more of its kind meanwhile: look until there is none.
  let alive = await stillAlive(known);
  for (;;) {
    const found = await findSurvivors(kin, host.strangers, { besides: launcherPid(host, process) });
    const fresh = found.filter(({ pid }) => !alive.some((other) => other.pid === pid));
    if (fresh.length === 0 && alive.length === 0) return;
    await signalSurvivors(fresh, monotonic() < deadline ? signal : SIGKILL, host.processes);
    const remaining = await waitOrKill(host, [...alive, ...fresh], deadline);
    if (remaining.length > 0 || monotonic() > deadline + giveUp) {
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
    if (monotonic() >= deadline && !killed) {
      await signalSurvivors(alive, SIGKILL, host.processes);
      killed = true;
    }
    if (monotonic() >= deadline + killWait) return alive;
    await delay(interval);
    alive = await stillAlive(alive);
  }
  return [];
}
