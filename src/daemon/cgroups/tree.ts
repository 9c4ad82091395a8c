// Operations on cgroups as the kernel offers them: directories, and control files that take one write each.

import { constants } from "node:fs";
import { mkdir, open, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";

/** How much of a control file is read: a fork bomb's list of processes has no bound of its own. */
const longestFile = 65_536;
/** How many cgroups a service may make below its own: more are left. */
const mostCgroups = 10_000;

/** The code of a failed system call, such as "EBUSY". */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A removed cgroup's files: gone by name, or still open. */
function isGone(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENODEV";
}

/** A control file's text; undefined where there is no such file, or no such cgroup any more. */
export async function readControl(directory: string, file: string): Promise<string | undefined> {
  try {
    const handle = await open(join(directory, file), constants.O_RDONLY);
    try {
      const buffer = Buffer.alloc(longestFile);
      let length = 0;
      for (let more = -1; more !== 0 && length < longestFile; length += more)
        more = (await handle.read(buffer, length, longestFile - length, null)).bytesRead;
      return buffer.toString("utf8", 0, length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** One write, which the kernel takes as one order; never makes a file. */
export async function writeControl(directory: string, file: string, text: string): Promise<void> {
  const handle = await open(join(directory, file), constants.O_WRONLY);
  try {
    await handle.write(text);
  } finally {
    await handle.close();
  }
}

/** Whether it was made; one that exists already is no failure. */
export async function makeCgroup(directory: string): Promise<boolean> {
  try {
    await mkdir(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** The cgroups right below one. */
export async function cgroupsIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** Removes a cgroup with those that were made below it; resolves with whether it is gone: else something lives there. */
export async function removeCgroup(directory: string): Promise<boolean> {
  const found = [directory];
  for (let index = 0; index < found.length && found.length < mostCgroups; index += 1) {
    const parent = found[index] ?? "";
    found.push(...(await cgroupsIn(parent)).map((name) => join(parent, name)));
  }
  for (const one of found.reverse()) {
    try {
      await rmdir(one);
    } catch (error) {
      const code = codeOf(error);
      if (code === "EBUSY" || code === "ENOTEMPTY") return false;
      if (!isGone(error)) throw error;
    }
  }
  return true;
}

/** Whether a process lives in it or below it; in one that is gone none does. */
export async function isPopulated(directory: string): Promise<boolean> {
  const events = await readControl(directory, "cgroup.events");
  return events !== undefined && /^populated 1$/m.test(events);
}

/** The processes right in a cgroup, as far as they fit; 0 for each that has no number in our PID namespace. */
export async function listedProcesses(directory: string): Promise<number[]> {
  const text = (await readControl(directory, "cgroup.procs")) ?? "";
  // The last line that is read may be half a number: another process's.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter(Boolean).map(Number);
}

/** Kills all that live in it and below it, at once; false where this kernel (before 5.14) has no cgroup.kill. */
export async function killCgroup(directory: string): Promise<boolean> {
  try {
    await writeControl(directory, "cgroup.kill", "1");
    return true;
  } catch (error) {
    if (!isGone(error)) throw error;
    return (await readControl(directory, "cgroup.procs")) === undefined;
  }
}
