// The state of one service and the only function that changes it.
//
//   stopped --start--> starting --started--> running --stop--> stopping --stopped--> stopped
//                      starting --failed / one-shot done / cancelled--> stopped
//                      running  --process ended--> stopped
//
// Pure: no clock, no process, no I/O. What it holds is JSON, since it is the note from which a new daemon resumes.

import type { RunningValue } from "../definition/types.js";
import type { SetupFailure } from "../keeper/types.js";
import { afterwards, type Condition, type StoredDescriptor } from "../readiness/condition.js";

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
  /** Why the last start failed; gone after a good one. */
  readonly failure: string | undefined;
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
  | { readonly type: "start"; readonly time: Time; readonly arguments: readonly string[] }
  | { readonly type: "start-again" }
  | { readonly type: "spawned"; readonly child: string }
  | { readonly type: "own-process-ended"; readonly id: string; readonly end: ProcessEnd }
  /** `child` is the process of the running value. */
  | { readonly type: "started"; readonly time: Time; readonly value: RunningValue; readonly child?: string }
  | { readonly type: "one-shot-done"; readonly time: Time }
  | { readonly type: "start-failed"; readonly time: Time; readonly reason: string }
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
  /** Another process is the running value's; the one before, `former`, ends with the service. */
  | {
      readonly type: "succeeded";
      readonly value: RunningValue;
      readonly child: string;
      readonly former: string;
    }
  | { readonly type: "process-ended"; readonly time: Time; readonly status: number; readonly leader?: Leader }
  /** What is known by now of the last process that ended. */
  | { readonly type: "out-of-memory" }
  | { readonly type: "decision"; readonly undecided: boolean }
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

/** Caps of the histories, as the Shepherd's (its respawn history has none; ours does). */
const caps = {
  statusChanges: 30,
  startupFailures: 10,
  exitStatuses: 10,
  lastRespawns: 100,
  processes: 100,
  leaders: 100,
} as const;

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
  failure: undefined,
  statusChanges: [],
  startupFailures: [],
  lastRespawns: [],
  exitStatuses: [],
  condition: {},
  notifySocket: undefined,
  stored: [],
};

