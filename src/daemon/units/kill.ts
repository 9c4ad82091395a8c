// Ends the processes of a unit as KillMode= and its kin have it. The deadlines are the keeper's: whoever goes on with it after
// a crash finds them armed, and tells nobody to end a second time.

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cgroupsIn, isPopulated, killCgroup, listedProcesses } from "../cgroups/tree.js";
import type { Host } from "../constructors/host.js";
import { isProcess } from "../controller/running-value.js";
import type { Aftermath } from "../controller/state.js";
import { errorText } from "../error-text.js";
import { monotonic } from "../monotonic.js";
import { Bell } from "../readiness/bell.js";
import { findSurvivors, processStat, type Survivor, signalSurvivors } from "../survivors.js";
import { abortTimeout, killSettings, stopTimeout } from "./defaults.js";
import { endless } from "./limit.js";
import { livingMain, type UnitRun, unitMark } from "./run.js";

const [SIGHUP, SIGKILL, SIGCONT] = [1, 9, 18];
/** After how many ms is looked again whether they have ended: those that take their time are looked at less often. */
const pauses = { first: 20, longest: 320 } as const;
/** How many cgroups a service may make below its own: what is in more of them is killed at the deadline. */
const mostCgroups = 1000;
/** How many processes are signalled one by one. */
const mostSignalled = 1000;
/** How long after the deadline, in ms, what hangs in the kernel may hold up the rest. */
const giveUp = 5000;

export interface Ending {
  /** Names the timers: a stop ends processes before its last commands and after them. */
  readonly pass: "stop" | "final";
  readonly by: Aftermath["by"];
  say(line: string): void;
}

/** Processes of the unit that live. */
interface Living {
  /** The keeper's children, by their ids. */
  readonly children: readonly string[];
  /** Those that KillMode= has ended too, and that are nobody's record. */
  readonly others: readonly Survivor[];
  /** Whether there are such in its cgroup that have no number for us. */
  readonly hidden: boolean;
}

/** How it went: `late`, what still ran when the time was over was killed; `left`, it was not (SendSIGKILL=no). */
export type Ended = "in time" | "late" | "left";

/** Resolves when all has ended that is to be ended. */
export async function endUnit(run: UnitRun, { pass, by, say }: Ending): Promise<Ended> {
  const { host, name, service } = run;
  const settings = killSettings(service);
  const { mode, finalSignal } = settings;
  if (mode === "none") return "left";
  const reachesAll = mode === "control-group" || mode === "mixed";
  const seconds = by === "kill" ? 0 : by === "abort" ? abortTimeout(service) : stopTimeout(service);
  const isRestart = run.state.wanted === "restart";
  const usual = isRestart ? settings.restartSignal : settings.signal;
  const signal = by === "abort" ? settings.abortSignal : by === "kill" ? (finalSignal ?? SIGKILL) : usual;

  let living = await look(run, reachesAll);
  const timer = `unit-${pass}/${name}`;
  const deadline = new Bell();
  let isLate = false;
  const fire = (): void => {
    isLate = true;
    deadline.ring();
  };
  const isTold = host.deadlines.takeOver(timer, fire) !== undefined;
  if (isGone(living)) {
    // It would be taken for that of the next stop, which then told nobody.
    host.deadlines.disarm(timer);
    return "in time";
  }
  const told = new Set<number>();
  if (by === "kill") isLate = true;
  else if (!isTold) tell(run, living, { timer, seconds, signal, fire });
  // Whoever armed it has told them in the same step, or did so next; to many programs a second signal means something else.
  else for (const { pid } of living.others) told.add(pid);
  run.attendant.onExtend((more) => {
    if (!isLate) arm(run, living, timer, more, fire);
  });
  let killedAt: number | undefined;
  let pause: number = pauses.first;
  try {
    for (;;) {
      if (isLate && killedAt === undefined && by !== "kill")
        say(
          `Service ${name}: ${seconds} s are over; what still runs is ${finalSignal === undefined ? "left (SendSIGKILL=no)" : "killed"}.`,
        );
      if (isLate && finalSignal === undefined && by !== "kill") return "left";
      // Of `mixed` the others are told nothing, and killed once those are gone that were told.
      if (isLate || (mode === "mixed" && living.children.length === 0)) {
        killedAt ??= monotonic();
        await kill(host, name, living, finalSignal ?? SIGKILL, reachesAll);
      } else if (mode === "control-group")
        await tellOthers(host, living.others, told, signal, settings.hangUp);
      if (killedAt !== undefined && monotonic() > killedAt + giveUp) {
        const left = [...living.children, ...living.others.map(({ pid }) => pid)].slice(0, 10);
        host.report(`processes of ${name} survive KILL: ${left.join(", ")}`);
        return "late";
      }
      const rung = killedAt === undefined ? [deadline.next()] : [];
      await Promise.race([delay(pause), ...rung, ...endsOf(host, living)]);
      pause = Math.min(pause * 2, killedAt === undefined ? pauses.longest : pauses.first);
      living = await look(run, reachesAll);
      if (isGone(living)) return isLate && by !== "kill" ? "late" : "in time";
    }
  } finally {
    run.attendant.onExtend(undefined);
    host.deadlines.disarm(timer);
  }
}

function isGone({ children, others, hidden }: Living): boolean {
  return children.length + others.length === 0 && !hidden;
}

