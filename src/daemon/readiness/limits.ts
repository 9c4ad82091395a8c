// What keeps a sender that says more than anybody needs to from taking the supervisor's time, or its log.

import { setTimeout as delay } from "node:timers/promises";

/** Messages of one service that are read within a second; the others wait in the kernel's queue, and their senders. */
const mostMessages = 500;
/** Between lines, in ms, that say which messages are passed over. */
const complaintInterval = 10_000;

/** How fast the messages of one service are read. */
export class Pace {
  #since = 0;
  #count = 0;

  /** Resolves when the next one may be read: at once, or in the next second. */
  async next(): Promise<void> {
    const now = performance.now();
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count > mostMessages) await delay(Math.max(0, this.#since + 1000 - now));
  }
}

/** One line for all that goes wrong within some time: whoever can reach a socket can send what it likes. */
export class Complaints {
  readonly #log: (trouble: string) => void;
  #last = Number.NEGATIVE_INFINITY;
  #silent = 0;

  constructor(log: (trouble: string) => void) {
    this.#log = log;
  }

  add(trouble: string): void {
    const now = performance.now();
    if (now < this.#last + complaintInterval) {
      this.#silent += 1;
      return;
    }
    this.#log(this.#silent === 0 ? trouble : `${trouble} (${this.#silent} others before were not logged)`);
    this.#last = now;
    this.#silent = 0;
  }
}
