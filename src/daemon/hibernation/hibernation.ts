// The daemon that goes away while there is nothing to do: it leaves a note and exits, and the keeper starts another one for the
// next event, or connection. That one takes over what it finds, as after a death.

import type { Parting } from "../keeper/types.js";
import { monotonic } from "../monotonic.js";
import { asleepRequests } from "./note.js";

export interface HibernationParts {
  readonly keeper: Parting;
  /** For how many ms nothing must have happened. */
  readonly after: number;
  /** Why not, if something is under way, or lives, inside of this process. */
  whyAwake(): string | undefined;
  /** Resolves when all that was logged is with the log writer, or after `limit` ms. */
  flushed(limit: number): Promise<void>;
  log(line: string): void;
  /** Ends this process without another turn of its event loop. */
  exit(): void;
}

/** The longest, in ms, between two looks while nothing but the reason not to may have changed. */
const longest = 3_600_000;
/** For so long, in ms, the last lines may take on their way. */
const patience = 1000;

export class Hibernation {
  readonly #parts: HibernationParts;
  #why: string | undefined;
  #seen = -1;
  #rest: number;

  constructor(parts: HibernationParts) {
    this.#parts = parts;
    this.#rest = parts.after;
  }

  /** Why it stayed awake when it was looked last. */
  get why(): string | undefined {
    return this.#why;
  }

  /** From now on. Nothing but this timer ticks: what has happened shows in what was said to the keeper, or by it. */
  begin(): void {
    const { keeper, after } = this.#parts;
    if (keeper.traffic !== this.#seen) {
      this.#seen = keeper.traffic;
      this.#rest = Math.max(1, keeper.quietSince + after - monotonic());
    }
    setTimeout(() => {
      this.#look().catch((error: unknown) => this.#parts.log(`cannot hibernate: ${String(error)}`));
    }, this.#rest).unref();
  }

  async #look(): Promise<void> {
    const { keeper, after, log, flushed } = this.#parts;
    if (keeper.traffic === this.#seen) {
      if (this.#isReady()) {
        log("Nothing to do: asleep until something happens.");
        await flushed(patience);
        if (keeper.traffic === this.#seen && this.#isReady() && this.#leave()) return;
      }
      this.#rest = Math.min(longest, Math.max(after, 2 * this.#rest));
    }
    this.begin();
  }

  /** In one turn with the last look: who connects from here on waits for the next daemon. */
  #leave(): boolean {
    const { keeper, exit } = this.#parts;
    if (!keeper.sendLast(asleepRequests)) return false;
    exit();
    return true;
  }

  #isReady(): boolean {
    const { keeper, whyAwake, log } = this.#parts;
    const why = keeper.isQuiet ? whyAwake() : "the keeper is asked for something";
    if (why !== undefined && why !== this.#why) log(`Does not hibernate: ${why}.`);
    this.#why = why;
    return why === undefined;
  }
}
