// Running values: what a start function may give, which must fit into the service's note, and which of them are processes.

import { StartFailure } from "../constructors/host.js";
import type { ProcessReference, RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";

/** A quarter of what a note holds: the rest of the state is in it too. */
const largest = 64 * 1024;

/** The running value as the next daemon would read it; throws StartFailure where nothing of it can be written. */
export function durable(value: unknown): RunningValue {
  if (value === undefined || value === null) return true;
  const text = json(value);
  if (text === undefined) throw new StartFailure(`the running value is a ${typeof value}, which is not JSON`);
  if (Buffer.byteLength(text) > largest)
    throw new StartFailure(`the running value takes more than ${largest} bytes as JSON`);
  return JSON.parse(text) as RunningValue;
}

function json(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch (error) {
    throw new StartFailure(`the running value is not JSON: ${errorText(error)}`);
  }
}

/** Whether a service with this value is one process. */
export function isProcess(value: RunningValue | undefined): value is ProcessReference {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    "type" in value &&
    value.type === "process"
  );
}
