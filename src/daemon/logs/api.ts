// The public API's part about log files: rotateLogs and logFiles.

import { fail } from "../definition/check.js";
import { currentLoad, type LoggedTo, runtime } from "../definition/runtime.js";
import { checkPolicy, type RotationOptions } from "./rotation-policy.js";

/**
 * Rotates each log that has grown over the threshold, and the external files likewise; removes old files that have expired;
 * and compresses those that are not compressed yet. Resolves when all of that is done; one call at a time is served.
 *
 * A call that the supervisor's death has interrupted can just be repeated. Nothing is lost then, and nothing is doubled but
 * in an external file that was being cut.
 *
 * @throws DefinitionError where an option is not what it should be; an Error with all that could not be done, after
 * everything else was
 */
export async function rotateLogs(options: RotationOptions = {}): Promise<void> {
  const of = { what: "rotateLogs" };
  const policy = checkPolicy(of, options);
  if (currentLoad() !== undefined) fail(of, "the module's services are not in force yet");
  await runtime().rotateLogs(policy);
}

/** The log files of all services, and of `root`, which is the supervisor itself; services may share a file. */
export function logFiles(): readonly LoggedTo[] {
  return runtime().logFiles();
}
