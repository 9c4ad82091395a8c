// Where what a daemon says of its work goes: the log of builds, and its own messages.

import { AsyncLocalStorage } from "node:async_hooks";
import { Writable } from "node:stream";
import { type Check, check, checkValue } from "../daemon/definition/check.js";
import type { Wait } from "./wire/decode.js";

/**
 * Takes the text as it comes, in pieces that need not be whole lines. A stream that has enough for now, and a promise
 * that a function gave, are waited for, and the daemon with them. A function that throws ends the request, and its
 * connection, with what it threw; text for a stream that has ended is dropped.
 */
export type BuildOutputPort = Writable | ((text: string) => void | Promise<void>);

export const buildOutputPort: Check<BuildOutputPort> = check<BuildOutputPort>(
  "a Writable, or a function that takes a string",
  (value) => value instanceof Writable || typeof value === "function",
);

let common: BuildOutputPort | undefined;
const chosen = new AsyncLocalStorage<BuildOutputPort>();

const subject = { what: "currentBuildOutputPort" };

/**
 * The port that requests write to whose connection has none of its own: as in Guile, a parameter.
 *
 * - `currentBuildOutputPort()` gives it: standard error, unless another was set.
 * - `currentBuildOutputPort.set(port)` sets it for the whole program; undefined sets standard error.
 * - `currentBuildOutputPort.with(port, body)` calls `body`, with `port` for all requests that it makes, also those that it
 *   makes after it waited for something; gives what `body` gives.
 */
export const currentBuildOutputPort = Object.assign((): BuildOutputPort => chosenPort() ?? process.stderr, {
  set(port: BuildOutputPort | undefined): void {
    common = port === undefined ? undefined : checkValue(subject, port, buildOutputPort);
  },
  with<T>(port: BuildOutputPort, body: () => T): T {
    return chosen.run(checkValue(subject, port, buildOutputPort), body);
  },
});

/** The port that was set, if one was: standard error is not looked for until there is something to write. */
export function chosenPort(): BuildOutputPort | undefined {
  return chosen.getStore() ?? common;
}

/** Writes to a port, by default to standard error; gives what has to be waited for before more is written. */
export function emit(port: BuildOutputPort | undefined, text: string): Wait {
  if (text === "") return undefined;
  if (port === undefined) return writeTo(process.stderr, text);
  if (typeof port === "function") return port(text) ?? undefined;
  return writeTo(port, text);
}

/** Writes to a stream, if it takes any more; gives a promise where it has enough for now. */
export function writeTo(stream: Writable, data: string | Uint8Array): Wait {
  if (!stream.writable) return undefined;
  return stream.write(data) ? undefined : untilDrained(stream);
}

/** One for each stream, however many wait for it. */
const draining = new WeakMap<Writable, Promise<void>>();

function untilDrained(stream: Writable): Promise<void> {
  const before = draining.get(stream);
  if (before !== undefined) return before;
  const drained = new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      draining.delete(stream);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
  draining.set(stream, drained);
  return drained;
}
