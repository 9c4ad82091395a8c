// Actions that send a signal to a service's process.

import type { RunningValue } from "../daemon/definition/types.js";

/**
 * Sends a signal to the main process of a service; for actions. Gives whether there was one, and tells the client where
 * there was not.
 *
 * @param running the running value that the action was called with
 */
export function signalMainProcess(
  name: string,
  running: RunningValue | false,
  signal: NodeJS.Signals,
): boolean {
  const pid = typeof running === "object" && running !== null && "pid" in running ? running.pid : undefined;
  // 0 and below stand for groups of processes, and 1 is the keeper.
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 1) {
    console.log(`${name} is not running.`);
    return false;
  }
  process.kill(pid, signal);
  return true;
}
