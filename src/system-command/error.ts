// Why a command cannot do what it was asked for.

import { ConfigurationError } from "../daemon/configuration/error.js";
import { errorStack } from "../daemon/error-text.js";
import { PlaceError } from "../services/activation/directory.js";

export { reasonOf } from "../daemon/configuration/error.js";

/** The message is complete, and for the user. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** What an error says to the user; a bug with its place in the program. */
export function reason(error: unknown): string {
  const isForUsers =
    error instanceof CommandError ||
    error instanceof ConfigurationError ||
    error instanceof PlaceError ||
    // The compiler's class is loaded only when something is compiled.
    (error instanceof Error && ("errno" in error || error.name === "BundleError"));
  return isForUsers ? error.message : errorStack(error);
}
