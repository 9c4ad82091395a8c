// Every call into the user's code goes through here: the keeper is told beforehand what is about to run, so that it
// can name the culprit when the daemon no longer answers, and constructors called inside it find their context.

import { AsyncLocalStorage } from "node:async_hooks";
import type { StartContext } from "./constructors/host.js";
import type { Outbox } from "./outbox.js";

/** The note which the keeper quotes when it kills a silent daemon. */
export const culpritNote = "culprit";

/** Longer labels, such as a whole program that is evaluated, do not fit into the note. */
const longestLabel = 200;

const context = new AsyncLocalStorage<StartContext>();
const running = new Map<number, string>();
let sequence = 0;
let outbox: Outbox | undefined;
let writeLog: (() => void) | undefined;

/** Names the outbox through which the keeper is told, and what writes lines of the log that wait: the code may never return. */
export function tellCulpritThrough(target: Outbox, flushLog?: () => void): void {
  outbox = target;
  writeLog = flushLog;
}

/**
 * Runs user code named by `label`, such as `start of service web`; it is called only once the keeper knows its name.
 * @param start the start that the code is part of: constructors called inside it belong to that start
 */
export async function runAsUserCode<T>(
  label: string,
  start: StartContext | undefined,
  body: () => T | Promise<T>,
): Promise<T> {
  sequence += 1;
  const key = sequence;
  running.set(key, label.slice(0, longestLabel));
  try {
    await note();
    writeLog?.();
    return await (start === undefined ? body() : context.run(start, body));
  } finally {
    running.delete(key);
    note().catch(() => undefined);
  }
}

/** What of the user's code runs, if anything does. */
export function runningUserCode(): string | undefined {
  const [label] = running.values();
  return label;
}

/** The start that the caller is part of. */
export function currentStart(): StartContext | undefined {
  return context.getStore();
}

async function note(): Promise<void> {
  const text = [...running.values()].slice(-20).join(", ");
  await outbox?.post({ op: "put-note", key: culpritNote, value: Buffer.from(text) });
}
