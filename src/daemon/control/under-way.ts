// What is under way, so that its end can be waited for.

export class UnderWay {
  readonly #promises = new Set<Promise<void>>();

  get count(): number {
    return this.#promises.size;
  }

  /** @param promise one that is never rejected */
  add(promise: Promise<void>): void {
    const done = promise.finally(() => this.#promises.delete(done));
    this.#promises.add(done);
  }

  /** Resolves when all of it is over, or after `limit` ms. */
  async over(limit: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limit);
    });
    await Promise.race([Promise.allSettled(this.#promises), expired]);
    clearTimeout(timer);
  }
}