function endsOf(host: Host, { children }: Living): readonly Promise<unknown>[] {
  return children.flatMap((id) => {
    const child = host.processes.get(id);
    return child === undefined ? [] : [child.ended];
  });
}

interface Telling {
  readonly timer: string;
  readonly seconds: number;
  readonly signal: number;
  fire(): void;
}

/** Tells the children to end and arms what follows, in one step. */
function tell(run: UnitRun, { children }: Living, { timer, seconds, signal, fire }: Telling): void {
  const { host, service } = run;
  const { mode, hangUp } = killSettings(service);
  const further = hangUp ? [SIGHUP] : [];
  host.outbox.together(() => {
    arm(run, { children }, timer, seconds, fire);
    for (const id of children) {
      // Members of its group that are in no cgroup are told with it.
      const scope =
        mode === "control-group" && host.cgroups.pathOf(run.name) === undefined ? "group" : "process";
      for (const one of [signal, ...further, ...(signal === SIGKILL ? [] : [SIGCONT])])
        host.processes.signal(id, one, scope).catch((error: unknown) => host.report(String(error)));
    }
  });
}

/** Arms the deadline, and has the keeper itself kill the main process then, with its cgroup where all is to be ended. */
function arm(
  run: UnitRun,
  { children }: Pick<Living, "children">,
  timer: string,
  seconds: number,
  fire: () => void,
): void {
  const { host, name, service } = run;
  const { mode, finalSignal } = killSettings(service);
  const main = livingMain(run)?.id ?? children[0];
  const reachesAll = mode === "control-group" || mode === "mixed";
  const scope = !reachesAll ? "process" : host.cgroups.pathOf(name) === undefined ? "group" : "cgroup";
  const kill =
    main === undefined || finalSignal === undefined
      ? undefined
      : ({ child: main, signal: finalSignal, scope } as const);
  // Without a deadline it tells all the same that they were told to end.
  host.deadlines.arm(timer, Math.min(seconds, endless), fire, kill);
}

async function tellOthers(
  host: Host,
  others: readonly Survivor[],
  told: Set<number>,
  signal: number,
  hangUp: boolean,
): Promise<void> {
  // What was made since the others were told is told too.
  const fresh = others.filter(({ pid }) => !told.has(pid));
  if (fresh.length === 0) return;
  for (const { pid } of fresh) told.add(pid);
  await signalSurvivors(fresh, signal, host.processes);
  if (hangUp) await signalSurvivors(fresh, SIGHUP, host.processes);
  if (signal !== SIGKILL) await signalSurvivors(fresh, SIGCONT, host.processes);
}

async function kill(
  host: Host,
  name: string,
  { children, others }: Living,
  signal: number,
  reachesAll: boolean,
): Promise<void> {
  const directory = reachesAll && signal === SIGKILL ? host.cgroups.pathOf(name) : undefined;
  if (directory !== undefined && (await killCgroup(directory).catch(() => false))) return;
  await Promise.all(children.map((id) => host.processes.signal(id, signal, "process")));
  await signalSurvivors(others, signal, host.processes);
}

async function look(run: UnitRun, all: boolean): Promise<Living> {
  const { host, name } = run;
  const children = host.processes.livingOf(name);
  if (!all) return { children, others: [], hidden: false };
  const directory = host.cgroups.pathOf(name);
  if (directory !== undefined) {
    try {
      const pids = host.processes.pids();
      const others = (await membersOf(directory)).filter(({ pid }) => !pids.has(pid));
      const hidden = children.length + others.length === 0 && (await isPopulated(directory));
      return { children, others, hidden };
    } catch (error) {
      host.report(`look into ${directory}: ${errorText(error)}`);
    }
  }
  const mark = unitMark(host, name);
  const found = new Map<number, Survivor>();
  for (const leader of leaders(run)) {
    const kin = { ...leader, mark };
    for (const one of await findSurvivors(kin, host.strangers)) found.set(one.pid, one);
  }
  return { children, others: [...found.values()], hidden: false };
}

/** The processes in a cgroup and in those below it. */
async function membersOf(directory: string): Promise<readonly Survivor[]> {
  const directories = [directory];
  const pids: number[] = [];
  for (let index = 0; index < directories.length && pids.length < mostSignalled; index += 1) {
    const one = directories[index] ?? "";
    pids.push(...(await listedProcesses(one)).filter((pid) => pid > 1));
    if (directories.length < mostCgroups)
      directories.push(...(await cgroupsIn(one)).map((below) => join(one, below)));
  }
  const stats = await Promise.all(pids.slice(0, mostSignalled).map(processStat));
  return stats.flatMap((stat) =>
    stat === undefined ? [] : [{ pid: stat.pid, start: stat.start, group: stat.group }],
  );
}

/** The processes that others may have come from, dead or alive; where none is known the mark alone tells. */
function leaders({
  host,
  name,
  state,
}: UnitRun): readonly { readonly leader: number; readonly lives: boolean }[] {
  const { value, processes } = state;
  const living = host.processes.livingOf(name).map((id) => ({
    leader: host.processes.get(id)?.pid ?? 0,
    lives: true,
  }));
  const dead = [
    ...(isProcess(value) && host.processes.get(value.id) === undefined ? [value.pid] : []),
    ...processes.flatMap(({ end }) => (end === undefined ? [] : [end.pid])),
  ].map((leader) => ({ leader, lives: false }));
  const known = [...living, ...dead].filter(({ leader }) => leader > 0);
  return known.length === 0 ? [{ leader: 0, lives: false }] : known;
}
