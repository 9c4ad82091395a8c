// Wakes whoever waits for something to change, as often as it does.

export class Bell {
  #next = new Set<() => void>();

  ring(): void {
    const waiting = this.#next;
    this.#next = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves when it is rung after this call. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#next.add(resolve);
    });
  }
}
