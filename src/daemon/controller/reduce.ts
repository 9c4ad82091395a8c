// The state of one service and the only function that changes it.
//
//   stopped --start--> starting --started--> running --stop--> stopping --stopped--> stopped
//                      starting --failed / one-shot done / cancelled--> stopped
//                      running  --process ended--> stopped
//
// A unit's run that is over, or its start that is, has an aftermath: commands and a tidying that are part of it.
//
//                      starting --skipped--> stopped
//                      starting, running --aftermath--> stopping --aftermath over--> stopped
//
// Pure: no clock, no process, no I/O. What it holds is JSON, since it is the note from which a new daemon resumes.

import { afterwards } from "../readiness/condition.js";
import { mainStatus } from "../units/run.js";
import {
  isReload,
  type Leader,
  type OwnProcess,
  type ServiceState,
  type StateEvent,
  type Status,
  type Time,
} from "./state.js";

/** Caps of the histories, as the Shepherd's (its respawn history has none; ours does). */
const caps = {
  statusChanges: 30,
  startupFailures: 10,
  exitStatuses: 10,
  lastRespawns: 100,
  processes: 100,
  leaders: 100,
} as const;

/** The state after `event`; throws where the event cannot happen in this state, which is a defect of the caller. */
export function reduce(state: ServiceState, event: StateEvent): ServiceState {
  switch (event.type) {
    case "want":
      return {
        ...state,
        wanted: event.wanted,
        wantedSince: event.wanted === undefined ? undefined : (state.wantedSince ?? event.time),
      };
    case "start": {
      expect(state, event, "stopped");
      const { invocation: _former, ...before } = state;
      return {
        ...enter(before, "starting", event.time),
        respawnAt: undefined,
        undecided: false,
        ownEnd: undefined,
        processes: [],
        startArguments: event.arguments,
        wanted: undefined,
        condition: {},
        skipped: undefined,
        result: undefined,
        mainStatus: undefined,
        ...(event.unit === true && !state.respawning ? { startedAt: event.time } : {}),
      };
    }
    case "start-again":
      expect(state, event, "starting");
      return { ...state, processes: [], condition: {} };
    case "spawned": {
      if (state.status !== "stopping" && state.status !== "running") expect(state, event, "starting");
      const { child: id, step } = event;
      const made = {
        id,
        ...(state.status === "stopping" ? { stop: true as const } : {}),
        ...(step === undefined ? {} : { step }),
      };
      return { ...state, processes: push(stillOfUse(state.processes, step), made, caps.processes) };
    }
    case "taken":
      if (state.status !== "stopping") expect(state, event, "starting");
      return { ...state, processes: push(state.processes, { id: event.child }, caps.processes) };
    case "late":
      return {
        ...state,
        processes: state.processes.map((one) =>
          one.id === event.child ? { ...one, late: true as const } : one,
        ),
      };
    case "own-process-ended": {
      const { id, end } = event;
      // A service that runs need not know any more of those that helped it to.
      const isUnderWay = state.status === "starting" || state.status === "stopping";
      const processes = state.processes.flatMap((one) => {
        if (one.id !== id) return [one];
        return isUnderWay || isReload(one) ? [{ ...one, end }] : [];
      });
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
        ownEnd: "success",
        failure: undefined,
        startupFailures: [],
      };
    case "start-failed":
      expect(state, event, "starting");
      return {
        ...settle(state, event.time),
        ownEnd: "failure",
        failure: event.reason,
        startupFailures: push(state.startupFailures, event.time, caps.startupFailures),
        ...(event.result === undefined ? {} : { result: event.result }),
      };
    case "skipped":
      expect(state, event, "starting");
      return {
        ...settle(state, event.time),
        failure: undefined,
        skipped: event.reason,
        startupFailures: [],
      };
    case "aftermath":
      if (state.status !== "running") expect(state, event, "starting");
      return {
        ...enter(state, "stopping", event.time),
        processes: state.processes.filter((one) => !isReload(one) || one.end === undefined),
        aftermath: event.aftermath,
        result: event.aftermath.result,
        startArguments: [],
      };
    case "aftermath-final":
      return state.aftermath === undefined
        ? state
        : { ...state, aftermath: { ...state.aftermath, final: true } };
    case "result":
      return { ...state, result: event.result };
    case "invocation":
      return { ...state, invocation: event.invocation };
    case "aftermath-over":
      expect(state, event, "stopping");
      return finished(state, event.time);
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
        processes: event.former === undefined ? others : push(others, { id: event.former }, caps.processes),
        mainStatus: undefined,
      };
    }
    case "process-ended": {
      const exitStatuses = push(
        state.exitStatuses,
        { status: event.status, time: event.time },
        caps.exitStatuses,
      );
      if (event.main === true) return { ...state, exitStatuses, mainStatus: event.status };
      if (state.status !== "running") return { ...state, exitStatuses };
      const ownEnd = event.status === 0 ? "success" : "failure";
      return { ...leave(state, event.time, event.leader), ownEnd, exitStatuses };
    }
    case "out-of-memory": {
      const [last, ...earlier] = state.exitStatuses;
      if (last === undefined) return state;
      return { ...state, exitStatuses: [{ ...last, outOfMemory: true }, ...earlier] };
    }
    case "decision":
      return { ...state, undecided: event.undecided };
    case "attended-to":
      return { ...state, ownEnd: undefined };
    case "cleared-away":
      return {
        ...state,
        leaders: state.leaders.filter(({ id }) => !event.leaders.some((one) => one.id === id)),
      };
    case "ended":
      expect(state, event, "running");
      return { ...leave(state, event.time, undefined), ownEnd: "failure", failure: event.reason };
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
      return {
        ...state,
        enabled: true,
        disabledBecause: undefined,
        lastRespawns: [],
        // Of a unit: how it ended is forgiven, and it counts as failed no more.
        ...(state.result === undefined || state.status !== "stopped"
          ? {}
          : { result: undefined, failure: undefined }),
      };
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

