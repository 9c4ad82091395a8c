// Waiting for a pid file to name a living process, and making that process the service's.

import { readFile, rm } from "node:fs/promises";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Child, Processes } from "../processes.js";
import { processStat } from "../survivors.js";
import { StartFailure } from "./host.js";

/** How often the file is looked at, in ms: a start must not wait for the next second. */
const interval = 10;
/** No pid file is longer than this. */
const maxLength = 4096;

/** Removes a stale pid file, which would name a process of an earlier run. */
export async function removePidFile(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (error) {
    throw new StartFailure(`remove stale pid file ${file}: ${reason(error)}`);
  }
}

export interface PidFileWait {
  readonly file: string;
  /** Seconds. */
  readonly timeout: number;
  /** The process that was spawned: the main process itself, or the one that leaves it behind. */
  readonly launcher: Child;
  readonly signal: AbortSignal;
}

/**
 * Resolves with the child whose pid the file holds, adopted if it is not the launcher itself. A file that holds no
 * number yet, or names a process which is not there (yet), is looked at again until the time is up.
 */
export async function waitForPidFile(processes: Processes, wait: PidFileWait): Promise<Child> {
  const deadline = process.hrtime.bigint() + BigInt(Math.round(wait.timeout * 1e9));
  for (;;) {
    wait.signal.throwIfAborted();
    const pid = await readPid(wait.file);
    if (pid !== undefined) {
      if (pid === wait.launcher.pid && wait.launcher.end === undefined) return wait.launcher;
      const main = await adopt(processes, wait.launcher, pid);
      if (main !== undefined) return main;
    }
    const end = wait.launcher.end;
    if (end !== undefined && end.status !== 0)
      throw new StartFailure(`PID file '${wait.file}' did not show up`);
    if (process.hrtime.bigint() >= deadline)
      throw new StartFailure(`PID file '${wait.file}' did not show up`);
    await delay(interval);
  }
}

async function adopt(processes: Processes, launcher: Child, pid: number): Promise<Child | undefined> {
  const stat = await processStat(pid);
  if (stat === undefined) return undefined;
  const adopted = await processes.adopt(`${launcher.id}/main`, pid, stat.start);
  if (typeof adopted !== "number") return adopted;
  // ECHILD: its parent has not left it to the keeper yet. ESRCH: it is gone. Anything else will not mend itself.
  if (adopted === constants.errno.ECHILD || adopted === constants.errno.ESRCH) return undefined;
  throw new StartFailure(`adopt process ${pid}: errno ${adopted}`);
}

async function readPid(file: string): Promise<number | undefined> {
  let text: string;
  try {
    text = (await readFile(file, "latin1")).slice(0, maxLength).trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new StartFailure(`read pid file ${file}: ${reason(error)}`);
  }
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const pid = Number(text);
  return pid > 1 ? pid : undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
