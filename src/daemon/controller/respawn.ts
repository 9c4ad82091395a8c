// When a service may be respawned: the manual's respawn limit ("Defining Services"), as pure functions.

import type { RespawnLimit, ServiceDefinition } from "../definition/types.js";
import type { ServiceState } from "./state.js";

/**
 * Whether `limit.times` respawns have happened within the last `limit.seconds` already, so that one more would be
 * too many. `respawns` are their times in seconds, newest first.
 */
export function respawnLimitHit(
  respawns: readonly number[],
  limit: RespawnLimit | false,
  now: number,
): boolean {
  return respawnAllowedIn(respawns, limit, now) > 0;
}

/** In how many seconds one more respawn will not be too many; infinite: never. */
export function respawnAllowedIn(
  respawns: readonly number[],
  limit: RespawnLimit | false,
  now: number,
): number {
  if (limit === false) return 0;
  if (limit.times === 0) return Number.POSITIVE_INFINITY;
  const oldest = respawns[limit.times - 1];
  // One that lies in the future was before the clock was set back: it says nothing.
  return oldest === undefined || oldest > now ? 0 : Math.max(0, oldest + limit.seconds - now);
}

/** Whether a service that runs, should it end now, would be started again at once, with nobody to be asked, but for its limit. */
export function respawnsUnasked(definition: ServiceDefinition, state: ServiceState): boolean {
  return (
    definition.respawn &&
    definition.respawnDelay === 0 &&
    definition.terminationHandler === undefined &&
    !definition.transient &&
    state.status === "running" &&
    state.enabled &&
    state.wanted === undefined &&
    state.condition.condemned === undefined &&
    state.processes.length === 0 &&
    state.leaders.length === 0
  );
}
