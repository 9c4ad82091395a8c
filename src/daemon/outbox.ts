// Gathers the requests of one turn of the event loop into one frame, or into several where they are many, so that a state
// change and what it is about reach the keeper as one step: it applies a frame without interleaving.

import { describeErrno } from "./keeper/errno.js";
import type { Keeper, Name, Request, Result } from "./keeper/types.js";
import { afterReactions } from "./turn.js";

/** Half of the keeper's frame limit: the estimate below is not exact. */
const frameBudget = 512 * 1024;
/** How many steps are looked at for notes that a later one replaces. */
const stepsAtOnce = 128;

/** A note whose value is made when it leaves: one that another one of its key follows in the same frame never is. */
export interface LateNote {
  readonly op: "put-note";
  readonly key: Name;
  readonly late: () => Uint8Array;
}

export type Posted = Request | LateNote;

interface Entry {
  readonly requests: readonly Posted[];
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

  /** Queues requests that must not be separated; they leave, in order, when no promise reaction of this turn is left. */
  post(...requests: Posted[]): Promise<readonly Result[]> {
    return new Promise((resolve, reject) => {
      if (this.#steps.length === 0) afterReactions(() => this.flush());
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
  tell(onFailure: (message: string) => void, ...requests: Posted[]): void {
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
    for (let from = 0; from < steps.length; from += stepsAtOnce)
      this.#sendSteps(steps.slice(from, from + stepsAtOnce));
  }

  /** In one frame, where they fit into one. */
  #sendSteps(steps: readonly Entry[][]): void {
    const all = steps.flat();
    const posted = all.flatMap(({ requests }) => requests);
    const replaced = replacedNotes(posted);
    const requests = posted.filter((one) => !replaced.has(one)).map(made);
    if (requests.reduce((sum, one) => sum + estimate(one), 0) <= frameBudget) {
      this.#send(all, requests, replaced);
      return;
    }
    let batch: Entry[] = [];
    let size = 0;
    for (const step of steps) {
      const weight = step
        .flatMap((entry) => entry.requests.map(made))
        .reduce((sum, one) => sum + estimate(one), 0);
      if (batch.length > 0 && size + weight > frameBudget) {
        this.#sendAll(batch);
        batch = [];
        size = 0;
      }
      batch.push(...step);
      size += weight;
    }
    if (batch.length > 0) this.#sendAll(batch);
  }

  #sendAll(batch: readonly Entry[]): void {
    this.#send(
      batch,
      batch.flatMap((entry) => entry.requests.map(made)),
      new Set(),
    );
  }

  /** @param left those that are not sent, since what follows them in the same frame undoes them */
  #send(batch: readonly Entry[], requests: readonly Request[], left: ReadonlySet<Posted>): void {
    this.#keeper.send(requests).then(
      (results) => {
        let next = 0;
        const resultOf = (request: Posted): Result => {
          if (left.has(request)) return success;
          next += 1;
          return results[next - 1] ?? success;
        };
        for (const entry of batch) entry.resolve(entry.requests.map(resultOf));
      },
      (error: unknown) => {
        for (const entry of batch) entry.reject(error);
      },
    );
  }
}

const success: Result = { errno: 0, text: "" };

function made(request: Posted): Request {
  return "late" in request ? { op: "put-note", key: request.key, value: request.late() } : request;
}

/** The late notes that another one of the same key follows: of a frame, which is one step, only the last can be seen. */
function replacedNotes(posted: readonly Posted[]): ReadonlySet<Posted> {
  const last = new Map<Name, Posted>();
  const replaced = new Set<Posted>();
  for (const one of posted) {
    if (!("late" in one)) continue;
    const before = last.get(one.key);
    if (before !== undefined) replaced.add(before);
    last.set(one.key, one);
  }
  return replaced;
}

/** Roughly how many bytes a request takes: only the variable parts of the large ones matter. */
function estimate(request: Request): number {
  switch (request.op) {
    case "spawn":
    case "stand-by": {
      const { arguments: words, environment = [] } = request.spec;
      const messages = request.op === "spawn" ? [] : (request.messages ?? []);
      const told = messages.reduce((sum, { length }) => sum + 8 + length, 0);
      return 512 + sumOfLengths(words) + sumOfLengths(environment) + told;
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
