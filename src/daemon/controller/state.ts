// What is known of one service: JSON, since it is the note from which a new daemon resumes; and the events that change it.

import type { RunningValue } from "../definition/types.js";
import type { SetupFailure } from "../keeper/types.js";
import type { Condition, StoredDescriptor } from "../readiness/condition.js";
import type { UnitResult } from "../units/result.js";

export type Status = "stopped" | "starting" | "running" | "stopping";

/** Seconds since the epoch, possibly with a fraction. */
export type Time = number;

export interface StatusChange {
  readonly status: Status;
  readonly time: Time;
}

export interface ExitRecord {
  /** The raw wait status. */
  readonly status: number;
  readonly time: Time;
  /** Whether the kernel had killed processes of the service for want of memory. */
  readonly outOfMemory?: true;
}

/** A process that the service's own start or stop has made, beside the one that is its running value. */
export interface OwnProcess {
  /** Its name in the keeper. */
  readonly id: string;
  /** Whether the stop made it. */
  readonly stop?: true;
  /** What it is of its unit: a phase and a number, such as `start-pre 2`; `main`, the process that `start 1` has left. */
  readonly step?: string;
  /** Its time was over before it had ended. */
  readonly late?: true;
  /** How it ended, which the launcher of a pid file's process does long before the start is over. */
  readonly end?: ProcessEnd;
}

/** The end of a process, with all that a later daemon needs of it. */
export interface ProcessEnd {
  readonly pid: number;
  /** Clock ticks since boot at its start. */
  readonly start: number;
  /** The raw wait status. */
  readonly status: number;
  readonly time: Time;
  /** Why it never came to execute its program. */
  readonly failure?: SetupFailure;
}

/** A start that somebody asked for and that has not begun: it waits for requirements; a restart, for its stop first. */
export type Wanted = "start" | "restart";

/** A process that ended by itself and may have left others behind, which are to be ended. */
export interface Leader {
  /** Its name in the keeper. */
  readonly id: string;
  readonly pid: number;
  /** Whether the service runs on, and may begin others in the same cgroup: only what is known to be of this one is ended. */
  readonly beside?: true;
}

/** What is to be done, before a unit is stopped, once its run is over or its start is. */
export interface Aftermath {
  /**
   * What is over: a start that failed, was given up by a stop, or was skipped by a command; a one-shot that has done its
   * work; a run that ended by itself.
   */
  readonly of: "failed" | "cancelled" | "skipped" | "done" | "run";
  /** How it ended. */
  readonly result: UnitResult;
  /** Why it failed, or was skipped. */
  readonly reason?: string;
  /** Whether the commands of ExecStop= come first. */
  readonly commands?: true;
  /** How what still runs is ended; absent: by the unit's usual signal. */
  readonly by?: "abort" | "kill";
  /** Somebody has asked for a stop meanwhile: it is not started again. */
  readonly final?: true;
}

/** How a service came to its end by itself: its run, or its start. */
export type OwnEnd = "failure" | "success";

/** Every list is newest first. */
export interface ServiceState {
  readonly status: Status;
  /** While running or stopping. */
  readonly value: RunningValue | undefined;
  readonly enabled: boolean;
  /** Why it was disabled, where that was not the user's doing. */
  readonly disabledBecause: string | undefined;
  /** Processes to be ended with the service, or when its start fails. */
  readonly processes: readonly OwnProcess[];
  /** Those whose remains have not been ended for certain. */
  readonly leaders: readonly Leader[];
  /** The arguments of the start that is under way. */
  readonly startArguments: readonly string[];
  readonly wanted: Wanted | undefined;
  /** When that was asked for. */
  readonly wantedSince: Time | undefined;
  /** When a service that waits to be respawned will be; kept until its start has begun, which requirements can delay. */
  readonly respawnAt: Time | undefined;
  /** Whether the start that is due or under way is a respawn, which is counted then; one that fails is tried again. */
  readonly respawning: boolean;
  /** Whether a termination handler is deciding what follows its end. */
  readonly undecided: boolean;
  /** How it came to its end by itself, as long as what follows of that for other services has not been done. */
  readonly ownEnd: OwnEnd | undefined;
  /** Why the last start failed; gone after a good one. */
  readonly failure: string | undefined;
  /** Of a unit: why its last start was skipped, since a condition did not hold. */
  readonly skipped: string | undefined;
  /** Of a unit: how its last start, or its last run, ended. */
  readonly result: UnitResult | undefined;
  /** Of a unit: the raw wait status of its main process, once that has ended. */
  readonly mainStatus: number | undefined;
  /** Of a unit that others follow the end of: which run that was, by its INVOCATION_ID. */
  readonly invocation?: string;
  /** Of a unit: what is under way after its run or its start; it is stopping then. */
  readonly aftermath: Aftermath | undefined;
  /** Of a unit: when its last start began that was no respawn; it counts against the respawn limit too. */
  readonly startedAt: Time | undefined;
  readonly statusChanges: readonly StatusChange[];
  readonly startupFailures: readonly Time[];
  readonly lastRespawns: readonly Time[];
  readonly exitStatuses: readonly ExitRecord[];
  /** What is known of this run's process beyond its being there. */
  readonly condition: Condition;
  /** The address of the notify socket, while the keeper holds one. */
  readonly notifySocket: string | undefined;
  /** Descriptors that its processes have given into keeping. */
  readonly stored: readonly StoredDescriptor[];
}

