// Gives memory back when a burst of work is over. V8 collects what is garbage only when there is need, and keeps what it once
// had; so a daemon that has started a thousand services would hold on for ever to what that took.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Parting } from "./keeper/types.js";
import { monotonic } from "./monotonic.js";

/** So many frames to or from the keeper are a burst. */
const burst = 200;
/**
 * For so long, in ms, nothing must have happened: once for what is garbage, and once more after V8 has collected by itself,
 * 8 s later, and given its young generation back, since little was allocated lately. To collect then, too, would only
 * put that off.
 */
const rests = [2000, 12_000] as const;

/** Gives memory back; after a collection, if it `collects`. */
type Reclaim = (collects: boolean) => void;

/** What is done besides. */
export interface Occasions {
  /** Once, before anything is collected. */
  onFirstRest?(): void;
  /** Each time that nothing is left to be given back. */
  onLastRest?(): void;
}

export class IdleHeap {
  readonly #keeper: Pick<Parting, "traffic" | "quietSince">;
  readonly #reclaim: Reclaim;
  readonly #occasions: Occasions;
  #hasRested = false;
  /** Up to where what has come and gone is dealt with. */
  #settled = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param how The module that gives back what is outside of V8's heap, or what does it all.
   */
  constructor(
    keeper: Pick<Parting, "traffic" | "quietSince">,
    how: string | Reclaim,
    occasions: Occasions = {},
  ) {
    this.#keeper = keeper;
    this.#occasions = occasions;
    this.#reclaim = typeof how === "string" ? reclaimer(how) : how;
  }

  /** After the start, which is a burst at all times. */
  begin(): void {
    this.#wait(0);
  }

  /** Something has happened; costs nothing unless it was much. No timer is left behind when it is over. */
  stir(): void {
    if (this.#timer === undefined && this.#keeper.traffic - this.#settled >= burst) this.#wait(0);
  }

  #wait(stage: number): void {
    const rest = rests[stage];
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (rest === undefined) return;
    const left = Math.max(1, this.#keeper.quietSince + rest - monotonic());
    this.#timer = setTimeout(() => this.#look(stage, rest), left);
    this.#timer.unref();
  }

  #look(stage: number, rest: number): void {
    const { traffic, quietSince } = this.#keeper;
    const isQuiet = monotonic() - quietSince >= rest;
    // What little has happened since the first time changes nothing.
    if (!isQuiet && (stage === 0 || traffic - this.#settled >= burst)) {
      this.#wait(0);
      return;
    }
    this.#settled = traffic;
    if (!this.#hasRested) this.#occasions.onFirstRest?.();
    this.#hasRested = true;
    this.#reclaim(stage === 0);
    if (stage + 1 === rests.length) this.#occasions.onLastRest?.();
    this.#wait(stage + 1);
  }
}

/** What V8 has for tests of its own is a full collection; after that the C library and the kernel get back what is free or clean. */
function reclaimer(module: string): Reclaim {
  let gc: (() => void) | undefined;
  let trim: (() => void) | undefined;
  return (collects) => {
    if (collects) {
      setFlagsFromString("--expose-gc");
      gc ??= runInNewContext("gc") as () => void;
      // Else V8 may put its own collection off for another 8 s.
      setFlagsFromString("--optimize-for-size");
      gc();
    } else setFlagsFromString("--no-optimize-for-size");
    trim ??= trimmer(module);
    trim();
  };
}

/** What native/trim has to offer. Where it is not there, or cannot be loaded, that memory is kept. */
export function trimmer(module: string): () => void {
  const loaded: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(loaded, module);
  } catch {
    return () => undefined;
  }
  const { exports } = loaded;
  return typeof exports === "function" ? () => void exports() : () => undefined;
}