/** The aftermath of a unit is over: what it was decides what is told of it. */
function finished(state: ServiceState, time: Time): ServiceState {
  const { aftermath, result } = state;
  const { of = "run", reason, final = false } = aftermath ?? {};
  const settled = {
    ...settle(state, time),
    value: undefined,
    mainStatus: mainStatus(state),
    aftermath: undefined,
    condition: afterwards(state.condition),
  };
  switch (of) {
    case "failed":
      return {
        ...settled,
        ownEnd: "failure",
        failure: reason,
        startupFailures: push(state.startupFailures, time, caps.startupFailures),
        ...(final ? { lastRespawns: [] } : {}),
      };
    case "skipped":
      return { ...settled, failure: undefined, skipped: reason, startupFailures: [] };
    case "cancelled":
      return settled;
    case "done":
    case "run":
      return {
        ...settled,
        ownEnd: result === "success" ? "success" : "failure",
        failure: result === "success" ? undefined : reason,
        ...(of === "done" ? { startupFailures: [] } : {}),
        ...(final ? { lastRespawns: [] } : {}),
      };
  }
}

/** Of a unit: once a further command is spawned those of before are of no use, but for what its service is. */
function stillOfUse(processes: readonly OwnProcess[], step: string | undefined): readonly OwnProcess[] {
  if (step === undefined) return processes;
  return processes.filter(
    (one) => one.step === undefined || one.end === undefined || /^(?:main|start \d+)$/.test(one.step),
  );
}

function push<T>(list: readonly T[], item: T, cap: number): readonly T[] {
  return [item, ...list.slice(0, cap - 1)];
}

function expect(state: ServiceState, event: StateEvent, status: Status): void {
  if (state.status !== status)
    throw new Error(`event "${event.type}" needs a ${status} service; it is ${state.status}`);
}
