// What the keeper can give its children: the limits that it has itself, and whether it may go beyond them.

import { readText } from "../../../../systemd-compat/bounded-read.js";

/** A hard limit, by setrlimit's number; undefined is none. */
export type Limits = ReadonlyMap<number, number | undefined>;

export interface Powers {
  /** Whether it may raise limits and lower the score of the kernel's killer: root of the machine, and of no user namespace. */
  readonly unbounded: boolean;
  /** Its hard limits. */
  readonly limits: Limits;
  readonly oomScoreAdjust: number;
  /** The most descriptors that anybody can be allowed. */
  readonly mostDescriptors: number;
  /** CPUs that there are for it. */
  readonly processors: ReadonlySet<number>;
}

const mostBytes = 65_536;
const CAP_SYS_RESOURCE = 24n;

/** The kernel's names of limits in /proc/PID/limits, by number. */
const names = [
  "Max cpu time",
  "Max file size",
  "Max data size",
  "Max stack size",
  "Max core file size",
  "Max resident set",
  "Max processes",
  "Max open files",
  "Max locked memory",
  "Max address space",
  "Max file locks",
  "Max pending signals",
  "Max msgqueue size",
  "Max nice priority",
  "Max realtime priority",
  "Max realtime timeout",
] as const;

/** The hard limits of /proc/PID/limits. */
export function parseLimits(text: string): Limits {
  const lines = text.split("\n");
  return new Map(
    names.flatMap((name, number) => {
      const line = lines.find((one) => one.startsWith(name));
      const [, , hard] = /^\s+(\S+)\s+(\S+)/.exec(line?.slice(name.length) ?? "") ?? [];
      if (hard === undefined) return [];
      return [[number, hard === "unlimited" ? undefined : Number(hard)] as const];
    }),
  );
}

/** Whether CAP_SYS_RESOURCE is there, and the ids are those of the machine. */
export function isUnbounded(status: string, uidMap: string): boolean {
  const [, mask = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const isMachine = /^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
  return isMachine && ((BigInt(`0x${mask}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

/** CPUs of /proc/PID/status. */
export function parseProcessors(status: string): ReadonlySet<number> {
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status) ?? [];
  return new Set(
    list.split(",").flatMap((range) => {
      const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
      if (first === undefined) return [];
      return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
    }),
  );
}

/** Those of the keeper; undefined where they cannot be seen, which says nothing against any limit. */
export async function readPowers(keeperPid: number): Promise<Powers | undefined> {
  const [limits, status, uidMap, score, descriptors] = await Promise.all(
    [
      `/proc/${keeperPid}/limits`,
      `/proc/${keeperPid}/status`,
      `/proc/${keeperPid}/uid_map`,
      `/proc/${keeperPid}/oom_score_adj`,
      "/proc/sys/fs/nr_open",
    ].map((file) => readText(file, mostBytes)),
  );
  if (limits === undefined || status === undefined) return undefined;
  return {
    unbounded: isUnbounded(status, uidMap ?? ""),
    limits: parseLimits(limits),
    oomScoreAdjust: Number(score ?? "0"),
    mostDescriptors: Number(descriptors ?? Number.POSITIVE_INFINITY),
    processors: parseProcessors(status),
  };
}
