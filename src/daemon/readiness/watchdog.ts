// The time within which a process must say that it is alive. The keeper's timer counts it, so it holds while there is no
// daemon; what was said meanwhile waits in the kernel's queue, and is read before anything is judged.

import type { Host } from "../constructors/host.js";

export class Watchdog {
  readonly #host: Host;
  readonly #timer: string;
  readonly #overdue: () => void;
  #seconds: number;

  /** @param overdue called when the time was over, in the step that acknowledges it */
  constructor(host: Host, process: string, seconds: number, overdue: () => void) {
    this.#host = host;
    this.#timer = `watchdog/${process}`;
    this.#seconds = seconds;
    this.#overdue = overdue;
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** Goes on with the timer of an earlier daemon, or begins. */
  begin(): void {
    if (this.#host.deadlines.takeOver(this.#timer, this.#overdue) === undefined) this.alive();
  }

  /** It is alive: its time begins anew. */
  alive(): void {
    if (this.#seconds > 0) this.#host.deadlines.arm(this.#timer, this.#seconds, this.#overdue);
  }

  /** From now on, and counted from now. */
  change(seconds: number): void {
    this.#seconds = seconds;
    if (seconds > 0) this.alive();
    else this.end();
  }

  end(): void {
    this.#host.deadlines.disarm(this.#timer);
  }
}
