// What the processes of a cgroup use, from its control files.

import type { Resources } from "../../protocol/resources.js";
import { readControl } from "./tree.js";

/** What is known of the use of a cgroup; of one that is gone, nothing. */
export async function usageOf(directory: string): Promise<Resources> {
  const read = (file: string): Promise<string | undefined> => readControl(directory, file);
  const [cpu, memory, peak, most, tasks, mostTasks, kills] = await Promise.all([
    read("cpu.stat"),
    read("memory.current"),
    read("memory.peak"),
    read("memory.max"),
    read("pids.current"),
    read("pids.max"),
    oomKills(directory),
  ]);
  return {
    ...known("cpu", entry(cpu, "usage_usec")),
    ...known("memory", number(memory)),
    ...known("memoryPeak", number(peak)),
    ...known("memoryMax", number(most)),
    ...known("tasks", number(tasks)),
    ...known("tasksMax", number(mostTasks)),
    ...known("oomKills", kills),
  };
}

/** Of that, what changes all the time: for whoever looks again and again. */
export async function briefUsageOf(directory: string): Promise<Resources> {
  const [cpu, memory, tasks] = await Promise.all(
    ["cpu.stat", "memory.current", "pids.current"].map((file) => readControl(directory, file)),
  );
  return {
    ...known("cpu", entry(cpu, "usage_usec")),
    ...known("memory", number(memory)),
    ...known("tasks", number(tasks)),
  };
}

/** How many processes the kernel has killed there for want of memory; undefined where it does not count them. */
export async function oomKills(directory: string): Promise<number | undefined> {
  return entry(await readControl(directory, "memory.events"), "oom_kill");
}

function known<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, number>);
}

/** "max" is no number. */
function number(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

/** The value in a line `KEY VALUE`. */
function entry(text: string | undefined, key: string): number | undefined {
  const line = text?.split("\n").find((one) => one.startsWith(`${key} `));
  return number(line?.slice(key.length + 1));
}
