// Gathers the requests of one turn of the event loop into one frame, or into several where they are many, so that a state
// change and what it is about reach the keeper as one step: it applies a frame without interleaving.

import { describeErrno } from "./keeper/errno.js";
import type { Keeper, Request, Result } from "./keeper/types.js";

/** Half of the keeper's frame limit: the estimate below is not exact. */
const frameBudget = 512 * 1024;

interface Entry {
  readonly requests: readonly Request[];
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (error: unknown) => void;
}

export class Outbox {
  readonly #keeper: Keeper;
  /** What is queued, by what must not be separated. */
  #steps: Entry[][] = [];
  /** The step to which everything belongs that is posted now. */
  #open: Entry[] | undefined;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
  }

  /** Queues requests that must not be separated; they leave, in order, at the end of this turn. */
  post(...requests: Request[]): Promise<readonly Result[]> {
    return new Promise((resolve, reject) => {
      if (this.#steps.length === 0) queueMicrotask(() => this.flush());
      const entry = { requests, resolve, reject };
      if (this.#open === undefined) this.#steps.push([entry]);
      else {
        if (this.#open.length === 0) this.#steps.push(this.#open);
        this.#open.push(entry);
      }
    });
  }

  /** Everything that `body` posts before it returns is one step, however much else is queued. */
  together<T>(body: () => T): T {
    if (this.#open !== undefined) return body();
    this.#open = [];
    try {
      return body();
    } finally {
      this.#open = undefined;
    }
  }

  /** Resolves when the keeper has carried out everything that was posted before: no crash can undo it then. */
  async settled(): Promise<void> {
    await this.post({ op: "configure" });
  }

  /** As `post`, for requests whose failure is handled nowhere else: it is reported. */
  tell(onFailure: (message: string) => void, ...requests: Request[]): void {
    this.post(...requests).then(
      (results) => {
        for (const result of results)
          if (result.errno !== 0) onFailure(`${result.text}: ${describeErrno(result.errno)}`);
      },
      (error: unknown) => onFailure(String(error)),
    );
  }

  /** Sends what is queued now. */
  flush(): void {
    const steps = this.#steps;
    this.#steps = [];
    let batch: Entry[] = [];
    let size = 0;
    for (const step of steps) {
      const weight = step.flatMap(({ requests }) => requests).reduce((sum, one) => sum + estimate(one), 0);
      if (batch.length > 0 && size + weight > frameBudget) {
        this.#send(batch);
        batch = [];
        size = 0;
      }
      batch.push(...step);
      size += weight;
    }
    if (batch.length > 0) this.#send(batch);
  }

  #send(batch: readonly Entry[]): void {
    this.#keeper.send(batch.flatMap((entry) => entry.requests)).then(
      (results) => {
        let from = 0;
        for (const entry of batch) {
          entry.resolve(results.slice(from, from + entry.requests.length));
          from += entry.requests.length;
        }
      },
      (error: unknown) => {
        for (const entry of batch) entry.reject(error);
      },
    );
  }
}

/** Roughly how many bytes a request takes: only the variable parts of the large ones matter. */
function estimate(request: Request): number {
  switch (request.op) {
    case "spawn": {
      const { arguments: words, environment = [] } = request.spec;
      return 512 + sumOfLengths(words) + sumOfLengths(environment);
    }
    case "put-note":
      return 64 + request.value.length + request.key.length;
    case "pass":
      return 64 + request.data.length;
    default:
      return 256;
  }
}

function sumOfLengths(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + 8 + 3 * text.length, 0);
}
