// A start that is under way, waiting included: what it waits for, and how it comes to be cancelled.

import type { Controller } from "../controller/controller.js";
import type { Request } from "../request.js";

export class PendingStart {
  readonly controller: Controller;
  readonly request: Request;
  /** Whether it came up. */
  done: Promise<boolean> = Promise.resolve(false);
  /** Starts that it comes after, by order alone; what it requires is not among them. */
  readonly #waitsFor = new Set<PendingStart>();
  readonly #waiting = new Set<PendingStart>();
  /** Called when it need not wait any longer. */
  #proceed: () => void = () => undefined;
  /** What it waits to run; none once it does not any more. */
  requires: readonly Controller[] = [];
  #isCancelled = false;
  #hasBegun = false;
  #isOver = false;
  /** A circle of requirements in which it is, by names: it cannot be started. */
  circle: string | undefined;

  constructor(controller: Controller, request: Request) {
    this.controller = controller;
    this.request = request;
  }

  /** Whether a stop came meanwhile. */
  get cancelled(): boolean {
    return this.#isCancelled;
  }

  get waitsFor(): ReadonlySet<PendingStart> {
    return this.#waitsFor;
  }

  /** It comes after `other`. */
  waitFor(other: PendingStart): void {
    if (this.#hasBegun || other.#isOver || other === this) return;
    this.#waitsFor.add(other);
    other.#waiting.add(this);
  }

  /** It does not wait for `other` any longer. */
  release(other: PendingStart): void {
    if (!this.#waitsFor.delete(other)) return;
    other.#waiting.delete(this);
    if (this.#waitsFor.size === 0) this.#proceed();
  }

  /** Resolves when it waits for no other start, or is cancelled. */
  async ordered(): Promise<void> {
    if (this.#waitsFor.size > 0) {
      await new Promise<void>((resolve) => {
        this.#proceed = resolve;
      });
    }
  }

  /** It has begun, or never will: nobody has it wait any more. */
  begin(): void {
    this.#hasBegun = true;
    this.requires = [];
    for (const other of [...this.#waitsFor]) this.release(other);
  }

  /** Nobody waits for it any more, and it for nobody. */
  end(): void {
    this.#isOver = true;
    this.begin();
    for (const other of [...this.#waiting]) other.release(this);
  }

  cancel(): void {
    this.#isCancelled = true;
    this.end();
  }
}