export type StateEvent =
  | { readonly type: "want"; readonly wanted: Wanted | undefined; readonly time: Time }
  /** `unit`: of a unit, whose starts count. */
  | {
      readonly type: "start";
      readonly time: Time;
      readonly arguments: readonly string[];
      readonly unit?: true;
    }
  | { readonly type: "start-again" }
  | { readonly type: "spawned"; readonly child: string; readonly step?: string }
  /** The keeper has spawned it by itself: what starts goes on with it, and a stop, which has not made it, ends it. */
  | { readonly type: "taken"; readonly child: string }
  /** The time of a process is over. */
  | { readonly type: "late"; readonly child: string }
  | { readonly type: "own-process-ended"; readonly id: string; readonly end: ProcessEnd }
  /** `child` is the process of the running value. */
  | { readonly type: "started"; readonly time: Time; readonly value: RunningValue; readonly child?: string }
  | { readonly type: "one-shot-done"; readonly time: Time }
  | {
      readonly type: "start-failed";
      readonly time: Time;
      readonly reason: string;
      readonly result?: UnitResult;
    }
  /** A condition does not hold: nothing was begun. */
  | { readonly type: "skipped"; readonly time: Time; readonly reason: string }
  | { readonly type: "aftermath"; readonly time: Time; readonly aftermath: Aftermath }
  /** Somebody wants it stopped for good. */
  | { readonly type: "aftermath-final" }
  /** What became clear meanwhile, or is made so by what failed in it. */
  | { readonly type: "result"; readonly result: UnitResult }
  | { readonly type: "invocation"; readonly invocation: string }
  | { readonly type: "aftermath-over"; readonly time: Time }
  | { readonly type: "start-cancelled"; readonly time: Time }
  /** `child`, spawned meanwhile, is the process of the new value, or has ended; `leader` then leaves others behind. */
  | {
      readonly type: "value-changed";
      readonly value: RunningValue;
      readonly child?: string;
      readonly leader?: Leader;
    }
  /** What is absent stays as it was; what is undefined is not known any more. */
  | { readonly type: "told"; readonly told: Condition }
  | { readonly type: "notify-socket"; readonly path: string | undefined }
  | { readonly type: "stored"; readonly stored: readonly StoredDescriptor[] }
  /** A process that was noted did not come to be the service's. */
  | { readonly type: "disowned"; readonly child: string }
  /** Another process is the running value's; the one before, `former`, ends with the service where it still lives. */
  | {
      readonly type: "succeeded";
      readonly value: RunningValue;
      readonly child: string;
      readonly former?: string;
    }
  /** `main`: of a unit, which is stopping or has no main process from now on. */
  | {
      readonly type: "process-ended";
      readonly time: Time;
      readonly status: number;
      readonly leader?: Leader;
      readonly main?: true;
    }
  /** What is known by now of the last process that ended. */
  | { readonly type: "out-of-memory" }
  | { readonly type: "decision"; readonly undecided: boolean }
  /** What followed of its end for other services is done. */
  | { readonly type: "attended-to" }
  | { readonly type: "cleared-away"; readonly leaders: readonly Leader[] }
  /** It ran without a process, and cannot any longer. */
  | { readonly type: "ended"; readonly time: Time; readonly reason: string }
  | { readonly type: "stop"; readonly time: Time }
  | { readonly type: "stopped"; readonly time: Time; readonly explicit: boolean }
  | { readonly type: "enable" }
  | { readonly type: "disable"; readonly because?: string }
  | { readonly type: "respawn-scheduled"; readonly at: Time }
  | { readonly type: "respawn-cancelled" }
  | { readonly type: "respawning"; readonly time: Time };

export const initialState: ServiceState = {
  status: "stopped",
  value: undefined,
  enabled: true,
  disabledBecause: undefined,
  processes: [],
  leaders: [],
  startArguments: [],
  wanted: undefined,
  wantedSince: undefined,
  respawnAt: undefined,
  respawning: false,
  undecided: false,
  ownEnd: undefined,
  failure: undefined,
  skipped: undefined,
  result: undefined,
  mainStatus: undefined,
  aftermath: undefined,
  startedAt: undefined,
  statusChanges: [],
  startupFailures: [],
  lastRespawns: [],
  exitStatuses: [],
  condition: {},
  notifySocket: undefined,
  stored: [],
};

/** Whether it is stopped with nothing due or wanted that would start it. */
export function isDown({ status, respawnAt, wanted }: ServiceState): boolean {
  return status === "stopped" && respawnAt === undefined && wanted === undefined;
}

/** Whether it is a command of a reload, whose end is noted although its service runs. */
export function isReload({ step }: OwnProcess): boolean {
  return step?.startsWith("reload ") === true;
}
