// What a service's process tells of itself, and how its health is, as lines of `herd status SERVICE`.

import { decodeCondition } from "../../protocol/condition.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import type { Style } from "./style.js";
import { timeAndAge } from "./time.js";

export function conditionLines(
  service: ServiceStatus,
  { style, now }: { readonly style: Style; readonly now: number },
): string[] {
  const { text, phase, health, condemned } = decodeCondition(service.extra);
  return [
    ...(phase === undefined ? [] : [style.warning(`  It is ${phase}, it says.\n`)]),
    ...(text === undefined ? [] : [`  Status: ${text}\n`]),
    ...(health === undefined
      ? []
      : health.failures === 0
        ? [`  Healthy since ${timeAndAge(health.since, now)}.\n`]
        : [style.error(`  Unhealthy: ${health.reason ?? ""} (${failed(health.failures)})\n`)]),
    ...(condemned === undefined ? [] : [style.error(`  Ended because it ${condemned}.\n`)]),
  ];
}

const failed = (count: number): string => (count === 1 ? "once" : `${count} times in a row`);
