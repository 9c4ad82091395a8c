// Requests that an earlier daemon had begun, sent again by their clients: what has come of them since stands, and only
// what is left is done.

import type { Controller } from "../controller/controller.js";
import type { Registry } from "../registry/registry.js";
import type { Request } from "../request.js";
import type { Supervisor } from "../supervisor.js";

export interface Resumable {
  readonly controller: Controller;
  readonly args: readonly string[];
  readonly request: Request;
  readonly registry: Registry;
  readonly supervisor: Supervisor;
  /** Seconds since the epoch. */
  readonly begun: number;
}

/** Joins a start that is under way; one that has come to an end since, good or bad, is not made a second time. */
export async function resumeStart(resumable: Resumable): Promise<boolean> {
  const { controller, args, request, supervisor } = resumable;
  const { name, state } = controller;
  const failed = failedSince(resumable);
  tellFailures(failed, request);
  if (failed.length > 0) {
    request.say(`Service ${name} could not be started.`);
    return false;
  }
  if (state.status === "running" || (state.status !== "starting" && cameUpSince(resumable))) {
    request.say(`Service ${name} has been started.`);
    return true;
  }
  if (await supervisor.start(name, args, request)) return true;
  // The start that was joined told its reasons to the log alone.
  tellFailures(failedSince(resumable), request);
  return false;
}

/** A one-shot service is up, for its dependents' sake, by having been started. */
function cameUpSince({ controller, begun }: Resumable): boolean {
  const { definition, state } = controller;
  const up = definition.oneShot ? "starting" : "running";
  return state.statusChanges.some(({ status, time }) => status === up && time >= begun);
}

/** The next daemon finishes a restart that had come to its stop: what is left then is the start. */
export async function resumeRestart(resumable: Resumable): Promise<boolean> {
  const { controller, args, request, supervisor, begun } = resumable;
  const { status, statusChanges } = controller.state;
  const isUntouched = status === "running" && (statusChanges[0]?.time ?? 0) < begun;
  if (isUntouched) return await supervisor.restart(controller.name, args, request);
  return await resumeStart(resumable);
}

function tellFailures(failed: readonly Controller[], request: Request): void {
  for (const { name, state } of failed)
    request.say(`Failed to start ${name}: ${state.failure ?? "the reason is not known"}`);
}

/** The service and those it requires, as far as their starts have failed since then; requirements first. */
function failedSince({ controller, registry, begun }: Resumable): Controller[] {
  const seen = new Set<Controller>();
  const visit = (next: Controller): void => {
    if (seen.has(next)) return;
    seen.add(next);
    for (const name of next.definition.requirement) {
      const requirement = registry.find(name);
      if (requirement !== undefined) visit(requirement);
    }
  };
  visit(controller);
  return [...seen]
    .filter(({ state }) => state.status === "stopped" && (state.startupFailures[0] ?? 0) >= begun)
    .reverse();
}
