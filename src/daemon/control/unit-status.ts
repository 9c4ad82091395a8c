// What a client is told of a service that is a systemd unit, besides what every service has.

import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { UnitStatus } from "../../protocol/unit-status.js";
import type { ServiceDefinition } from "../definition/types.js";
import { decode } from "../units/encoded.js";
import { unitOf } from "../units/of-definition.js";
import { listeningText } from "../units/runtime.js";
import type { AnyUnitData, NotApplied } from "../units/types.js";

/**
 * Undefined for a service that is no unit.
 * @param found what was found not to be applied when it was started
 */
export function unitStatus(
  definition: ServiceDefinition,
  found: readonly NotApplied[] = [],
): UnitStatus | undefined {
  const data = unitOf(definition);
  if (data === undefined) return undefined;
  return {
    name: data.unit,
    files: data.files,
    ...(data.refused === undefined ? {} : { refused: data.refused }),
    ...triggerOf(data),
    notApplied: [...data.notApplied, ...found],
  };
}

type Trigger = Pick<UnitStatus, "starts" | "forEachConnection" | "watches">;

function triggerOf(data: AnyUnitData): Trigger {
  switch (data.kind) {
    case "unit":
      return {};
    case "unit-socket": {
      const { Listen = [], Accept = false } = decode(data.socket);
      return {
        starts: serviceNameOf(data.service),
        ...(Accept ? { forEachConnection: true } : {}),
        watches: Listen.map((listening) => `${listening.kind} ${listeningText(listening)}`),
      };
    }
    case "unit-timer":
      return { starts: serviceNameOf(data.starts) };
    case "unit-path":
      return {
        starts: serviceNameOf(data.starts),
        watches: data.watches.map(({ kind, path }) => `${kind}=${path}`),
      };
  }
}
