// Limits of a unit as the options that a service's cgroup has.

import { availableParallelism, totalmem } from "node:os";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Amount } from "../../../../systemd-compat/values/resources.js";
import type { CgroupOptions } from "../../definition/cgroup-options.js";
import type { Shortfall } from "./shortfall.js";

/** What shares are of. */
export interface Capacity {
  /** Bytes. */
  readonly memory: number;
  readonly tasks: number;
  readonly cpus: number;
}

/** The most that a cgroup's options can say. */
const most = { tasks: 2 ** 22, cpus: 10_000, leastCpus: 0.01 } as const;

/** This machine's. */
export function capacity(): Capacity {
  return { memory: totalmem(), tasks: most.tasks, cpus: availableParallelism() };
}

/** What the unit says, as far as our cgroups have it; undefined where it says nothing of that. */
export function cgroupOptions(
  service: ServiceSettings,
  of: Capacity = capacity(),
): CgroupOptions | undefined {
  const { CPUQuota: quota } = service;
  const options: CgroupOptions = {
    ...size("memoryMax", service.MemoryMax, of.memory),
    ...size("memoryHigh", service.MemoryHigh, of.memory),
    ...size("memorySwapMax", service.MemorySwapMax, of.memory),
    ...tasks(service.TasksMax, of.tasks),
    ...(quota === undefined || !Number.isFinite(quota)
      ? {}
      : { cpuMax: Math.min(most.cpus, Math.max(most.leastCpus, quota)) }),
    ...weight("cpuWeight", service.CPUWeight ?? fromShares(service.CPUShares)),
    ...weight("ioWeight", service.IOWeight ?? fromBlockWeight(service.BlockIOWeight)),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

/** Bytes or tasks of an amount; undefined for no limit. */
function absolute(amount: Amount | undefined, whole: number): number | undefined {
  if (amount === undefined) return undefined;
  const number = typeof amount === "number" ? amount : Math.floor(amount.share * whole);
  return Number.isFinite(number) ? number : undefined;
}

function size(
  name: "memoryMax" | "memoryHigh" | "memorySwapMax",
  amount: Amount | undefined,
  whole: number,
): CgroupOptions {
  const bytes = absolute(amount, whole);
  if (bytes === undefined || bytes > Number.MAX_SAFE_INTEGER) return {};
  // Without any memory nothing could even be started.
  return { [name]: name === "memorySwapMax" ? bytes : Math.max(1, bytes) };
}

function tasks(amount: Amount | undefined, whole: number): CgroupOptions {
  const number = absolute(amount, whole);
  return number === undefined ? {} : { pidsMax: Math.min(most.tasks, Math.max(1, number)) };
}

/** The kernel's own way of saying "idle" is another file; the least weight comes close. */
function weight(name: "cpuWeight" | "ioWeight", value: number | "idle" | undefined): CgroupOptions {
  return value === undefined ? {} : { [name]: value === "idle" ? 1 : value };
}

/** An older scale, of which 1024 was what 100 is now. */
function fromShares(shares: number | undefined): number | undefined {
  return shares === undefined ? undefined : scaled((shares * 100) / 1024);
}

/** Another one, of which 500 was the middle. */
function fromBlockWeight(value: number | undefined): number | undefined {
  return value === undefined ? undefined : scaled((value * 100) / 500);
}

function scaled(value: number): number {
  return Math.min(10_000, Math.max(1, Math.round(value)));
}

/** What is about cgroups and that ours do not do. */
export const notDone = [
  "AllowedCPUs",
  "StartupAllowedCPUs",
  "AllowedMemoryNodes",
  "StartupAllowedMemoryNodes",
  "MemoryMin",
  "MemoryLow",
  "DefaultMemoryMin",
  "DefaultMemoryLow",
  "StartupCPUWeight",
  "StartupCPUShares",
  "StartupIOWeight",
  "StartupBlockIOWeight",
  "IODeviceWeight",
  "IOReadBandwidthMax",
  "IOWriteBandwidthMax",
  "IOReadIOPSMax",
  "IOWriteIOPSMax",
  "IODeviceLatencyTargetSec",
  "BlockIODeviceWeight",
  "BlockIOReadBandwidth",
  "BlockIOWriteBandwidth",
  "CPUQuotaPeriodSec",
  "DisableControllers",
] as const;

/** Limits of a unit that no cgroup of ours applies. Whether those that it has are in force, its status tells. */
export function cgroupShortfalls(service: ServiceSettings): readonly Shortfall[] {
  const missing = notDone.filter((name) => {
    const value = service[name];
    return value !== undefined && !(Array.isArray(value) && value.length === 0);
  });
  const idle = service.CPUWeight === "idle";
  return [
    ...missing.map(
      (directive): Shortfall => ({ directive, extent: "not", why: "services' cgroups do not have it" }),
    ),
    ...(idle
      ? [{ directive: "CPUWeight", extent: "partly", why: "the least weight, 1, is taken" } as const]
      : []),
  ];
}
