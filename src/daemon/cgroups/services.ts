// What the cgroups are told of the services that they are for.

import { builtin } from "../definition/types.js";
import type { Notes } from "../notes.js";
import type { Registry } from "../registry/registry.js";
import type { CgroupParts } from "./cgroups.js";

type Services = Pick<CgroupParts, "limitsOf" | "isUsed" | "ranOut">;

export function cgroupServices(registry: Registry, notes: Notes, log: (line: string) => void): Services {
  return {
    // Each connection has the limits of the service that listens.
    limitsOf: (service) => {
      const definition = registry.find(service)?.definition;
      const data = definition?.start[builtin];
      if (data?.kind !== "connection") return definition?.cgroup;
      return registry.find(data.of)?.definition.cgroup;
    },
    isUsed: (service) => {
      const controller = registry.find(service);
      if (controller?.name !== service) return notes.hasService(service);
      const { status, leaders } = controller.state;
      return status !== "stopped" || leaders.length > 0;
    },
    // Of the process that is the service, whose end is told with its reason, its controller tells.
    ranOut: (service, kills) => {
      if (registry.find(service)?.state.status !== "running") return;
      const processes = kills === 1 ? "one of its processes" : `${kills} of its processes`;
      log(`Service ${service} runs out of memory: the kernel has killed ${processes}.`);
    },
  };
}
