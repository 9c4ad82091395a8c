// The daemon's view of the keeper's children: spawning, adopting, signalling, and the exactly-once handling of ends.

import { constants } from "node:os";
import type { ProcessEnd } from "./controller/state.js";
import type { Termination } from "./definition/types.js";
import { asError } from "./error-text.js";
import { describeErrno } from "./keeper/errno.js";
import type {
  ChildRecord,
  KeeperEvent,
  Request,
  Scope,
  SetupFailure,
  SpawnSpec,
  Successor,
} from "./keeper/types.js";
import type { Outbox } from "./outbox.js";

const { EINVAL } = constants.errno;

/** A process that could not be brought to execute its program: where, on what, why. */
export class SpawnError extends Error {
  override readonly name = "SpawnError";
  readonly stage: string;
  readonly errno: number;

  constructor(failure: SetupFailure) {
    const where = failure.text === "" ? failure.stage : `${failure.stage} ${failure.text}`;
    super(`${where}: ${describeErrno(failure.errno)}`);
    this.stage = failure.stage;
    this.errno = failure.errno;
  }
}

/** The end of a process, and when (seconds since the epoch). */
export interface End extends Termination {
  readonly time: number;
  readonly failure?: SetupFailure;
  /** Nobody was left in its process group, or its session. */
  readonly alone?: boolean;
  /** Who stood by for it and has taken its place; whoever handles the end follows it, or else it is killed. */
  readonly successor?: Child;
}

/** What goes into one step with a spawn. */
export interface Step {
  /** What the spawn needs: where this fails, so does the spawn. */
  readonly before: readonly Request[];
  readonly after: readonly Request[];
}

/** One child of the keeper. */
export class Child {
  readonly id: string;
  pid = 0;
  /** Clock ticks since boot. */
  start = 0;
  end: End | undefined;
  /** Called as soon as the pid is known, which is before the program runs. */
  onPid: ((pid: number) => void) | undefined;
  /** Resolves when the keeper has answered: pid and start are known then, or there is no process. */
  readonly answered: Promise<void>;
  /** Resolves when the program was executed; rejects with a SpawnError. */
  readonly started: Promise<void>;
  /** Resolves when it has ended and its end was handled. */
  readonly ended: Promise<End>;
  /** Handles the end in the turn in which it is acknowledged: notes posted here and the acknowledgement are one step. */
  onEnd: ((end: End) => void) | undefined;
  /** @internal */ readonly settle: {
    answered: () => void;
    started: () => void;
    failed: (error: Error) => void;
    ended: (end: End) => void;
  };

  constructor(id: string) {
    this.id = id;
    const settle: Partial<Child["settle"]> = {};
    this.answered = new Promise((resolve) => {
      settle.answered = resolve;
    });
    this.started = new Promise((resolve, reject) => {
      settle.started = resolve;
      settle.failed = reject;
    });
    // A caller that only waits for the end need not handle a failed start as well.
    this.started.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      settle.ended = resolve;
    });
    this.settle = settle as Child["settle"];
  }
}

/** How many ends are remembered for those who ask only afterwards. */
const rememberedEnds = 256;

export class Processes {
  readonly #outbox: Outbox;
  readonly #children = new Map<string, Child>();
  readonly #byService = new Map<string, Set<Child>>();
  readonly #ends = new Map<string, End>();
  readonly #report: (message: string) => void;
  readonly #generation: number;
  /** Told of each spawn, as it is sent. */
  onSpawn: ((id: string, spec: SpawnSpec) => void) | undefined;
  #sequence = 0;

  /**
   * @param generation the daemon's, so that ids of earlier daemons are never used again
   * @param report receives what goes wrong where nobody waits for an answer
   */
  constructor(outbox: Outbox, generation: number, report: (message: string) => void) {
    this.#outbox = outbox;
    this.#generation = generation;
    this.#report = report;
  }

  /** A fresh id for a process of `service`. */
  nextId(service: string): string {
    this.#sequence += 1;
    return `${service}#${this.#generation}.${this.#sequence}`;
  }

  get(id: string): Child | undefined {
    return this.#children.get(id);
  }

