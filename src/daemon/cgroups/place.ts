// Where our cgroups can be: the directory of the keeper's own cgroup, on a cgroup2 that is mounted here, where it is ours.

import { access, constants, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { errorText } from "../error-text.js";
import { processStat } from "../survivors.js";
import { listedProcesses } from "./tree.js";

/** Why there are no cgroups; the message is for `herd status root`. */
export class NoCgroups extends Error {
  override readonly name = "NoCgroups";
}

export interface Mount {
  /** Which part of the hierarchy is mounted, as seen from our cgroup namespace. */
  readonly root: string;
  readonly point: string;
}

/** The mounts of cgroup2, from /proc/PID/mountinfo; a hybrid hierarchy has it beside those of version 1. */
export function cgroupMounts(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ", 2);
    const [, , , root, point] = before.split(" ");
    if (!after.startsWith("cgroup2 ") || root === undefined || point === undefined) return [];
    return [{ root: unescaped(root), point: unescaped(point) }];
  });
}

/** Blanks and backslashes are written in octal. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}

/** The path of a process's cgroup, from /proc/PID/cgroup; undefined where the kernel has no cgroup2. */
export function cgroupPath(text: string): string | undefined {
  return /^0::(\/.*)$/m.exec(text)?.[1];
}

/** The directories in which a cgroup may be found. */
export function directoriesOf(path: string, mounts: readonly Mount[]): string[] {
  // A cgroup above the root of our namespace, or one that was removed, is none that we could use.
  if (path.startsWith("/..") || path.endsWith(" (deleted)")) return [];
  return mounts.flatMap(({ root, point }) => {
    if (root === "/") return [resolve(join(point, path))];
    return path === root || path.startsWith(`${root}/`)
      ? [resolve(join(point, path.slice(root.length)))]
      : [];
  });
}

/** Where, below the directory of our cgroup, keeper, daemon, log writer and compiler are. */
export const leafName = "shepherd";

/** The keeper, as far as it matters here. */
export interface Occupant {
  readonly pid: number;
  /** Whether it is PID 1. */
  readonly init: boolean;
  /** Whether that is in the initial PID namespace: the whole machine is its own. */
  readonly initial: boolean;
}

/**
 * The directory of the keeper's cgroup, which nobody else uses and we may divide: that of a machine whose PID 1 the
 * keeper is, a container's, a unit's, or one that was delegated to a user. Throws NoCgroups.
 */
export async function findPlace(keeper: Occupant): Promise<string> {
  const [text, mountinfo] = await Promise.all([
    read(`/proc/${keeper.pid}/cgroup`),
    read("/proc/self/mountinfo"),
  ]);
  const mounts = cgroupMounts(mountinfo);
  const path = cgroupPath(text);
  if (path === undefined || mounts.length === 0) throw new NoCgroups("no cgroup2 is mounted here");
  const candidates = directoriesOf(path, mounts);
  if (candidates.length === 0) throw new NoCgroups(`the cgroup ${path} is not in what is mounted here`);
  let reason = "";
  for (const directory of candidates) {
    const trouble = await whyNotOurs(directory, keeper);
    if (trouble === undefined) return directory;
    reason = trouble;
  }
  throw new NoCgroups(reason);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new NoCgroups(`read ${file}: ${errorText(error)}`);
  }
}

async function whyNotOurs(directory: string, { pid, init, initial }: Occupant): Promise<string | undefined> {
  try {
    await access(directory, constants.W_OK);
    await access(join(directory, "cgroup.procs"), constants.W_OK);
  } catch (error) {
    return `${directory} is not writable: ${errorText(error)}`;
  }
  if (init && initial) return undefined;
  // Another keeper that has divided it lives in the leaf.
  const members = await Promise.all([directory, join(directory, leafName)].map(listedProcesses));
  for (const member of members.flat()) {
    // 0 stands for a process of another PID namespace, which we cannot even name.
    if (member !== 0 && (await descendsFrom(member, pid))) continue;
    return `${directory} is shared with ${member === 0 ? "processes of another namespace" : `process ${member}`}`;
  }
  return undefined;
}

/** Deeper trees of processes than this are nobody's before anything was started. */
const generations = 32;

/** Whether a process is another's descendant or that one itself; one that has ended meanwhile is nobody's obstacle. */
async function descendsFrom(pid: number, ancestor: number): Promise<boolean> {
  let one = pid;
  for (let depth = 0; depth < generations; depth += 1) {
    if (one === ancestor) return true;
    if (one <= 1) return false;
    const stat = await processStat(one);
    if (stat === undefined) return one === pid;
    one = stat.parent;
  }
  return false;
}
