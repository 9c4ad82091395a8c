// What /proc says about the processes of a PID namespace, seen from outside of it.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessInfo {
  /** Its number out here. */
  readonly pid: number;
  /** Its number in its own namespace. */
  readonly inner: number;
  /** Its parent's number out here. */
  readonly parent: number;
  /** One letter, as in ps: `Z` is a zombie. */
  readonly state: string;
  readonly command: readonly string[];
}

/** What `read` gives, or undefined where the process is gone. */
function ifAlive<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return undefined;
    throw error;
  }
}

/** A field of /proc/PID/status, such as `VmRSS`. */
export function statusField(pid: number, name: string): string | undefined {
  const status = ifAlive(() => readFileSync(`/proc/${pid}/status`, "utf8"));
  return status?.match(new RegExp(`^${name}:\\s*(.*)$`, "m"))?.[1];
}

/** The process's resident memory in KiB. */
export function residentMemory(pid: number): number {
  const field = statusField(pid, "VmRSS");
  if (field === undefined) throw new Error(`read VmRSS of process ${pid}: it is gone`);
  return Number.parseInt(field, 10);
}

export function children(pid: number): readonly number[] {
  const list = ifAlive(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")) ?? "";
  return list.split(" ").filter(Boolean).map(Number);
}

/** The PID namespace that a process lives in. */
export function namespaceOf(pid: number): string | undefined {
  return ifAlive(() => readlinkSync(`/proc/${pid}/ns/pid`));
}

export function describe(pid: number): ProcessInfo | undefined {
  return ifAlive(() => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string): string => status.match(new RegExp(`^${name}:\\s*(.*)$`, "m"))?.[1] ?? "";
    return {
      pid,
      inner: Number(field("NSpid").split(/\s+/).at(-1)),
      parent: Number(field("PPid")),
      state: field("State").slice(0, 1),
      command: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1),
    };
  });
}

/** Every process of a PID namespace, zombies too. */
export function processesOf(namespace: string): readonly ProcessInfo[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && namespaceOf(Number(name)) === namespace)
    .map((name) => describe(Number(name)))
    .filter((process) => process !== undefined);
}
