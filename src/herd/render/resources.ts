// What a service uses of the machine, in `herd status SERVICE`.
import { decodeResources, type Resources, resourcesField } from "../../protocol/resources.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import type { Style } from "./style.js";

export function resourceLines(service: ServiceStatus, style: Style): string[] {
  const resources = decodeResources(service.extra.get(resourcesField));
  if (resources === undefined) return [];
  const { oomKills = 0, notApplied = [] } = resources;
  return [
    ...memoryLine(resources),
    ...(resources.cpu === undefined ? [] : [`  CPU: ${(resources.cpu / 1e6).toFixed(1)} s\n`]),
    ...tasksLine(resources),
    ...(oomKills === 0 ? [] : [style.error(`  Killed for want of memory: ${oomKills}\n`)]),
    ...(notApplied.length === 0 ? [] : [style.warning(`  Limits not applied: ${notApplied.join(", ")}\n`)]),
  ];
}

function memoryLine({ memory, memoryPeak, memoryMax }: Resources): string[] {
  if (memory === undefined) return [];
  const bounds = [
    ...(memoryPeak === undefined ? [] : [`peak ${size(memoryPeak)}`]),
    ...(memoryMax === undefined ? [] : [`max ${size(memoryMax)}`]),
  ];
  return [`  Memory: ${size(memory)}${bounds.length === 0 ? "" : ` (${bounds.join(", ")})`}\n`];
}

function tasksLine({ tasks, tasksMax }: Resources): string[] {
  if (tasks === undefined) return [];
  return [`  Tasks: ${tasks}${tasksMax === undefined ? "" : ` (max ${tasksMax})`}\n`];
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `12.3 MiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}
