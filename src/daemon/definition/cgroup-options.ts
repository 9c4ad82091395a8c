// What a service may use of the machine, as its definition says: the options, their checks, and the limits as numbers.

import { type Checks, check, checkFields, type Subject } from "./check.js";
import { isCount } from "./fields.js";

/**
 * Limits of a service and all of its processes together; cgroups(7) and the kernel's "Control Group v2" tell what each does.
 * What is absent is not limited. Sizes are bytes, or a number with a unit of 1024: `"512K"`, `"64M"`, `"1.5G"`, `"1T"`.
 */
export interface CgroupOptions {
  /** Memory that it never exceeds (memory.max): where nothing can be reclaimed the kernel kills one of its processes. */
  readonly memoryMax?: number | string;
  /** Memory above which it is slowed down and its pages are reclaimed (memory.high). */
  readonly memoryHigh?: number | string;
  /** Swap that it may use (memory.swap.max); 0 for none. */
  readonly memorySwapMax?: number | string;
  /** How many processes and threads it may have, at least 1 (pids.max): one more cannot be made. */
  readonly pidsMax?: number;
  /** How many CPUs it may use, of all together (cpu.max): 0.5 is half of one, 2 is two. At least 0.01. */
  readonly cpuMax?: number;
  /** Its share where CPUs are scarce, 1 to 10000 (cpu.weight); the kernel's default is 100. */
  readonly cpuWeight?: number;
  /** Its share where disks are busy, 1 to 10000 (io.weight); the kernel's default is 100. */
  readonly ioWeight?: number;
}

/** The same with every size in bytes. */
export interface CgroupLimits {
  readonly memoryMax?: number;
  readonly memoryHigh?: number;
  readonly memorySwapMax?: number;
  readonly pidsMax?: number;
  readonly cpuMax?: number;
  readonly cpuWeight?: number;
  readonly ioWeight?: number;
}

const units: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** The bytes of a size; undefined where it is none. */
function bytesOf(size: unknown): number | undefined {
  if (typeof size === "number") return isCount(size) ? size : undefined;
  const [, number, unit = ""] =
    typeof size === "string" ? (/^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(size) ?? []) : [];
  const bytes = Math.floor(Number(number) * (units[unit] ?? Number.NaN));
  return isCount(bytes) ? bytes : undefined;
}

const size = check('a number of bytes, or a size such as "512M" with one of K, M, G and T', (value) => {
  return bytesOf(value) !== undefined;
});
/** A service that may have no memory at all could not even be started. */
const memory = check(`${size.expected}, not 0`, (value) => (bytesOf(value) ?? 0) > 0);
const isBetween = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && value >= least && value <= most;
const weight = check(
  "an integer from 1 to 10000",
  (value) => Number.isInteger(value) && isBetween(value, 1, 10_000),
);

const checks: Checks<CgroupOptions> = {
  memoryMax: memory,
  memoryHigh: memory,
  memorySwapMax: size,
  // The kernel's own bound of process numbers.
  pidsMax: check(
    "an integer from 1 to 4194304",
    (value) => Number.isInteger(value) && isBetween(value, 1, 2 ** 22),
  ),
  cpuMax: check("a number of CPUs from 0.01 to 10000", (value) => isBetween(value, 0.01, 10_000)),
  cpuWeight: weight,
  ioWeight: weight,
};

/** The limits that `cgroup` of a definition means; `false` where the service is to have no cgroup of its own. */
export function checkCgroup({ what, ...of }: Subject, value: CgroupOptions | false): CgroupLimits | false {
  if (value === false) return false;
  const options = checkFields({ ...of, what: `${what}: field "cgroup"` }, value, checks);
  const entries = Object.entries(options).map(([name, given]) => [
    name,
    typeof given === "string" ? bytesOf(given) : given,
  ]);
  return Object.freeze(Object.fromEntries(entries) as CgroupLimits);
}
