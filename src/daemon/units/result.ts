// How the run of a unit ended, and whether it is started again for that: systemd's rules, as pure functions.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import { exitStatusName, signalName } from "../../../systemd-compat/parser/signal.js";
import { serviceType } from "../../../systemd-compat/unit-checks.js";
import type { ExitStatuses } from "../../../systemd-compat/values/process.js";
import { decodeWaitStatus, type End } from "../processes.js";

/** As SERVICE_RESULT has it. `assert`: an assertion did not hold, so that nothing was begun. */
export type UnitResult =
  | "success"
  | "protocol"
  | "timeout"
  | "exit-code"
  | "signal"
  | "core-dump"
  | "watchdog"
  | "exec-condition"
  | "oom-kill"
  | "resources"
  | "start-limit-hit"
  | "assert";

/** The bit of a raw wait status that says that the memory was written to a file. */
const coreDumped = 0x80;
const { SIGHUP, SIGINT, SIGPIPE, SIGTERM } = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 } as const;
/** What a daemon that was told to end may die of. */
const cleanSignals: readonly number[] = [SIGHUP, SIGINT, SIGTERM, SIGPIPE];

/** Whose end it is: of the process that the service is, or of a command, which is to do something and exit with 0. */
export type Role = "daemon" | "command";

/** The role of the processes of ExecStart=. */
export function mainRole(service: ServiceSettings): Role {
  return serviceType(service) === "oneshot" ? "command" : "daemon";
}

/** What the end of a process means. @param status the raw wait status */
export function resultOf(
  status: number,
  role: Role,
  success: ExitStatuses = { codes: [], signals: [] },
): UnitResult {
  const { exitCode, signal } = decodeWaitStatus(0, status);
  if (signal === undefined)
    return exitCode === 0 || success.codes.includes(exitCode ?? 0) ? "success" : "exit-code";
  if (role === "daemon" && cleanSignals.includes(signal)) return "success";
  if (success.signals.includes(signal)) return "success";
  return (status & coreDumped) === 0 ? "signal" : "core-dump";
}

function contains({ codes, signals }: ExitStatuses, status: number): boolean {
  const { exitCode, signal } = decodeWaitStatus(0, status);
  return signal === undefined ? codes.includes(exitCode ?? 0) : signals.includes(signal);
}

/**
 * Whether Restart= and its exceptions have the unit started again, after a start that failed or a run that ended by itself.
 * @param mainStatus the raw wait status of its main process, where it had one that has ended
 */
export function isRestarted(
  service: ServiceSettings,
  result: UnitResult,
  mainStatus: number | undefined,
): boolean {
  const { Restart = "no", RestartPreventExitStatus, RestartForceExitStatus } = service;
  if (result === "exec-condition" || result === "assert" || result === "start-limit-hit") return false;
  if (mainStatus !== undefined) {
    if (RestartPreventExitStatus !== undefined && contains(RestartPreventExitStatus, mainStatus))
      return false;
    if (RestartForceExitStatus !== undefined && contains(RestartForceExitStatus, mainStatus)) return true;
  }
  switch (Restart) {
    case "no":
      return false;
    case "always":
      return true;
    case "on-success":
      return result === "success";
    case "on-failure":
      return result !== "success";
    case "on-abnormal":
      return result !== "success" && result !== "exit-code";
    case "on-watchdog":
      return result === "watchdog";
    case "on-abort":
      return result === "signal" || result === "core-dump";
  }
}

/** SERVICE_RESULT, and EXIT_CODE and EXIT_STATUS where the main process has ended: what the commands of a stop get. */
export function resultVariables(
  result: UnitResult,
  mainStatus: number | undefined,
): Readonly<Record<string, string>> {
  if (mainStatus === undefined) return { SERVICE_RESULT: result };
  const { exitCode = 0, signal } = decodeWaitStatus(0, mainStatus);
  const ended =
    signal === undefined
      ? { EXIT_CODE: "exited", EXIT_STATUS: String(exitCode) }
      : {
          EXIT_CODE: (mainStatus & coreDumped) === 0 ? "killed" : "dumped",
          EXIT_STATUS: signalName(signal).replace(/^SIG/, ""),
        };
  return { SERVICE_RESULT: result, ...ended };
}

/** How a process ended, for people: `exited with 203 (EXEC)`. */
export function describeEnd({ status }: Pick<End, "status">): string {
  const { exitCode = 0, signal } = decodeWaitStatus(0, status);
  if (signal === undefined) {
    const name = exitStatusName(exitCode);
    return `exited with ${exitCode}${name === undefined || exitCode === 0 ? "" : ` (${name})`}`;
  }
  const dumped = (status & coreDumped) === 0 ? "" : ", core dumped";
  return `was ended by ${signalName(signal)}${dumped}`;
}
