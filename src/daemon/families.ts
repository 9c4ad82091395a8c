// Who descends from whom. Whoever ends many services asks in one turn for the children of each: then one look at all
// processes serves the rest of that turn, since a look at each is most of what such a stop takes.

import { readdirSync } from "node:fs";
import { childrenOf, processStatNow, type Stat } from "./proc.js";

/** What can be asked about processes that live. */
export interface Kinship {
  childrenOf(pid: number): readonly number[];
  statOf(pid: number): Stat | undefined;
}

/** As it is at the instant of each question. */
export const current: Kinship = {
  childrenOf: (pid) => childrenOf(pid) ?? [],
  statOf: processStatNow,
};

/** So many questions of a turn are answered one by one. */
const few = 4;
/** As many processes that have no record are looked at, all at once, at most. */
const mostUnknown = 512;

export class Families implements Kinship {
  readonly #known: () => ReadonlySet<number>;
  #asked = 0;
  #view: Kinship = current;

  /** @param known the pids of the keeper's children that have a record, which are nobody else's */
  constructor(known: () => ReadonlySet<number>) {
    this.#known = known;
  }

  /**
   * Whether one look at all processes serves those that ask in this turn: it is taken now, while the leaders live.
   *
   * @param leaders how many will be asked about
   */
  lookFor(leaders: number): boolean {
    if (leaders <= few) return false;
    if (this.#asked <= few) this.#count(few + 1);
    return this.#view !== current;
  }

  /** As of this turn of the event loop. */
  childrenOf(pid: number): readonly number[] {
    this.#count(this.#asked + 1);
    return this.#view.childrenOf(pid);
  }

  /** So many questions were asked in this turn. */
  #count(asked: number): void {
    if (this.#asked === 0)
      setImmediate(() => {
        this.#asked = 0;
        this.#view = current;
      });
    this.#asked = asked;
    if (asked === few + 1) this.#view = census(this.#known()) ?? current;
  }

  statOf(pid: number): Stat | undefined {
    return this.#view.statOf(pid);
  }
}

/** All processes without a record; undefined where they are so many that a look at each leader takes less. */
function census(known: ReadonlySet<number>): Kinship | undefined {
  let names: readonly string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return undefined;
  }
  const unknown = names.map(Number).filter((pid) => pid > 0 && !known.has(pid));
  if (unknown.length > Math.min(mostUnknown, 2 * known.size)) return undefined;
  const stats = new Map<number, Stat>();
  const children = new Map<number, number[]>();
  for (const pid of unknown) {
    const stat = processStatNow(pid);
    if (stat === undefined) continue;
    stats.set(pid, stat);
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [pid]);
    else siblings.push(pid);
  }
  return { childrenOf: (pid) => children.get(pid) ?? [], statOf: (pid) => stats.get(pid) };
}
