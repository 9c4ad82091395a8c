// The keeper's children that have no record of their own, such as orphans which a service has left behind. One look at
// them serves all who ask in the same turn: the stop of everything asks once, or twice, for each service.

import { setImmediate as nextTurn } from "node:timers/promises";
import { Families } from "./families.js";
import { allStats, childrenOf, marksOf, processStatNow, type Stat } from "./proc.js";

/** What there was at one instant. */
export interface Look {
  readonly processes: readonly Stat[];
  /** Whether these are the descendants of the keeper's children too, for want of a list of its children. */
  readonly all: boolean;
  /** The marks of one of them, which are read once. */
  marksOf(pid: number): Promise<readonly string[]>;
}

/** How many processes are looked at in one turn. */
const mostAtOnce = 64;

export class Strangers {
  /** The descendants of those that have one. */
  readonly families: Families;
  readonly #keeper: number;
  readonly #known: () => ReadonlySet<number>;
  #next: Promise<Look> | undefined;

  /**
   * @param keeper its pid; to it orphans are given
   * @param known the pids of its children that have a record, as far as they live
   */
  constructor(keeper: number, known: () => ReadonlySet<number>) {
    this.#keeper = keeper;
    this.#known = known;
    this.families = new Families(known);
  }

  /** Those that live when this is called, or come to be soon after. */
  look(): Promise<Look> {
    // Once for all that is stopped in a turn, and after their signals.
    this.#next ??= nextTurn().then(() => {
      this.#next = undefined;
      return this.#look();
    });
    return this.#next;
  }

  async #look(): Promise<Look> {
    const known = this.#known();
    const isStranger = (pid: number): boolean => !known.has(pid) && pid !== process.pid;
    const pids = childrenOf(this.#keeper)?.filter(isStranger);
    const processes =
      pids === undefined ? (await allStats()).filter(({ pid }) => isStranger(pid)) : await statsOf(pids);
    const marks = new Map<number, Promise<readonly string[]>>();
    return {
      processes,
      all: pids === undefined,
      marksOf(pid) {
        const read = marks.get(pid) ?? marksOf(pid);
        marks.set(pid, read);
        return read;
      },
    };
  }
}

async function statsOf(pids: readonly number[]): Promise<readonly Stat[]> {
  const stats: Stat[] = [];
  for (const [index, pid] of pids.entries()) {
    if (index > 0 && index % mostAtOnce === 0) await nextTurn();
    const stat = processStatNow(pid);
    if (stat !== undefined) stats.push(stat);
  }
  return stats;
}
