// The one error of loading a configuration, and why a file could not be used, in words.

import { getSystemErrorMap } from "node:util";

/** A configuration that cannot be loaded. The message is complete: it names the file, the place and the reason. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** The reason in an error of a system call, without the call and the path that Node adds; else the message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  const [, text] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return text ?? error.message;
}
