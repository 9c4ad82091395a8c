// A service's limits as what is written into the control files of its cgroup, and which of them are in force.

import type { CgroupLimits } from "../definition/cgroup-options.js";
import { errorText } from "../error-text.js";
import { codeOf, readControl, writeControl } from "./tree.js";

/** The controllers that limits and usage need. */
export const controllers = ["cpu", "io", "memory", "pids"] as const;
export type Controller = (typeof controllers)[number];

/** What a control file is to hold. */
export interface Setting {
  /** Such as "memory.max". */
  readonly file: string;
  readonly value: string;
}

/** Microseconds in which a share of CPUs is measured: the kernel's default. */
const period = 100_000;

type Written = (value: number) => string;

const files: Readonly<Record<keyof CgroupLimits, readonly [file: string, none: string, written: Written]>> = {
  memoryMax: ["memory.max", "max", String],
  memoryHigh: ["memory.high", "max", String],
  memorySwapMax: ["memory.swap.max", "max", String],
  pidsMax: ["pids.max", "max", String],
  cpuMax: ["cpu.max", `max ${period}`, (cpus) => `${Math.round(cpus * period)} ${period}`],
  cpuWeight: ["cpu.weight", "100", String],
  ioWeight: ["io.weight", "default 100", (weight) => `default ${weight}`],
};

/** The settings that the limits ask for. */
export function settingsOf(limits: CgroupLimits): Setting[] {
  return Object.entries(files).flatMap(([name, [file, , written]]) => {
    const value = limits[name as keyof CgroupLimits];
    return value === undefined ? [] : [{ file, value: written(value) }];
  });
}

/** What takes the limits away that a cgroup may have of an earlier start. */
function otherSettings(limits: CgroupLimits): Setting[] {
  return Object.entries(files)
    .filter(([name]) => limits[name as keyof CgroupLimits] === undefined)
    .map(([, [file, none]]) => ({ file, value: none }));
}

/** Which controller a control file belongs to. */
export function controllerOf(file: string): string {
  return file.split(".", 1)[0] ?? file;
}

/** The kernel counts memory in pages, of which the largest have 64 KiB. */
const largestPage = 65_536;

/** Whether a control file holds what was written. */
export function holds({ file, value }: Setting, text: string): boolean {
  const [actual = ""] = text.split("\n", 1);
  if (actual === value) return true;
  const difference = Number(value) - Number(actual);
  return file.startsWith("memory.") && difference >= 0 && difference < largestPage;
}

/**
 * Writes the limits; resolves with what could not be written, and why. A limit that this kernel does not have is no failure.
 * @param reused whether the cgroup may have other limits, of an earlier start
 */
export async function applyLimits(
  directory: string,
  limits: CgroupLimits,
  reused: boolean,
): Promise<string[]> {
  const failures: string[] = [];
  for (const { file, value } of reused ? otherSettings(limits) : [])
    await writeControl(directory, file, value).catch(() => undefined); // A file that is not there was never set.
  for (const { file, value } of settingsOf(limits)) {
    try {
      await writeControl(directory, file, value);
    } catch (error) {
      // Of a file that is not there `unapplied` tells.
      if (codeOf(error) !== "ENOENT")
        failures.push(`write ${value} to ${directory}/${file}: ${errorText(error)}`);
    }
  }
  return failures;
}

/**
 * The limits that are not in force, each with the reason.
 * @param directory undefined where the service has no cgroup
 * @param why what is known of controllers that are not there
 */
export async function unapplied(
  directory: string | undefined,
  limits: CgroupLimits,
  why: (controller: string) => string,
): Promise<string[]> {
  const found = await Promise.all(
    settingsOf(limits).map(async (setting) => {
      const { file } = setting;
      const text = directory === undefined ? undefined : await readControl(directory, file);
      if (text === undefined) return [`${file} (${why(controllerOf(file))})`];
      return holds(setting, text) ? [] : [`${file} (it is ${text.trim().split("\n", 1)[0] ?? ""})`];
    }),
  );
  return found.flat();
}
