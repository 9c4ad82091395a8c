// What a service that does not run waits for, what would make its start fail, and who waits for it.

import type { Hindrance, Waiting } from "../../protocol/waiting.js";
import type { Controller } from "../controller/controller.js";
import type { Registry } from "../registry/registry.js";

/** Of the registry, what that takes. */
export type Neighbours = Pick<Registry, "find" | "naming" | "startedBefore" | "startedAfter">;

export function waitingOf(controller: Controller, neighbours: Neighbours): Waiting {
  const { status, respawnAt } = controller.state;
  if (status === "running") return { wanted: false, lacking: [], awaitedBy: [] };
  const wanted = isWaiting(controller);
  return {
    wanted,
    lacking: wanted ? lackingNow(controller, neighbours) : impossible(controller, neighbours),
    awaitedBy: unique([
      ...neighbours.naming(controller, "requirement").filter(isWaiting),
      ...(isOnItsWay(controller) ? neighbours.startedAfter(controller).filter(isWaiting) : []),
    ]),
    ...(respawnAt === undefined ? {} : { respawnAt: Math.ceil(respawnAt) }),
  };
}

function isWaiting({ state }: Controller): boolean {
  return state.wanted !== undefined && state.status !== "running" && state.status !== "starting";
}

function isOnItsWay(controller: Controller): boolean {
  return controller.state.status === "starting" || isWaiting(controller);
}

/** What its start waits for: what it requires and has not, and what comes before it by order alone. */
function lackingNow(controller: Controller, neighbours: Neighbours): Waiting["lacking"] {
  const lacking = unmet(controller, neighbours);
  const known = new Set(lacking.map(({ service }) => service));
  const before = neighbours.startedBefore(controller).filter(({ name }) => !known.has(name));
  return [
    ...lacking,
    ...before.filter(isOnItsWay).map(({ name }) => ({ service: name, how: "starting" as const })),
  ];
}

/** What nobody waits for, and yet would have its start fail. */
function impossible(controller: Controller, neighbours: Neighbours): Waiting["lacking"] {
  if (controller.state.status !== "stopped") return [];
  return unmet(controller, neighbours).filter(
    ({ how }) => how === "missing" || how === "disabled" || how === "failed",
  );
}

/** The requirements that are not up. */
function unmet({ definition }: Controller, neighbours: Neighbours): Waiting["lacking"] {
  return definition.requirement.flatMap((name) => {
    const other = neighbours.find(name);
    if (other === undefined) return [{ service: name, how: "missing" as const }];
    const how = hindrance(other);
    return how === undefined ? [] : [{ service: other.name, how }];
  });
}

/** Undefined for one that is up, a one-shot that is done, and one that there was no reason to start. */
function hindrance({ state, definition }: Controller): Hindrance | undefined {
  const { status, enabled, failure, startupFailures, statusChanges, wanted, skipped } = state;
  if (status === "running" || skipped !== undefined) return undefined;
  if (status !== "stopped") return status;
  if (wanted !== undefined) return "starting";
  if (!enabled) return "disabled";
  if (failure !== undefined || startupFailures.length > 0) return "failed";
  const hasRun = statusChanges.some((change) => change.status === "starting");
  return definition.oneShot && hasRun ? undefined : "stopped";
}

function unique(controllers: readonly Controller[]): readonly string[] {
  return [...new Set(controllers.map(({ name }) => name))];
}
