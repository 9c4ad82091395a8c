// The built-in constructors by their kind: data, which is begun here and goes on in the next daemon where it was.

import type { BuiltinStart, RunningValue } from "../definition/types.js";
import { keepingLogs } from "../logs/rotation-attendance.js";
import type { Child } from "../processes.js";
import { attendTimer } from "../timers/attendance.js";
import { startTimer } from "../timers/start.js";
import {
  attendUnit,
  attendUnitPath,
  attendUnitSocket,
  attendUnitTimer,
  startUnit,
  startUnitPath,
  startUnitSocket,
  startUnitTimer,
} from "../units/runtime.js";
import { resumeForkexec, startForkexec } from "./forkexec.js";
import { type Attendance, type Host, type RunningContext, type StartContext, StartFailure } from "./host.js";
import { attendInetd, startConnection, startInetd } from "./inetd.js";
import { executed } from "./process-spec.js";
import { startSystem } from "./system.js";
import { startSystemLog } from "./system-log.js";
import { attendSystemd, finishSystemd, startSystemd } from "./systemd.js";

export function startBuiltin(host: Host, context: StartContext, data: BuiltinStart): Promise<RunningValue> {
  switch (data.kind) {
    case "forkexec":
      return startForkexec(host, context, data);
    case "system":
      return startSystem(host, context, data);
    case "systemd":
      return startSystemd(host, context, data);
    case "inetd":
      return startInetd(host, context, data);
    case "connection":
      return startConnection(host, context, data);
    case "system-log":
      return startSystemLog(host, context, data);
    case "timer":
      return startTimer(host, context, data);
    case "unit":
      return startUnit(host, context, data);
    case "unit-socket":
      return startUnitSocket(host, context, data);
    case "unit-timer":
      return startUnitTimer(host, context, data);
    case "unit-path":
      return startUnitPath(host, context, data);
  }
}

/**
 * Goes on with a start that an earlier daemon had begun.
 * @param begun the process that it had spawned, dead or alive; undefined where it had not come to that
 * @param elapsed seconds since it began
 */
export async function resumeBuiltin(
  host: Host,
  context: StartContext,
  data: BuiltinStart,
  begun: Child | undefined,
  elapsed: number,
): Promise<RunningValue> {
  // It has several processes, and finds in its service's note what they are.
  if (data.kind === "unit") return await startUnit(host, context, data);
  if (begun === undefined) {
    // Its connection waits where it was, for a service of this daemon's.
    if (data.kind === "connection")
      throw new StartFailure("the supervisor was restarted before the connection was accepted");
    return await startBuiltin(host, context, data);
  }
  switch (data.kind) {
    case "forkexec":
      return await resumeForkexec(host, context, data, begun, elapsed);
    case "system":
      return await startSystem(host, context, data, begun);
    case "systemd":
      return await finishSystemd(host, context, data, begun, elapsed);
    case "connection":
      return await executed(begun, data.command, data.options);
    case "inetd":
      // It spawns nothing by itself.
      return await startInetd(host, context, data);
    case "system-log":
      return await startSystemLog(host, context, data);
    case "timer":
      return await startTimer(host, context, data);
    case "unit-socket":
      return await startUnitSocket(host, context, data);
    case "unit-timer":
      return await startUnitTimer(host, context, data);
    case "unit-path":
      return await startUnitPath(host, context, data);
  }
}

/** Attends to a service that runs without a process; undefined where nothing is to be done for it. */
export function attendBuiltin(
  host: Host,
  context: RunningContext,
  data: BuiltinStart,
): Attendance | undefined {
  switch (data.kind) {
    case "systemd":
      return attendSystemd(host, context, data);
    case "inetd":
      return attendInetd(host, context, data);
    case "timer":
      return keepingLogs(host, context.name, data.logs, attendTimer(host, context, data));
    case "unit":
      return attendUnit(host, context, data);
    case "unit-socket":
      return attendUnitSocket(host, context, data);
    case "unit-timer":
      return attendUnitTimer(host, context, data);
    case "unit-path":
      return attendUnitPath(host, context, data);
    default:
      return undefined;
  }
}
