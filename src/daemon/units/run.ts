// What the modules here are given of the service that a unit is, and its processes as the service's note has them: whatever
// is under way is found there again by the next daemon.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import type { Host } from "../constructors/host.js";
import type { OwnProcess, ServiceState, StateEvent } from "../controller/state.js";
import type { ProcessReference } from "../definition/types.js";
import type { SpawnSpec } from "../keeper/types.js";
import type { Child, Step } from "../processes.js";
import type { Attendant } from "../readiness/attendant.js";
import type { Phase } from "./execution/types.js";
import type { UnitData } from "./types.js";

/** A unit's service, of which something is under way. */
export interface UnitRun {
  readonly host: Host;
  /** The service's canonical name. */
  readonly name: string;
  readonly data: UnitData;
  readonly service: ServiceSettings;
  readonly attendant: Attendant;
  /** As it is at this moment. */
  readonly state: ServiceState;
  dispatch(event: StateEvent): void;
  log(line: string): void;
  /** Spawns a process; that it was, and as which step of what is under way, is noted together with it. */
  spawn(id: string, spec: SpawnSpec, step: Step, name: string): Child;
  /** Has the end of a process of an earlier daemon, or of an adopted one, noted. */
  follow(child: Child): void;
}

/** What `step` of a process is while it is one of a phase's commands; numbers begin at 1. */
export function stepName(phase: Phase, number: number): string {
  return `${phase} ${number}`;
}

/** The process that the process of ExecStart= has left behind to be the main one. */
export const mainStep = "main";

/** Phases of a stop, whose processes are told from those of the start before. */
const ofStop: readonly Phase[] = ["stop", "stop-post"];

/** The command of a phase that was begun last, if one was. */
export function lastOf(
  { processes }: ServiceState,
  phase: Phase,
): { readonly number: number; readonly made: OwnProcess } | undefined {
  for (const made of processes) {
    if (made.step === undefined || (made.stop ?? false) !== ofStop.includes(phase)) continue;
    const number = made.step.startsWith(`${phase} `) ? Number(made.step.slice(phase.length + 1)) : 0;
    if (number > 0) return { number, made };
  }
  return undefined;
}

/** Whether one of these phases was begun. */
export function hasBegun(state: ServiceState, phases: readonly Phase[]): boolean {
  return phases.some((phase) => lastOf(state, phase) !== undefined);
}

/** The process that a note tells of, dead or alive; undefined where the keeper has refused to spawn it. */
export function childOf({ host }: Pick<UnitRun, "host">, { id, end }: OwnProcess): Child | undefined {
  return host.processes.get(id) ?? (end === undefined ? undefined : host.processes.remember(id, end));
}

/** The main process, where it lives: what MAINPID names. */
export function livingMain({ host, state }: Pick<UnitRun, "host" | "state">): Child | undefined {
  const { value, processes } = state;
  const ids = [
    ...(isReference(value) ? [value.id] : []),
    ...processes
      .filter(({ step, stop }) => stop !== true && (step === mainStep || step === stepName("start", 1)))
      .map(({ id }) => id),
  ];
  for (const id of ids) {
    const child = host.processes.get(id);
    if (child !== undefined && child.end === undefined) return child;
  }
  return undefined;
}

function isReference(value: ServiceState["value"]): value is ProcessReference {
  return typeof value === "object" && value !== null && "type" in value && value.type === "process";
}

/** The raw wait status of the main process, where there was one and it has ended. */
export function mainStatus({ mainStatus: told, processes }: ServiceState): number | undefined {
  if (told !== undefined) return told;
  const main =
    processes.find(({ step, stop }) => stop !== true && step === mainStep) ??
    processes.find(({ step, stop }) => stop !== true && step?.startsWith("start ") === true);
  return main?.end?.status;
}

/** A variable with the main process, where there is one: every command but the main one gets it. */
export function mainVariables(run: Pick<UnitRun, "host" | "state">): Readonly<Record<string, string>> {
  const main = livingMain(run);
  return main === undefined ? {} : { MAINPID: String(main.pid) };
}

/** Tells all of a unit's processes from every other one's, whichever command they come from. */
export function unitMark({ markPrefix }: Pick<Host, "markPrefix">, service: string): string {
  return `${markPrefix}.unit.${encodeURIComponent(service)}`;
}

/** Whether a reload was under way when an earlier daemon died. */
export function isReloading(run: Pick<UnitRun, "state">): boolean {
  return lastOf(run.state, "reload") !== undefined;
}
