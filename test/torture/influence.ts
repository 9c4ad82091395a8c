// Which operations of a round bear on a service, through its requirements and dependents too, and what a flag may be
// after operations of which some overlap and some were cut off.

import { memberOf, withDependents, withRequirements } from "./fleet.js";
import type { Done } from "./history.js";

export interface Influence {
  /** What can stop it, its own crashes aside. */
  readonly stops: readonly Done[];
  /** What can start it, respawns of itself aside. */
  readonly starts: readonly Done[];
  readonly crashes: readonly Done[];
  /** What can let it be another one of the same name. */
  readonly renewals: readonly Done[];
}

/** Refused ones may have had an effect too: a restart that fails has stopped its service. */
export function influenceOn(name: string, operations: readonly Done[]): Influence {
  const up = withRequirements(name);
  const down = withDependents(name);
  const { module, transient } = memberOf(name);
  const of = (test: (done: Done) => boolean): Done[] => operations.filter(test);
  return {
    stops: of(
      ({ operation }) =>
        ((operation.verb === "stop" || operation.verb === "restart" || operation.verb === "unload") &&
          up.has(operation.service)) ||
        (operation.verb === "reload" && module !== undefined && operation.module !== module),
    ),
    starts: of(({ operation, outcome }) => {
      switch (operation.verb) {
        case "start":
        case "spawn":
          return down.has(operation.service);
        case "restart":
          // What this stopped is started again, with all that it requires.
          return [...withDependents(operation.service)].some((other) => down.has(other));
        case "load":
        case "reload":
          return operation.module === module;
        case "enable":
          // A respawn that waits for its requirements can go on.
          return up.has(operation.service) && operation.service !== name;
        case "crash":
          // A dependent that is respawned starts what it requires.
          return outcome === "hit" && down.has(operation.service) && operation.service !== name;
        default:
          return false;
      }
    }),
    crashes: of(
      ({ operation, outcome }) =>
        operation.verb === "crash" && operation.service === name && outcome === "hit" && isDeadly(operation),
    ),
    renewals: of(
      ({ operation }) =>
        (operation.verb === "unload" && operation.service === name) ||
        ((operation.verb === "load" || operation.verb === "reload") && module !== undefined) ||
        (transient && "service" in operation && operation.service === name),
    ),
  };
}

function isDeadly(operation: Done["operation"] & { readonly verb: "crash" }): boolean {
  return operation.by !== "SIGTERM" || !memberOf(operation.service).stubborn;
}

/** An operation that sets a flag; its effect falls between the two times, if it has one. */
export interface Setting<T> {
  readonly value: T;
  readonly sent: number;
  readonly ended: number;
  /** Whether it was carried out for certain. */
  readonly certain: boolean;
}

/** What a flag can be after these, whatever the order of those that overlap. */
export function possibleValues<T>(initial: T, settings: readonly Setting<T>[]): ReadonlySet<T> {
  const certain = settings.filter((setting) => setting.certain);
  const last = settings.filter((setting) => !certain.some(({ sent }) => setting.ended < sent));
  return new Set([...(certain.length === 0 ? [initial] : []), ...last.map(({ value }) => value)]);
}

/** Whether the service may be enabled afterwards, as far as the operations tell. */
export function possiblyEnabled(
  name: string,
  initial: boolean,
  operations: readonly Done[],
): ReadonlySet<boolean> {
  return possibleValues(
    initial,
    operations.flatMap(({ operation, outcome, sent, ended }) =>
      (operation.verb === "enable" || operation.verb === "disable") && operation.service === name
        ? [{ value: operation.verb === "enable", sent, ended, certain: outcome === "done" }]
        : [],
    ),
  );
}

/** Whether a service of a module may be registered afterwards. */
export function possiblyRegistered(
  name: string,
  initial: boolean,
  operations: readonly Done[],
): ReadonlySet<boolean> {
  const { module, transient } = memberOf(name);
  const settings = operations.flatMap((done): readonly Setting<boolean>[] => {
    const { operation, outcome, sent, ended } = done;
    const certain = outcome === "done";
    if (operation.verb === "load")
      return operation.module === module ? [{ value: true, sent, ended, certain }] : [];
    if (operation.verb === "reload") return [{ value: operation.module === module, sent, ended, certain }];
    if (!("service" in operation)) return [];
    const isOver = operation.verb === "stop" || operation.verb === "restart" || operation.verb === "unload";
    if (operation.service !== name)
      return transient && isOver && withRequirements(name).has(operation.service)
        ? [{ value: false, sent, ended, certain: false }]
        : [];
    if (operation.verb === "unload") return [{ value: false, sent, ended, certain }];
    if (operation.verb === "spawn") return [{ value: true, sent, ended, certain }];
    if (!transient) return [];
    // Its end is that of a transient service; a crash is only ordered here, and happens later.
    if (operation.verb === "crash")
      return outcome === "hit"
        ? [{ value: false, sent, ended: Number.POSITIVE_INFINITY, certain: isDeadly(operation) }]
        : [];
    return operation.verb === "stop" || operation.verb === "restart"
      ? [{ value: false, sent, ended, certain: false }]
      : [];
  });
  return possibleValues(initial, settings);
}
