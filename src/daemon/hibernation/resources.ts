// What keeps this process's event loop going: whatever user code has begun inside of it and not ended shows here.

import { Socket } from "node:net";

/** Ours are among these: the keeper's channel, the sockets on which clients are accepted, and our outputs. */
const pipe = "PipeWrap";

/**
 * Why this process cannot just exit; undefined if nothing is open but `own` pipes.
 * @param active what `process.getActiveResourcesInfo` gives
 */
export function whyBusy(active: readonly string[], own: number): string | undefined {
  const others = active.filter((one) => one !== pipe);
  if (others.length > 0)
    return `something is under way inside of the supervisor (${[...new Set(others)].sort().join(", ")})`;
  return active.length > own ? "a client is connected, or another socket is open" : undefined;
}

/** How many pipes are open of ourselves; asking for an output opens it. */
export function ownPipes(listening: number): number {
  const outputs = [process.stdout, process.stderr].filter((output) => output instanceof Socket);
  return 1 + listening + outputs.length;
}
