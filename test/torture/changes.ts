// What happened to one service between two snapshots, as its histories tell; they are newest first and have a cap.

import type { ServiceView } from "./snapshot.js";

interface Dated<S> {
  readonly status: S;
  readonly time: number;
}

export interface Changes {
  /** The states that it went through, oldest first, from the one it had before. */
  readonly path: readonly string[];
  /** Raw wait statuses, oldest first. */
  readonly exits: readonly number[];
  /** How many respawns were added; undefined if the history was begun anew. */
  readonly respawns: number | undefined;
  /** Whether it is another service of the same name, of which all is told. */
  readonly anew: boolean;
}

const nothing = { status: "stopped", changes: [], exitRecords: [], respawns: [] } as const;

/** Undefined where a history is no continuation of what it was. @param anew it may have been registered anew */
export function changesOf(
  before: ServiceView | undefined,
  after: ServiceView,
  anew: boolean,
): Changes | undefined {
  // One that was not there can have come, gone and come again.
  if (before === undefined && anew) return fromNothing(after);
  const from = before ?? nothing;
  const same = <S>(a: Dated<S>, b: Dated<S>): boolean => a.status === b.status && a.time === b.time;
  const changes = added(from.changes, after.changes, same);
  const exits = added(from.exitRecords, after.exitRecords, same);
  if (changes === undefined || exits === undefined) return anew ? fromNothing(after) : undefined;
  return {
    path: [from.status, ...changes.map(({ status }) => status).reverse()],
    exits: exits.map(({ status }) => status).reverse(),
    respawns: added(from.respawns, after.respawns, (a, b) => a === b)?.length,
    anew: false,
  };
}

function fromNothing({ changes, exits, respawns }: ServiceView): Changes {
  return {
    path: ["stopped", ...changes.map(({ status }) => status).reverse()],
    exits: [...exits].reverse(),
    respawns: respawns.length,
    anew: true,
  };
}

/** The shortest beginning of `now` after which it goes on as `old` does, be the end of that cut off by the cap. */
export function added<T>(
  old: readonly T[],
  now: readonly T[],
  same: (a: T, b: T) => boolean,
): readonly T[] | undefined {
  if (now.length < old.length) return undefined;
  for (let count = now.length - old.length; count < now.length || old.length === 0; count += 1) {
    const rest = now.slice(count);
    if (rest.every((item, index) => same(item, old[index] as T))) return now.slice(0, count);
  }
  return undefined;
}