  /** The ids of all children whose end was not handled. */
  get ids(): readonly string[] {
    return [...this.#children.keys()];
  }

  /** How a child ended that is no more; the last few hundred are remembered. */
  recentEnd(id: string): End | undefined {
    return this.#ends.get(id);
  }

  /** The ids of the children of a service that live. */
  livingOf(service: string): string[] {
    return [...(this.#byService.get(service) ?? [])].flatMap(({ id, end }) =>
      end === undefined ? [id] : [],
    );
  }

  /** The pids of all children that live. */
  pids(): Set<number> {
    const pids = new Set<number>();
    for (const child of this.#children.values())
      if (child.end === undefined && child.pid > 0) pids.add(child.pid);
    return pids;
  }

  #add(child: Child): void {
    this.#children.set(child.id, child);
    const service = serviceOf(child.id);
    const others = this.#byService.get(service);
    if (others === undefined) this.#byService.set(service, new Set([child]));
    else others.add(child);
  }

  #remove(child: Child): void {
    this.#children.delete(child.id);
    const service = serviceOf(child.id);
    const others = this.#byService.get(service);
    others?.delete(child);
    if (others?.size === 0) this.#byService.delete(service);
  }

  /** Takes over a child of an earlier daemon from the keeper's inventory. */
  resume(record: ChildRecord): Child {
    const child = new Child(record.id);
    child.pid = record.pid;
    child.start = record.start;
    child.settle.answered();
    // One that has ended may never have executed its program: its end tells.
    if (record.state === "running") child.settle.started();
    this.#add(child);
    return child;
  }

  /** One that had ended before this daemon began, as an earlier one noted it. */
  remember(id: string, { pid, start, status, time, failure }: ProcessEnd): Child {
    const child = new Child(id);
    child.pid = pid;
    child.start = start;
    child.settle.answered();
    this.#settle(child, {
      ...decodeWaitStatus(pid, status),
      time,
      ...(failure === undefined ? {} : { failure }),
    });
    child.settle.ended(child.end as End);
    return child;
  }

  /** What is known once a child has ended, be it asked for now or later. */
  #settle(child: Child, end: End): void {
    child.end = end;
    this.#ends.set(child.id, end);
    if (this.#ends.size > rememberedEnds) this.#ends.delete(this.#ends.keys().next().value ?? "");
    if (end.failure !== undefined) child.settle.failed(new SpawnError(end.failure));
    else child.settle.started();
  }

  /**
   * Spawns a child; what was posted in this turn, such as the note that explains it, goes into the same step. The
   * promise `started` of the result tells whether the program was executed.
   */
  spawn(id: string, spec: SpawnSpec, { before, after }: Step = { before: [], after: [] }): Child {
    const child = new Child(id);
    this.#add(child);
    this.onSpawn?.(id, spec);
    this.#outbox.post(...before, { op: "spawn", id, spec }, ...after).then(
      (results) => {
        const result = results[before.length];
        if (result === undefined || result.errno !== 0) {
          // What it needed is told rather than that it was missing.
          const { errno = 0, text = "" } = results.find((one) => one.errno !== 0) ?? {};
          const failure = { stage: "spawn", errno, text };
          this.#neverWas(child, new SpawnError(failure), failure);
          return;
        }
        child.pid = result.pid ?? 0;
        child.start = result.start ?? 0;
        child.settle.answered();
        child.onPid?.(child.pid);
      },
      (error: unknown) => this.#neverWas(child, asError(error)),
    );
    return child;
  }

  /** Nobody may wait for the end of a process that does not exist. */
  #neverWas(child: Child, error: Error, failure?: SetupFailure): void {
    this.#remove(child);
    child.end = {
      ...decodeWaitStatus(0, 127 << 8),
      time: Date.now() / 1000,
      ...(failure === undefined ? {} : { failure }),
    };
    child.settle.failed(error);
    child.settle.answered();
    child.settle.ended(child.end);
  }

  /**
   * Makes a process that is the keeper's child but not ours, such as one a pid file names, a child of ours.
   * Resolves with the errno of the refusal where the keeper refuses.
   * @param cgroup that of what it belongs to, where there is one
   */
  async adopt(id: string, pid: number, start: number, cgroup: string | undefined): Promise<Child | number> {
    const child = new Child(id);
    child.pid = pid;
    child.start = start;
    child.settle.answered();
    child.settle.started();
    this.#add(child);
    const adopt = { op: "adopt", id, pid, start } as const;
    let [result] = await this.#outbox.post({ ...adopt, ...(cgroup === undefined ? {} : { cgroup }) });
    // A keeper of before, which was not upgraded with us, does not take a cgroup here.
    if (result?.errno === EINVAL && cgroup !== undefined) [result] = await this.#outbox.post(adopt);
    if (result === undefined || result.errno !== 0) {
      this.#remove(child);
      return result?.errno ?? -1;
    }
    return child;
  }

  /** Sends a signal; a child that has ended is none. */
  async signal(id: string, signal: number, scope: Scope): Promise<boolean> {
    const [result] = await this.#outbox.post({ op: "signal-child", id, signal, scope });
    return result !== undefined && result.errno === 0;
  }

  /** Signals a process which is nobody's record, only if it still is the one that started at `start`. */
  async signalStranger(pid: number, start: number, signal: number): Promise<boolean> {
    const [result] = await this.#outbox.post({ op: "signal-process", pid, start, signal });
    return result !== undefined && result.errno === 0;
  }

  /** Handles the events that are about children and acknowledges them; false for every other event. */
  handleEvent(event: KeeperEvent): boolean {
    if (event.type === "child-started") {
      const child = this.#children.get(event.id);
      if (child !== undefined) {
        child.pid = event.pid;
        child.settle.started();
      }
    } else if (event.type === "child-ended") {
      this.#ended(event);
    } else {
      return false;
    }
    this.#outbox.tell(this.#report, { op: "acknowledge", event: event.event });
    return true;
  }

  #ended(event: KeeperEvent & { type: "child-ended" }): void {
    const child = this.#children.get(event.id);
    const successor = event.successor === undefined ? undefined : this.#succeeded(event.successor);
    if (child !== undefined) this.#endOf(child, event, successor);
    if (successor === undefined || successor.onEnd !== undefined) return;
    // It is nobody's, as where its service is none any more: it is not to get far.
    this.#outbox
      .post({ op: "signal-child", id: successor.id, signal: constants.signals.SIGKILL, scope: "group" })
      .catch((error: unknown) => this.#report(String(error)));
  }

  /** The child that the keeper has spawned in the place of another one; an earlier daemon's are known already. */
  #succeeded({ id, pid, start }: Successor): Child {
    const known = this.#children.get(id);
    if (known !== undefined) return known;
    const child = new Child(id);
    child.pid = pid;
    child.start = start;
    child.settle.answered();
    this.#add(child);
    return child;
  }

  #endOf(child: Child, event: KeeperEvent & { type: "child-ended" }, successor: Child | undefined): void {
    this.#remove(child);
    const end: End = {
      ...decodeWaitStatus(event.pid, event.status),
      time: Number(event.at) / 1e9,
      ...(event.alone === true ? { alone: true } : {}),
      ...(event.failure === undefined ? {} : { failure: event.failure }),
    };
    this.#settle(child, end);
    try {
      // Who asks for the end later finds nobody who could still be followed.
      child.onEnd?.(successor === undefined ? end : { ...end, successor });
    } catch (error) {
      this.#report(`while handling the end of ${event.id}: ${String(error)}`);
    }
    child.settle.ended(end);
  }
}

/** Names of services have no `#`, and so all before it is one. */
function serviceOf(id: string): string {
  const end = id.indexOf("#");
  return end < 0 ? id : id.slice(0, end);
}

/** The parts of a raw wait status. */
export function decodeWaitStatus(pid: number, status: number): Termination {
  const signal = status & 0x7f;
  return signal === 0 ? { pid, status, exitCode: (status >> 8) & 0xff } : { pid, status, signal };
}

/** As the Shepherd words it: `exited with 3`, `terminated with signal 9`. */
export function describeTermination(termination: Termination): string {
  return termination.signal === undefined
    ? `exited with ${termination.exitCode ?? 0}`
    : `terminated with signal ${termination.signal}`;
}
