// What a timer that rotates logs does beside its alarms: as long as it runs, logs are kept within a size.

import { type Attendance, type Host, StartFailure } from "../constructors/host.js";
import { canCompress, describeExit, exitCode } from "./compression.js";
import type { SizedPolicy } from "./rotation-policy.js";

/** Throws a StartFailure where old files could not be compressed as the policy wants it. */
export function checkCompression(host: Pick<Host, "environment">, policy: SizedPolicy | undefined): void {
  const path = host.environment.find((variable) => variable.startsWith("PATH="))?.slice("PATH=".length);
  if (policy === undefined || canCompress(policy.compression, path)) return;
  throw new StartFailure(`compress with ${policy.compression}: ${describeExit(exitCode.noZstd)}`);
}

/** The attendance of a timer, which has logs rotated as they grow until it is closed. */
export function keepingLogs(
  { logs }: Pick<Host, "logs">,
  name: string,
  policy: SizedPolicy | undefined,
  attendance: Attendance | undefined,
): Attendance | undefined {
  if (policy === undefined || attendance === undefined) return attendance;
  logs.keepWithin(name, policy);
  return {
    close: () => {
      logs.keepWithin(name, undefined);
      attendance.close();
    },
    trigger: () => attendance.trigger?.() ?? false,
    alarms: (count) => attendance.alarms?.(count) ?? [],
  };
}
