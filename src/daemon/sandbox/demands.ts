// Demands: what a directive needs, each with what the kernel must let us do for it. Those that are not met are told.

import type { MountAction, Namespace, SpawnSpec } from "../keeper/types.js";
import type { NamedRules } from "./filters/restrictions.js";
import type { Abilities, Ability, Unconfined } from "./types.js";

export interface Demand {
  readonly directive: string;
  /** Besides what `mounts`, `namespaces` and so on need. */
  readonly needs?: readonly Ability[];
  readonly namespaces?: readonly Namespace[];
  readonly mounts?: readonly MountAction[];
  /** Capabilities that its processes shall never have, as a mask. */
  readonly drops?: bigint;
  /** Calls that they cannot make. */
  readonly forbids?: NamedRules;
  readonly spec?: Partial<SpawnSpec>;
  /** Without it the unit would be another: it does not start. */
  readonly vital?: boolean;
}

const ofNamespaces: Readonly<Partial<Record<Namespace, Ability>>> = {
  mount: "mount namespace",
  network: "network namespace",
  ipc: "IPC namespace",
  uts: "UTS namespace",
  user: "user namespace",
};

const ofActions: Readonly<Record<MountAction["kind"], readonly Ability[]>> = {
  bind: ["bind mounts"],
  "read-only": ["read-only mounts"],
  "read-write": ["read-only mounts"],
  "no-exec": ["read-only mounts"],
  exec: ["read-only mounts"],
  inaccessible: ["inaccessible paths"],
  tmpfs: ["temporary file systems"],
  proc: ["private /proc"],
  mqueue: ["IPC namespace"],
  devices: ["private /dev"],
};

/** All that must be possible for a demand. */
function needsOf(demand: Demand): Set<Ability> {
  const needs = new Set<Ability>(demand.mounts === undefined ? [] : ["mount namespace"]);
  for (const ability of demand.needs ?? []) needs.add(ability);
  for (const namespace of demand.namespaces ?? []) {
    const ability = ofNamespaces[namespace];
    if (ability !== undefined) needs.add(ability);
  }
  for (const { kind } of demand.mounts ?? []) for (const ability of ofActions[kind]) needs.add(ability);
  if (demand.drops !== undefined) needs.add("capability bounding set");
  if (demand.forbids !== undefined) needs.add("system call filters");
  return needs;
}

/** Why a demand cannot be met, undefined if it can. The first reason is enough: without a mount namespace nothing is mounted. */
function obstacleOf(demand: Demand, { missing }: Abilities): string | undefined {
  for (const ability of needsOf(demand)) {
    const reason = missing[ability];
    if (reason !== undefined) return `${ability}: ${reason}`;
  }
  return undefined;
}

export interface Outcome {
  readonly met: readonly Demand[];
  readonly unmet: readonly Unconfined[];
  /** Why the unit cannot run here at all. */
  readonly refusal?: string;
}

/** Divides demands into those that can be met and those that cannot. */
export function judge(demands: readonly Demand[], abilities: Abilities): Outcome {
  const met: Demand[] = [];
  const obstacles = new Map<string, Set<string>>();
  let refusal: string | undefined;
  for (const demand of demands) {
    const obstacle = obstacleOf(demand, abilities);
    if (obstacle === undefined) {
      met.push(demand);
      continue;
    }
    const known = obstacles.get(demand.directive) ?? new Set();
    obstacles.set(demand.directive, known.add(obstacle));
    if (demand.vital === true)
      refusal ??= `${demand.directive}= cannot be applied: the kernel does not let us: ${obstacle}`;
  }
  const unmet = [...obstacles].map(([directive, reasons]) => ({
    directive,
    extent: met.some((demand) => demand.directive === directive) ? ("partly" as const) : ("not" as const),
    why: `the kernel does not let us: ${[...reasons].join("; ")}`,
  }));
  return { met, unmet, ...(refusal === undefined ? {} : { refusal }) };
}
