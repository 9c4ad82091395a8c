// How long a run may take. The keeper itself ends one that takes longer, so that this holds while no daemon lives.

import type { Deadlines } from "../deadlines.js";
import type { Name } from "../keeper/types.js";
import type { TimerData } from "./types.js";

/** Seconds from the signal that ends a run which takes too long to KILL. */
const killDelay = 5;
const SIGKILL = 9;

const ignore = (): void => undefined;

export class Limits {
  readonly #deadlines: Deadlines;
  readonly #data: Pick<TimerData, "maxDuration" | "terminationSignal">;
  readonly #onTimedOut: (run: Name) => void;

  /** @param onTimedOut called in the step in which it is acknowledged that the time of a run is over */
  constructor(
    deadlines: Deadlines,
    data: Pick<TimerData, "maxDuration" | "terminationSignal">,
    onTimedOut: (run: Name) => void,
  ) {
    this.#deadlines = deadlines;
    this.#data = data;
    this.#onTimedOut = onTimedOut;
  }

  /** Belongs into the step that spawns the run's process, which has the run's name. */
  arm(run: Name): void {
    const { maxDuration, terminationSignal: signal } = this.#data;
    if (maxDuration === undefined) return;
    // Not its cgroup, in which other runs may be: what is outside its group is ended when it has ended.
    const target = { child: run, scope: "group" } as const;
    this.#deadlines.arm(termOf(run), maxDuration, () => this.#onTimedOut(run), { ...target, signal });
    this.#deadlines.arm(killOf(run), maxDuration + killDelay, ignore, { ...target, signal: SIGKILL });
  }

  /** Those of a run that an earlier daemon has begun. */
  takeOver(run: Name): void {
    this.#deadlines.takeOver(termOf(run), () => this.#onTimedOut(run));
    this.#deadlines.takeOver(killOf(run), ignore);
  }

  disarm(run: Name): void {
    this.#deadlines.disarm(termOf(run));
    this.#deadlines.disarm(killOf(run));
  }
}

/** The keeper's names of the timers. */
function termOf(run: Name): Name {
  return `run/${run}`;
}

function killOf(run: Name): Name {
  return `run-kill/${run}`;
}
