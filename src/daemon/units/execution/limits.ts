// Limit…=, Nice=, CPUScheduling…=, IOScheduling…=, OOMScoreAdjust= and CPUAffinity= as attributes of a process.

import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import { resourceNumbers } from "../../definition/limits.js";
import type { ResourceLimit, SpawnSpec } from "../../keeper/types.js";
import type { Powers } from "./powers.js";
import type { Shortfall } from "./shortfall.js";

export interface Scheduling {
  readonly spec: Pick<
    SpawnSpec,
    "limits" | "nice" | "scheduler" | "ioPriority" | "oomScoreAdjustment" | "processors"
  >;
  readonly notApplied: readonly Shortfall[];
}

const resources = [
  "CPU",
  "FSIZE",
  "DATA",
  "STACK",
  "CORE",
  "RSS",
  "NOFILE",
  "AS",
  "NPROC",
  "MEMLOCK",
  "LOCKS",
  "SIGPENDING",
  "MSGQUEUE",
  "NICE",
  "RTPRIO",
  "RTTIME",
] as const;

/** sched(7)'s numbers. */
const policies = { other: 0, fifo: 1, rr: 2, batch: 3, idle: 5 } as const;
/** ioprio_set(2)'s; the class is above the level. */
const ioClasses = { none: 0, realtime: 1, "best-effort": 2, idle: 3 } as const;
const ioClassShift = 13;
/** The middle of the eight levels. */
const defaultIoPriority = 4;

/** @param powers what the keeper may give; undefined where that is not known */
export function schedulingOf(settings: ServiceSettings, powers: Powers | undefined): Scheduling {
  const notApplied: Shortfall[] = [];
  const limits = resources.flatMap((name) => {
    const found = limitOf(settings, name, powers);
    if (found?.shortfall !== undefined) notApplied.push(found.shortfall);
    return found === undefined ? [] : [found.limit];
  });
  const oom = oomScore(settings, powers);
  if (oom.shortfall !== undefined) notApplied.push(oom.shortfall);
  const affinity = processorsOf(settings, powers);
  if (affinity.shortfall !== undefined) notApplied.push(affinity.shortfall);
  const { Nice: nice } = settings;
  const scheduler = schedulerOf(settings);
  const ioPriority = ioPriorityOf(settings);
  return {
    spec: {
      ...(limits.length === 0 ? {} : { limits }),
      ...(nice === undefined ? {} : { nice }),
      ...(scheduler === undefined ? {} : { scheduler }),
      ...(ioPriority === undefined ? {} : { ioPriority }),
      ...(oom.score === undefined ? {} : { oomScoreAdjustment: oom.score }),
      ...(affinity.processors === undefined ? {} : { processors: affinity.processors }),
    },
    notApplied,
  };
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

function limitOf(
  settings: ServiceSettings,
  name: (typeof resources)[number],
  powers: Powers | undefined,
): { readonly limit: ResourceLimit; readonly shortfall?: Shortfall } | undefined {
  const wanted = settings[`Limit${name}`];
  const resource = resourceNumbers[name.toLowerCase()];
  if (wanted === undefined || resource === undefined) return undefined;
  const ceiling = ceilingOf(resource, powers);
  const limit: ResourceLimit = {
    resource,
    soft: finite(Math.min(wanted.soft, ceiling)),
    hard: finite(Math.min(wanted.hard, ceiling)),
  };
  if (wanted.hard <= ceiling) return { limit };
  const why = `the most that the supervisor may give is ${ceiling}`;
  return { limit, shortfall: { directive: `Limit${name}`, extent: "partly", why } };
}

const descriptors = resourceNumbers.nofile;

/** The most that a hard limit can be. */
function ceilingOf(resource: number, powers: Powers | undefined): number {
  if (powers === undefined) return Number.POSITIVE_INFINITY;
  const most = resource === descriptors ? powers.mostDescriptors : Number.POSITIVE_INFINITY;
  if (powers.unbounded) return most;
  return Math.min(most, powers.limits.get(resource) ?? Number.POSITIVE_INFINITY);
}

function oomScore(
  { OOMScoreAdjust: wanted }: ServiceSettings,
  powers: Powers | undefined,
): { readonly score?: number; readonly shortfall?: Shortfall } {
  if (wanted === undefined) return {};
  if (powers === undefined || powers.unbounded || wanted >= powers.oomScoreAdjust) return { score: wanted };
  const why = `the supervisor may go no lower than ${powers.oomScoreAdjust}, which it has itself`;
  return { shortfall: { directive: "OOMScoreAdjust", extent: "not", why } };
}

/** CPUs that are not there are no reason to run on none. */
function processorsOf(
  { CPUAffinity: wanted }: ServiceSettings,
  powers: Powers | undefined,
): { readonly processors?: readonly number[]; readonly shortfall?: Shortfall } {
  if (wanted === undefined || wanted.length === 0) return {};
  const { processors: there = new Set<number>() } = powers ?? {};
  if (there.size === 0 || wanted.some((one) => there.has(one))) return { processors: wanted };
  const why = "there is none of these CPUs";
  return { shortfall: { directive: "CPUAffinity", extent: "not", why } };
}

function schedulerOf(settings: ServiceSettings): SpawnSpec["scheduler"] {
  const {
    CPUSchedulingPolicy: name,
    CPUSchedulingPriority: priority,
    CPUSchedulingResetOnFork: reset = false,
  } = settings;
  if (name === undefined && priority === undefined && !reset) return undefined;
  const policy = policies[name ?? "other"];
  const isRealtime = policy === policies.fifo || policy === policies.rr;
  return {
    policy,
    // Only these have priorities, and those begin at 1.
    priority: isRealtime ? Math.max(1, priority ?? 1) : 0,
    ...(reset ? { resetOnFork: true } : {}),
  };
}

function ioPriorityOf(settings: ServiceSettings): number | undefined {
  const { IOSchedulingClass: name, IOSchedulingPriority: priority } = settings;
  if (name === undefined && priority === undefined) return undefined;
  const number = ioClasses[name ?? "best-effort"];
  // The kernel knows no levels of these.
  const level = number === ioClasses.none || number === ioClasses.idle ? 0 : (priority ?? defaultIoPriority);
  return (number << ioClassShift) | level;
}
