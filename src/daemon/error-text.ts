// What an exception says. User code may throw anything, even what cannot be turned into a string: whoever handles an
// exception must not throw by asking it for its text.

import { inspect, types } from "node:util";

/** Longer texts do not fit into a note or a message. */
const longest = 4096;

export function errorText(error: unknown): string {
  const text = textOf(error);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** With the stack, where there is one. */
export function errorStack(error: unknown): string {
  try {
    if (isError(error) && typeof error.stack === "string") return error.stack;
  } catch {
    // A getter that throws: the message is tried the same way.
  }
  return errorText(error);
}

/** What was thrown, as an error: itself where it is one. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function textOf(error: unknown): string {
  try {
    const message: unknown = isError(error) ? error.message : error;
    return typeof message === "string" ? message : inspect(message, { depth: 2 });
  } catch {
    return "an exception that cannot be printed";
  }
}

/** Also one of another context, such as `herd eval` has. */
function isError(error: unknown): error is Error {
  return error instanceof Error || types.isNativeError(error);
}
