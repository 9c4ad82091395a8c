// The times in the notes of a recorded boot become those of the boot that repeats it.

import type { ServiceState, Time } from "../controller/state.js";
import type { Name } from "../keeper/types.js";

/** Stands in a record for the time at which something will have happened. */
export const unknownTime: Time = 0;

/**
 * The state with times that are known.
 * @param started when the keeper was, in ns since the epoch
 * @param spawnedAt when a child was spawned, in ns since the epoch, where that is known
 */
export function withTimes(
  state: ServiceState,
  started: bigint,
  spawnedAt: (id: Name) => bigint | undefined,
): ServiceState {
  const isBegun = state.statusChanges.some(({ time }) => time === unknownTime);
  if (state.wantedSince !== unknownTime && !isBegun) return state;
  const spawned = state.processes.map(({ id }) => spawnedAt(id)).find((time) => time !== undefined);
  const begun = seconds(spawned ?? started);
  return {
    ...state,
    wantedSince: state.wantedSince === unknownTime ? seconds(started) : state.wantedSince,
    statusChanges: state.statusChanges.map((change) =>
      change.time === unknownTime ? { ...change, time: begun } : change,
    ),
  };
}

function seconds(nanoseconds: bigint): Time {
  return Number(nanoseconds) / 1e9;
}
