// When a service may be respawned: the manual's respawn limit ("Defining Services"), as a pure function.

import type { RespawnLimit } from "../definition/types.js";

/**
 * Whether `limit.times` respawns have happened within the last `limit.seconds` already, so that one more would be
 * too many. `respawns` are their times in seconds, newest first.
 */
export function respawnLimitHit(
  respawns: readonly number[],
  limit: RespawnLimit | false,
  now: number,
): boolean {
  if (limit === false) return false;
  if (limit.times === 0) return true;
  const oldest = respawns[limit.times - 1];
  // One that lies in the future was before the clock was set back: it says nothing.
  return oldest !== undefined && oldest <= now && now - oldest < limit.seconds;
}
