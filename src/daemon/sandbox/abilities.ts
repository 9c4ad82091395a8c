// What this kernel lets the keeper do for its children: found out once per daemon, by having it done.

import { readFile } from "node:fs/promises";
import { describeErrno } from "../keeper/errno.js";
import type { SetupFailure, SpawnSpec } from "../keeper/types.js";
import { assembled, result } from "./filters/instructions.js";
import type { Abilities, Ability } from "./types.js";

export type { Abilities } from "./types.js";

/**
 * Spawns a program that does nothing, with these attributes. Resolves with what kept the attributes from being applied, or with
 * undefined where nothing did; rejects where the keeper is gone.
 */
export type SpawnProbe = (spec: Partial<SpawnSpec>) => Promise<SetupFailure | undefined>;

const allowsAll = assembled([result("allow")]);

/** What needs nothing else that a kernel might withhold. */
const simple = [
  ["network namespace", { namespaces: ["network"] }],
  ["IPC namespace", { namespaces: ["ipc"] }],
  ["UTS namespace", { namespaces: ["uts"] }],
  ["user namespace", { namespaces: ["user"] }],
  ["root directory", { rootDirectory: "/" }],
  ["capability bounding set", { boundingCapabilities: 0n }],
  ["no new privileges", { noNewPrivileges: true }],
  ["personality", { personality: 0 }],
] as const satisfies readonly (readonly [Ability, Partial<SpawnSpec>])[];

/** What needs a mount namespace. All of it is done to /proc, which is there wherever a namespace can be made at all. */
const mounting = [
  ["bind mounts", { kind: "bind", source: "/proc", path: "/proc", recursive: true }],
  ["read-only mounts", { kind: "read-only", path: "/proc" }],
  ["inaccessible paths", { kind: "inaccessible", path: "/proc/version" }],
  ["temporary file systems", { kind: "tmpfs", path: "/proc", options: "mode=0755,nodev,ro" }],
  ["private /proc", { kind: "proc", path: "/proc", options: "hidepid=invisible" }],
  ["subset of /proc", { kind: "proc", path: "/proc", options: "subset=pid" }],
  ["private /dev", { kind: "devices" }],
] as const;

/** Tries each ability. Rejects where the keeper is gone. */
export async function probeAbilities(spawnProbe: SpawnProbe): Promise<Abilities> {
  const missing: Partial<Record<Ability, string>> = {};
  const probe = async (ability: Ability, spec: Partial<SpawnSpec>): Promise<boolean> => {
    const failure = await spawnProbe(spec);
    if (failure !== undefined) missing[ability] = reasonOf(failure);
    return failure === undefined;
  };
  const mounts = async (): Promise<void> => {
    const namespaces = ["mount"] as const;
    if (!(await probe("mount namespace", { namespaces }))) return;
    await Promise.all(mounting.map(([ability, action]) => probe(ability, { namespaces, mounts: [action] })));
  };
  const filters = async (): Promise<boolean> => {
    const systemCallFilters = [allowsAll];
    if ((await spawnProbe({ systemCallFilters })) === undefined) return false;
    return await probe("system call filters", { systemCallFilters, noNewPrivileges: true });
  };
  const [filtersNeedNoNewPrivileges, capabilities] = await Promise.all([
    filters(),
    ownCapabilities(),
    mounts(),
    ...simple.map(([ability, spec]) => probe(ability, spec)),
  ]);
  return {
    architecture: process.arch,
    missing,
    filtersNeedNoNewPrivileges,
    ...(capabilities === undefined ? {} : { capabilities }),
  };
}

function reasonOf({ stage, errno }: SetupFailure): string {
  return stage === "attribute" ? "the spawn helper is too old for it" : describeErrno(errno);
}

/** Those of this daemon, which are the keeper's: it is a child that nothing was taken from. */
async function ownCapabilities(): Promise<string | undefined> {
  try {
    const [, mask] = /^CapPrm:\s*([0-9a-f]+)$/m.exec(await readFile("/proc/self/status", "latin1")) ?? [];
    return mask;
  } catch {
    return undefined; // Without /proc: what is lacking is told at the start then.
  }
}
