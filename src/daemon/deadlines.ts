// Deadlines that hold while no daemon lives: the keeper's timers, with what to do here when one fires.

import { constants } from "node:os";
import { describeErrno } from "./keeper/errno.js";
import type { Clock, KeeperEvent, Name, Scope, TimerRecord } from "./keeper/types.js";
import type { Outbox } from "./outbox.js";

export interface Kill {
  readonly child: Name;
  readonly signal: number;
  readonly scope: Scope;
}

export class Deadlines {
  readonly #outbox: Outbox;
  readonly #report: (message: string) => void;
  readonly #onFired = new Map<Name, () => void>();
  readonly #onClockSet = new Set<() => void>();
  /** What an earlier daemon armed. */
  readonly #inherited: Map<Name, TimerRecord>;

  constructor(outbox: Outbox, timers: readonly TimerRecord[], report: (message: string) => void) {
    this.#outbox = outbox;
    this.#report = report;
    this.#inherited = new Map(timers.map((timer) => [timer.id, timer]));
  }

  /**
   * Arms the timer `id`, `seconds` from now. With `kill` the keeper itself signals that child at that instant.
   */
  arm(id: Name, seconds: number, onFired: () => void, kill?: Kill): void {
    this.#onFired.set(id, onFired);
    const at = nanosecondsFromNow(seconds);
    this.#outbox.tell(this.#report, {
      op: "arm-timer",
      id,
      clock: "monotonic",
      at,
      ...(kill === undefined ? {} : { kill: kill.child, signal: kill.signal, scope: kill.scope }),
    });
  }

  /** Arms the timer `id` for an instant of `clock`, in milliseconds; one that has passed fires at once. */
  armAt(id: Name, clock: Clock, at: number, onFired: () => void): void {
    this.#onFired.set(id, onFired);
    this.#outbox.tell(this.#report, { op: "arm-timer", id, clock, at: BigInt(at) * 1_000_000n });
  }

  /** Calls `listener` whenever somebody has set the clock on the wall; gives what ends that. */
  onClockSet(listener: () => void): () => void {
    this.#onClockSet.add(listener);
    return () => this.#onClockSet.delete(listener);
  }

  /** Whether there is a timer `id` to be taken over. */
  isInherited(id: Name): boolean {
    return this.#inherited.has(id);
  }

  /**
   * Takes over the timer `id` if an earlier daemon has armed it: its deadline holds, since a daemon's death gives nobody
   * more time. Gives the seconds that are left, 0 if it has fired already; undefined where there is none.
   */
  takeOver(id: Name, onFired: () => void): number | undefined {
    const inherited = this.#inherited.get(id);
    if (inherited === undefined) return undefined;
    this.#inherited.delete(id);
    this.#onFired.set(id, onFired);
    return Math.max(0, Number(inherited.at - process.hrtime.bigint()) / 1e9);
  }

  /**
   * Has the keeper signal children, in one request, and kill each that lives on, `seconds` from now, by a timer of its own,
   * which is there to be taken over as one of an earlier daemon's is.
   *
   * @param timers what the timers' names begin with; the child's follows
   */
  endChildren(ids: readonly Name[], signal: number, scope: Scope, seconds: number, timers: string): void {
    const clock = "monotonic" as const;
    const at = nanosecondsFromNow(seconds);
    for (const id of ids) this.#inherited.set(timers + id, { id: timers + id, clock, at, kill: id });
    this.#outbox.post({ op: "end-children", ids, signal, scope, clock, at, timers }).then(
      ([result]) => {
        if (result === undefined || result.errno === 0) return;
        if (result.errno !== constants.errno.ENOSYS) {
          this.#report(`${result.text}: ${describeErrno(result.errno)}`);
          return;
        }
        // A keeper of before, which was not upgraded with us: each by itself.
        for (const id of ids)
          this.#outbox.tell(
            this.#report,
            { op: "arm-timer", id: timers + id, clock, at, kill: id, scope },
            { op: "signal-child", id, signal, scope: "group" },
          );
      },
      (error: unknown) => this.#report(String(error)),
    );
  }

  /** Disarms a timer; one that fired already, or never was armed, is no error. */
  disarm(id: Name): void {
    if (!this.#onFired.delete(id)) return;
    this.#outbox.post({ op: "disarm-timer", id }).catch((error: unknown) => this.#report(String(error)));
  }

  handleEvent(event: KeeperEvent): boolean {
    if (event.type === "clock-was-set") {
      for (const listener of [...this.#onClockSet]) listener();
      this.#outbox.tell(this.#report, { op: "acknowledge", event: event.event });
      return true;
    }
    if (event.type !== "timer-fired") return false;
    const onFired = this.#onFired.get(event.id);
    this.#onFired.delete(event.id);
    // First, since it is armed anew perhaps; and where it was, meanwhile, the keeper has taken its event back.
    this.#outbox
      .post({ op: "acknowledge", event: event.event })
      .catch((error: unknown) => this.#report(String(error)));
    onFired?.();
    return true;
  }
}

/** On the monotonic clock. */
function nanosecondsFromNow(seconds: number): bigint {
  return process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
}
