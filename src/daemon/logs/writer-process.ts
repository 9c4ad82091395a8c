// The log writer as a child of the keeper: its descriptors, which outlive it, and its next life when it ends.

import { errorText } from "../error-text.js";
import { describeErrno } from "../keeper/errno.js";
import type { Keeper, KeeperEvent, Request, Result } from "../keeper/types.js";

export const control = "log/control";
const orders = "log/orders";
const commit = "log/commit";
const transfer = "log/transfer";
const id = "log-writer/0";

const EEXIST = 17;
/** Milliseconds: a writer that lived this long is started again at once, others after a growing delay. */
const stable = 1_000;
const firstDelay = 10;
const longestDelay = 500;
/** One that was told to end: most likely so was everything, and a new one would only be in the way. */
const delayAfterTerm = 1_000;

export interface WriterListener {
  /** A writer runs; `fresh` if this daemon started it. */
  running(pid: number, fresh: boolean): void;
  ended(): void;
  trouble(message: string): void;
}

export class WriterProcess {
  readonly #keeper: Keeper;
  readonly #program: string;
  readonly #listener: WriterListener;
  #startedAt = 0;
  #delay = 0;

  constructor(keeper: Keeper, program: string, listener: WriterListener) {
    this.#keeper = keeper;
    this.#program = program;
    this.#listener = listener;
  }

  /** Takes over the writer that an earlier daemon started, or starts one; rejects if that fails, and tries on. */
  async start(): Promise<void> {
    const found = this.#keeper.inventory.children.find((child) => child.id === id);
    if (found === undefined) {
      try {
        await this.#spawn([]);
      } catch (error) {
        this.#later();
        throw error;
      }
    } else if (found.state !== "ended") this.#listener.running(found.pid, false);
    // One that has ended is still to be reported, and gets its successor then.
  }

  /** True if the event was about the writer's life; it is acknowledged then. */
  handleEvent(event: KeeperEvent): boolean {
    if (event.type === "child-started" && event.id === id) {
      this.#send([{ op: "acknowledge", event: event.event }]);
      return true;
    }
    if (event.type !== "child-ended" || event.id !== id) return false;
    const { failure, status } = event;
    this.#listener.ended();
    this.#listener.trouble(
      failure === undefined
        ? `The log writer ended ${howOf(status)}; it is started again.`
        : `start log writer: ${failure.stage} ${failure.text}: ${describeErrno(failure.errno)}`,
    );
    this.#startAgain({ op: "acknowledge", event: event.event }, status === 0);
    return true;
  }

  #startAgain(acknowledge: Request, wanted: boolean): void {
    if (!wanted && Date.now() - this.#startedAt >= stable) {
      this.#delay = 0;
      this.#spawnOrLater([acknowledge]);
      return;
    }
    this.#send([acknowledge]);
    this.#later(wanted ? delayAfterTerm : 0);
  }

  #send(requests: readonly Request[]): void {
    this.#keeper.send(requests).catch((error: unknown) => this.#listener.trouble(String(error)));
  }

  #later(atLeast = 0): void {
    this.#delay = Math.min(longestDelay, Math.max(firstDelay, 2 * this.#delay));
    setTimeout(() => this.#spawnOrLater([]), Math.max(atLeast, this.#delay)).unref();
  }

  #spawnOrLater(before: readonly Request[]): void {
    this.#spawn(before).catch((error: unknown) => {
      this.#listener.trouble(errorText(error));
      this.#later();
    });
  }

  /** One frame: there is no instant at which a part of this exists without the rest. */
  async #spawn(before: readonly Request[]): Promise<void> {
    this.#startedAt = Date.now();
    const zone = process.env.TZ;
    const requests: readonly Request[] = [
      ...before,
      // Each writer has a conversation of its own; what the last one left unread is told to this one anew.
      { op: "close", name: control },
      { op: "close", name: orders },
      { op: "socket-pair", name: control, peer: orders, type: "seqpacket" },
      { op: "memory-file", name: commit, size: 4096 },
      { op: "pipe", name: transfer },
      {
        op: "spawn",
        id,
        spec: {
          program: this.#program,
          arguments: ["logwriter"],
          environment: zone === undefined ? [] : [`TZ=${zone}`],
          descriptors: [
            { target: 1, source: { own: 1 } },
            { target: 2, source: { own: 2 } },
            { target: 3, source: { name: orders } },
            { target: 4, source: { name: commit } },
            { target: 5, source: { name: transfer } },
          ],
        },
      },
      { op: "watch", name: control, on: true },
    ];
    const results = await this.#keeper.send(requests);
    const resultOf = (op: Request["op"]): Result | undefined =>
      results[requests.findIndex((r) => r.op === op)];
    for (const op of ["socket-pair", "memory-file", "pipe", "spawn", "watch"] as const) {
      const { errno, text } = resultOf(op) ?? { errno: 0, text: "" };
      const outlived = errno === EEXIST && (op === "memory-file" || op === "pipe");
      if (errno !== 0 && !outlived) throw new Error(`start log writer: ${text}`);
    }
    this.#listener.running(resultOf("spawn")?.pid ?? 0, true);
  }
}

function howOf(status: number): string {
  const signal = status & 0x7f;
  return signal === 0 ? `with status ${status >> 8}` : `by signal ${signal}`;
}
