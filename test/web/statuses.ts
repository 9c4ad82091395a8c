// Service expressions for tests: all that is not said is as of a service that was never started.

import type { ServiceStatus } from "../../src/protocol/service-status.js";
import type { Sexp } from "../../src/protocol/sexp.js";

export function statusOf(
  name: string,
  fields: Partial<Omit<ServiceStatus, "extra">> = {},
  extra: readonly (readonly [string, Sexp])[] = [],
): ServiceStatus {
  return {
    provides: [name],
    requires: [],
    respawn: false,
    documentation: "",
    enabled: true,
    lastRespawns: [],
    statusChanges: [],
    startupFailures: [],
    status: "stopped",
    oneShot: false,
    transient: false,
    respawnDelay: 0,
    actions: [],
    exitStatuses: [],
    recentMessages: [],
    logFiles: [],
    pendingReplacement: false,
    extra: new Map(extra),
    ...fields,
  };
}
