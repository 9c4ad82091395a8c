// Which numbers accounts get, as in Guix: the one that is declared, or the one they have, or the next that is free.
// Numbers of the system go down from 999, those of people up from 1000.

/** Of accounts of the system. */
export const systemIds = { least: 100, most: 999 } as const;
/** Of people; the last one is below `end`. */
export const ordinaryIds = { least: 1000, end: 60_000 } as const;

const isSystemId = (id: number): boolean => id >= systemIds.least && id <= systemIds.most;
const isOrdinaryId = (id: number): boolean => id >= ordinaryIds.least && id < ordinaryIds.end;

/** There is no number left. */
export class NoIdError extends Error {
  override readonly name = "NoIdError";
}

/** What a user or a group says of its number. */
export interface Wanted {
  readonly name: string;
  readonly id?: number | undefined;
  readonly system: boolean;
}

/**
 * The numbers of `wanted`, in the same order. No number of `previous` is given to anybody else, be its owner still declared
 * or not: files may belong to it.
 *
 * @param previous the numbers that names have
 * @throws NoIdError where all numbers of a kind are taken
 */
export function allocateIds(
  wanted: readonly Wanted[],
  previous: ReadonlyMap<string, number>,
): readonly number[] {
  const declared = wanted.flatMap(({ id }) => id ?? []);
  const allocation = new Allocation([...previous.values()], declared);
  return wanted.map(({ name, id, system }) => {
    if (id !== undefined) return allocation.skipPast(id);
    return previous.get(name) ?? allocation.next(name, system);
  });
}

/** Behind the last number comes the first: what was freed there is used again. */
const belowSystemId = (id: number): number => (id <= systemIds.least ? systemIds.most : id - 1);
const aboveOrdinaryId = (id: number): number => (id + 1 >= ordinaryIds.end ? ordinaryIds.least : id + 1);

class Allocation {
  readonly #taken: Set<number>;
  #nextSystem: number = systemIds.most;
  #nextOrdinary: number = ordinaryIds.least;

  constructor(previous: readonly number[], declared: readonly number[]) {
    this.#taken = new Set([...previous, ...declared]);
    // Above the highest that was in use, so that the number of somebody who has just gone is not the next one given.
    for (const id of previous) if (isOrdinaryId(id)) this.skipPast(id);
  }

  /** Goes on behind a number that was declared. */
  skipPast(id: number): number {
    if (isSystemId(id)) this.#nextSystem = Math.min(this.#nextSystem, belowSystemId(id));
    if (isOrdinaryId(id)) this.#nextOrdinary = Math.max(this.#nextOrdinary, aboveOrdinaryId(id));
    return id;
  }

  next(name: string, system: boolean): number {
    const { least, most } = systemIds;
    const count = system ? most - least + 1 : ordinaryIds.end - ordinaryIds.least;
    for (let tries = 0; tries < count; tries += 1) {
      const id = system ? this.#nextSystem : this.#nextOrdinary;
      if (system) this.#nextSystem = belowSystemId(id);
      else this.#nextOrdinary = aboveOrdinaryId(id);
      if (this.#taken.has(id)) continue;
      this.#taken.add(id);
      return id;
    }
    throw new NoIdError(
      `no number is free for '${name}', ${system ? "an account of the system" : "an ordinary account"}`,
    );
  }
}
