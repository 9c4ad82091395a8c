// The lock on the databases of accounts.
//
// There are two conventions. useradd, usermod, passwd and all of the shadow suite make a link `/etc/NAME.lock` for each
// database to a file that holds their pid; who finds one of a living process waits. That one we take part in fully: link(2)
// succeeds for one only. lckpwdf(3), which systemd-sysusers and PAM's password module use, is a record lock (fcntl) on
// /etc/.pwd.lock, which Node cannot take. Against those we are protected only in part: we wait until /proc/locks shows no
// lock on that file, and whoever replaces a database while we plan makes us plan anew (see `update.ts`). What is left is the
// moment between our last look and the rename; neither of the two runs while a container boots.

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Directory, explained, PlaceError } from "../activation/directory.js";
import { databaseNames } from "./databases.js";

/** Seconds until we give up; shadow's own programs do so after 15. */
const patience = 15;
const pause = 0.1;

export interface LockOptions {
  /** Seconds; default 15. */
  readonly patience?: number | undefined;
}

/**
 * Calls `use` while nobody else changes the databases in `etc`.
 *
 * @throws PlaceError that names the process that holds a lock for too long
 */
export async function withAccountsLocked<T>(
  etc: Directory,
  { patience: seconds = patience }: LockOptions,
  use: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  const taken: string[] = [];
  try {
    for (const name of databaseNames) taken.push(await take(etc, name, deadline));
    await waitForRecordLock(etc, deadline);
    return await use();
  } finally {
    // In the other order, as shadow's programs do.
    for (const lock of taken.reverse()) await etc.unlink(lock).catch(() => undefined); // Somebody has taken it for stale.
  }
}

async function take(etc: Directory, database: string, deadline: number): Promise<string> {
  const own = `${database}.${process.pid}`;
  const lock = `${database}.lock`;
  await writePid(etc, own);
  try {
    for (;;) {
      if (await etc.linkFile(own, lock)) return lock;
      const holder = await holderOf(etc, lock);
      // Not ours: in a container, whoever had our pid before a kill may have left it.
      if (holder !== undefined && (holder === process.pid || !isAlive(holder))) {
        await unlinkIfThere(etc, lock);
        continue;
      }
      if (performance.now() >= deadline)
        throw new PlaceError(
          etc.pathOf(lock),
          holder === undefined ? "it is there, and no lock" : `held by process ${holder}`,
          "EAGAIN",
        );
      await sleep(pause * 1000);
    }
  } finally {
    await unlinkIfThere(etc, own);
  }
}

async function writePid(etc: Directory, name: string): Promise<void> {
  // Left by a process that had our pid.
  await unlinkIfThere(etc, name);
  const handle = await etc.createFile(name);
  try {
    // With the NUL that shadow's programs write.
    await explained(etc.pathOf(name), handle.writeFile(`${process.pid}\0`));
  } finally {
    await handle.close();
  }
}

async function unlinkIfThere(etc: Directory, name: string): Promise<void> {
  try {
    await etc.unlink(name);
  } catch (error) {
    if (!(error instanceof PlaceError) || error.code !== "ENOENT") throw error;
  }
}

/** The pid in a lock; undefined where it is gone by now, or no file. One that says nothing is held by nobody. */
async function holderOf(etc: Directory, lock: string): Promise<number | undefined> {
  const handle = await etc.openFile(lock);
  if (handle === undefined) return undefined;
  try {
    const text = (await explained(etc.pathOf(lock), handle.readFile("utf8"))).replaceAll("\0", "").trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  } finally {
    await handle.close();
  }
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Waits while somebody holds the lock of lckpwdf(3). */
async function waitForRecordLock(etc: Directory, deadline: number): Promise<void> {
  const file = ".pwd.lock";
  for (;;) {
    const status = await etc.status(file);
    const holder = status === undefined ? undefined : lockHolder(await readLocks(), status.ino);
    if (holder === undefined) return;
    if (performance.now() >= deadline)
      throw new PlaceError(etc.pathOf(file), `held by process ${holder}`, "EAGAIN");
    await sleep(pause * 1000);
  }
}

/** Where there is no such file, locks cannot be seen. */
async function readLocks(): Promise<string> {
  try {
    return await readFile("/proc/locks", "utf8");
  } catch {
    return "";
  }
}

/** The pid that has a lock for writing on the file, by the text of /proc/locks; undefined where nobody has. */
export function lockHolder(locks: string, inode: bigint): string | undefined {
  // 1: POSIX  ADVISORY  WRITE 1234 fd:01:5678 0 EOF
  for (const line of locks.split("\n")) {
    const [, kind = "", , access, pid, place = ""] = line.trim().split(/\s+/);
    if (/^(?:POSIX|OFDLCK)$/.test(kind) && access === "WRITE" && place.endsWith(`:${inode}`)) return pid;
  }
  return undefined;
}
