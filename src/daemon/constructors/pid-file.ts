// Waiting for a pid file to name a living process, and making that process the service's.

import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { constants as system } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { errorText } from "../error-text.js";
import { describeErrno } from "../keeper/errno.js";
import type { Child, Processes } from "../processes.js";
import { processStat } from "../survivors.js";
import { mainOf, StartFailure } from "./host.js";

/** How often the file is looked at, in ms: a start must not wait for the next second. */
const interval = 10;
/** No pid file is longer than this. */
const maxLength = 4096;

/** Removes a stale pid file, which would name a process of an earlier run. */
export async function removePidFile(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (error) {
    throw new StartFailure(`remove stale pid file ${file}: ${errorText(error)}`);
  }
}

export interface PidFileWait {
  readonly file: string;
  /** Seconds. */
  readonly timeout: number;
  /** The process that was spawned: the main process itself, or the one that leaves it behind. */
  readonly launcher: Child;
  /** That of the service, where it has one. */
  readonly cgroup: string | undefined;
  readonly signal: AbortSignal;
  /** How a process is made ours; default: under the usual name, and nothing is noted of it. */
  readonly adopt?: (pid: number, start: number) => Promise<Child | number>;
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
      const main = await adopt(processes, wait, pid);
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

async function adopt(
  processes: Processes,
  { file, launcher, cgroup, adopt: adoptAs }: PidFileWait,
  pid: number,
): Promise<Child | undefined> {
  const stat = await processStat(pid);
  if (stat === undefined) return undefined;
  // Whoever can write the file must not have us adopt, and one day kill, just any process.
  if (stat.start < launcher.start)
    throw new StartFailure(`PID file '${file}' names process ${pid}, which is older than the service`);
  const id = mainOf(launcher.id);
  // An earlier daemon may have come as far as this.
  const known = processes.get(id);
  if (known?.pid === pid && known.start === stat.start) return known;
  const adopted = await (adoptAs === undefined
    ? processes.adopt(id, pid, stat.start, cgroup)
    : adoptAs(pid, stat.start));
  if (typeof adopted !== "number") return adopted;
  // ECHILD: its parent has not left it to the keeper yet. ESRCH: it is gone. Anything else will not mend itself.
  if (adopted === system.errno.ECHILD || adopted === system.errno.ESRCH) return undefined;
  throw new StartFailure(`adopt process ${pid}: ${describeErrno(adopted)}`);
}

/** Undefined where the file holds no pid, or is not there. @throws StartFailure */
export async function readPid(file: string): Promise<number | undefined> {
  let text: string;
  try {
    text = (await readStart(file)).trim();
  } catch (error) {
    if (holdsNothingYet(error)) return undefined;
    throw new StartFailure(`read pid file ${file}: ${errorText(error)}`);
  }
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const pid = Number(text);
  return pid > 1 ? pid : undefined;
}

/** The file is the service's to make: a pipe must not hold us up, nor an endless file fill our memory. */
async function readStart(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxLength), 0, maxLength, null);
    return buffer.toString("latin1", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function holdsNothingYet(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "EAGAIN");
}
