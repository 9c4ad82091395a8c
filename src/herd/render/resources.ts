// What a service uses of the machine, in `herd status SERVICE`.
import { decodeResources, type Resources, resourcesField } from "../../protocol/resources.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { size } from "./size.js";
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