/** The state after `event`; throws where the event cannot happen in this state, which is a defect of the caller. */
export function reduce(state: ServiceState, event: StateEvent): ServiceState {
  switch (event.type) {
    case "want":
      return {
        ...state,
        wanted: event.wanted,
        wantedSince: event.wanted === undefined ? undefined : (state.wantedSince ?? event.time),
      };
    case "start":
      expect(state, event, "stopped");
      return {
        ...enter(state, "starting", event.time),
        respawnAt: undefined,
        undecided: false,
        processes: [],
        startArguments: event.arguments,
        wanted: undefined,
        condition: {},
      };
    case "start-again":
      expect(state, event, "starting");
      return { ...state, processes: [], condition: {} };
    case "spawned": {
      if (state.status !== "stopping" && state.status !== "running") expect(state, event, "starting");
      const made = { id: event.child, ...(state.status === "stopping" ? { stop: true as const } : {}) };
      return { ...state, processes: push(state.processes, made, caps.processes) };
    }
    case "own-process-ended": {
      const { id, end } = event;
      // A service that runs need not know any more of those that helped it to.
      const processes =
        state.status === "starting" || state.status === "stopping"
          ? state.processes.map((one) => (one.id === id ? { ...one, end } : one))
          : state.processes.filter((one) => one.id !== id);
      return { ...state, processes };
    }
    case "started":
      expect(state, event, "starting");
      return {
        ...enter(state, "running", event.time),
        value: event.value,
        processes: state.processes.filter(({ id, end }) => end === undefined && id !== event.child),
        startArguments: [],
        wanted: state.wanted === "restart" ? "restart" : undefined,
        respawning: false,
        failure: undefined,
        startupFailures: [],
      };
    case "one-shot-done":
      expect(state, event, "starting");
      return {
        ...settle(state, event.time),
        failure: undefined,
        startupFailures: [],
      };
    case "start-failed":
      expect(state, event, "starting");
      return {
        ...settle(state, event.time),
        failure: event.reason,
        startupFailures: push(state.startupFailures, event.time, caps.startupFailures),
      };
    case "start-cancelled":
      expect(state, event, "starting");
      return settle(state, event.time);
    case "value-changed":
      expect(state, event, "running");
      return {
        ...state,
        value: event.value,
        processes: state.processes.filter(({ id }) => id !== event.child),
        leaders: event.leader === undefined ? state.leaders : push(state.leaders, event.leader, caps.leaders),
      };
    case "told":
      return { ...state, condition: { ...state.condition, ...event.told } };
    case "notify-socket":
      return { ...state, notifySocket: event.path };
    case "stored":
      return { ...state, stored: event.stored };
    case "disowned":
      return { ...state, processes: state.processes.filter(({ id }) => id !== event.child) };
    case "succeeded": {
      expect(state, event, "running");
      const others = state.processes.filter(({ id }) => id !== event.child);
      return {
        ...state,
        value: event.value,
        processes: push(others, { id: event.former }, caps.processes),
      };
    }
    case "process-ended": {
      const exitStatuses = push(
        state.exitStatuses,
        { status: event.status, time: event.time },
        caps.exitStatuses,
      );
      if (state.status !== "running") return { ...state, exitStatuses };
      return { ...leave(state, event.time, event.leader), exitStatuses };
    }
    case "out-of-memory": {
      const [last, ...earlier] = state.exitStatuses;
      if (last === undefined) return state;
      return { ...state, exitStatuses: [{ ...last, outOfMemory: true }, ...earlier] };
    }
    case "decision":
      return { ...state, undecided: event.undecided };
    case "cleared-away":
      return {
        ...state,
        leaders: state.leaders.filter(({ id }) => !event.leaders.some((one) => one.id === id)),
      };
    case "ended":
      expect(state, event, "running");
      return { ...leave(state, event.time, undefined), failure: event.reason };
    case "stop":
      expect(state, event, "running");
      return enter(state, "stopping", event.time);
    case "stopped":
      expect(state, event, "stopping");
      return {
        ...settle(state, event.time),
        value: undefined,
        startupFailures: [],
        failure: undefined,
        lastRespawns: event.explicit ? [] : state.lastRespawns,
      };
    case "enable":
      return { ...state, enabled: true, disabledBecause: undefined, lastRespawns: [] };
    case "disable":
      return {
        ...state,
        enabled: false,
        disabledBecause: event.because,
        respawnAt: undefined,
        respawning: false,
        undecided: false,
      };
    case "respawn-scheduled":
      expect(state, event, "stopped");
      return { ...state, respawnAt: event.at, respawning: false };
    case "respawn-cancelled":
      return { ...state, respawnAt: undefined, respawning: false, undecided: false };
    case "respawning":
      return {
        ...state,
        respawning: true,
        lastRespawns: push(state.lastRespawns, event.time, caps.lastRespawns),
      };
  }
}

/** Whether it is stopped with nothing due or wanted that would start it. */
export function isDown({ status, respawnAt, wanted }: ServiceState): boolean {
  return status === "stopped" && respawnAt === undefined && wanted === undefined;
}

function enter(state: ServiceState, status: Status, time: Time): ServiceState {
  return { ...state, status, statusChanges: push(state.statusChanges, { status, time }, caps.statusChanges) };
}

/** Stopped, with nothing under way; what was to be restarted is to be started now. */
function settle(state: ServiceState, time: Time): ServiceState {
  return {
    ...enter(state, "stopped", time),
    processes: [],
    startArguments: [],
    respawning: false,
    condition: {},
    wanted: state.wanted === undefined ? undefined : "start",
  };
}

/** Stopped by itself: what it leaves behind is to be ended. */
function leave(state: ServiceState, time: Time, leader: Leader | undefined): ServiceState {
  const left = state.processes.map(({ id }) => ({ id, pid: 0 }));
  const leaders = [...(leader === undefined ? [] : [leader]), ...left, ...state.leaders];
  return {
    ...settle(state, time),
    value: undefined,
    leaders: leaders.slice(0, caps.leaders),
    condition: afterwards(state.condition),
  };
}

function push<T>(list: readonly T[], item: T, cap: number): readonly T[] {
  return [item, ...list.slice(0, cap - 1)];
}

function expect(state: ServiceState, event: StateEvent, status: Status): void {
  if (state.status !== status)
    throw new Error(`event "${event.type}" needs a ${status} service; it is ${state.status}`);
}
