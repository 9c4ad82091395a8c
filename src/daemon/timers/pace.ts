// Work that comes in crowds, as when a thousand timers go off at once: a little of it in each turn of the event loop, so
// that clients and the ends of processes are not held up meanwhile.

import { AsyncResource } from "node:async_hooks";

/** Milliseconds after which a turn takes up nothing more. */
const longestTurn = 10;

export class Pace {
  /** In the order in which they came, each once. */
  readonly #due = new Set<() => void>();
  #scheduled = false;
  /** A turn is nobody's: what is said in it must not go to the client whose request happened to begin it. */
  readonly #scope = new AsyncResource("Pace");

  /** Calls `task` soon, however often that is asked for until then. */
  soon(task: () => void): void {
    this.#due.add(task);
    this.#schedule();
  }

  /** It is not to be called any more. */
  cancel(task: () => void): void {
    this.#due.delete(task);
  }

  #schedule(): void {
    if (this.#scheduled || this.#due.size === 0) return;
    this.#scheduled = true;
    this.#scope.runInAsyncScope(setImmediate, undefined, () => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    const end = performance.now() + longestTurn;
    try {
      for (const task of this.#due) {
        this.#due.delete(task);
        task();
        if (performance.now() >= end) break;
      }
    } finally {
      this.#schedule();
    }
  }
}
