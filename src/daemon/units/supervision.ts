// What a unit says about messages from its processes, its watchdog and descriptors that it stores, as the attendant has it.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import { serviceType } from "../../../systemd-compat/unit-checks.js";
import type { ProcessOptions } from "../definition/types.js";
import type { NotifyAccess, SupervisionOptions } from "../readiness/options.js";
import { startTimeout } from "./defaults.js";
import { decode } from "./encoded.js";
import { endless } from "./limit.js";
import type { UnitData } from "./types.js";

/** More are of no use, and each is a record of the keeper's. */
const mostStored = 1024;

/** Whether its start is over when it says READY=1. */
export function isNotifying(service: ServiceSettings): boolean {
  const type = serviceType(service);
  return type === "notify" || type === "notify-reload";
}

export function unitSupervision(data: UnitData): SupervisionOptions & Pick<ProcessOptions, "user"> {
  const service: ServiceSettings = decode(data.service);
  const { WatchdogSec = 0, FileDescriptorStoreMax = 0, User, DynamicUser = false } = service;
  const watchdog = Number.isFinite(WatchdogSec) && WatchdogSec > 0 ? WatchdogSec : undefined;
  const stored = Math.min(FileDescriptorStoreMax, mostStored);
  const needed = isNotifying(service) || watchdog !== undefined || stored > 0;
  const access = accessOf(service.NotifyAccess ?? "none", needed);
  return {
    ...(isNotifying(service)
      ? { readiness: { type: "notify" }, readinessTimeout: Math.min(startTimeout(service), endless) }
      : {}),
    ...(access === undefined ? {} : { notifyAccess: access }),
    ...(watchdog === undefined ? {} : { watchdog }),
    ...(stored === 0 ? {} : { fileDescriptorStoreMax: stored }),
    ...(User === undefined || DynamicUser ? {} : { user: User }),
  };
}

/** `exec` lets the unit's commands speak too, which here means all of its processes. */
function accessOf(
  access: NonNullable<ServiceSettings["NotifyAccess"]>,
  needed: boolean,
): NotifyAccess | undefined {
  if (access === "none") return needed ? "main" : undefined;
  return access === "main" ? "main" : "all";
}
