// How much memory services use, from the kernel: the daemon is not asked. A service's cgroup where it has one of its own, else
// its process with all that descend from it.

import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { cgroupName } from "../daemon/cgroups/cgroups.js";
import { cgroupMounts, cgroupPath, directoriesOf, type Mount } from "../daemon/cgroups/place.js";
import { childrenOf } from "../daemon/proc.js";

/** More processes of one service are not looked at. */
const mostProcesses = 1000;
/** The page size of every Linux on which Node runs, but for some on arm64; getconf is not everywhere. */
const pageSize = 4096;

/** Bytes; undefined where nobody tells, as of a process that has ended. */
export async function memoryOf(name: string, pid: number): Promise<number | undefined> {
  return (await ofCgroup(name, pid)) ?? (await ofProcesses(pid));
}

async function ofCgroup(name: string, pid: number): Promise<number | undefined> {
  const path = cgroupPath(await textOf(`/proc/${pid}/cgroup`));
  // One that it shares with others tells nothing of it.
  if (path === undefined || basename(path) !== cgroupName(name)) return undefined;
  for (const directory of directoriesOf(path, await mounts())) {
    const bytes = Number.parseInt(await textOf(join(directory, "memory.current")), 10);
    if (Number.isFinite(bytes)) return bytes;
  }
  return undefined;
}

async function mounts(): Promise<readonly Mount[]> {
  return cgroupMounts(await textOf("/proc/self/mountinfo"));
}

/** Pages that are shared with others do not count. */
async function ofProcesses(leader: number): Promise<number | undefined> {
  const pids = [leader];
  let bytes: number | undefined;
  // The list grows while it is gone through.
  for (const pid of pids) {
    const [, resident, shared] = (await textOf(`/proc/${pid}/statm`)).split(" ").map(Number);
    if (resident === undefined || shared === undefined) continue;
    bytes = (bytes ?? 0) + (resident - shared) * pageSize;
    if (pids.length < mostProcesses) pids.push(...(childrenOf(pid) ?? []));
  }
  return bytes;
}

async function textOf(file: string): Promise<string> {
  return await readFile(file, "latin1").catch(() => "");
}
