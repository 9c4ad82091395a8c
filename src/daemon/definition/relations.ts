// How services stand to each other beyond requiring each other: the fields of a definition, and their checks.

import type { Checks } from "./check.js";
import { fields } from "./fields.js";

/** Relations of a service to others, which are named by any of their names; one that is absent has none of that kind. */
export interface Relations {
  /** Started along with this one, if there are such services; whether they come up makes no difference. Default: none. */
  readonly wants?: readonly string[];
  /**
   * Where one of these is being started too, this one waits until that is over, however it ends; this one stops first. It
   * is order alone: nothing is started for it, and names that nobody provides are ignored. Default: none.
   */
  readonly after?: readonly string[];
  /** As `after`, the other way round: these wait for this one. Default: none. */
  readonly before?: readonly string[];
  /** Must run already, or the start fails; they are not started for it. This one stops when they are stopped. Default: none. */
  readonly requisite?: readonly string[];
  /**
   * Requirements that this one does not outlive: it is stopped also where one of them ends by itself and is not respawned.
   * Default: none.
   */
  readonly bindsTo?: readonly string[];
  /** When one of these is stopped or restarted, this one is too. Default: none. */
  readonly partOf?: readonly string[];
  /** Never run at the same time as this one: whichever is started has the other stopped first. Default: none. */
  readonly conflicts?: readonly string[];
  /** Started when this one has failed, be it its start or its run, and is not respawned. Default: none. */
  readonly onFailure?: readonly string[];
  /** Started when this one has ended by itself, well, and is not respawned. Default: none. */
  readonly onSuccess?: readonly string[];
  /** Started along with this one, and again whenever they are found stopped while it runs. Default: none. */
  readonly upholds?: readonly string[];
  /** When this one's action `reload` has been carried out, theirs is, of those that run. Default: none. */
  readonly propagatesReloadTo?: readonly string[];
  /** Stopped when this one stops, but for a restart. Default: none. */
  readonly propagatesStopTo?: readonly string[];
  /** Whether it is stopped as soon as no service that runs or is being started requires, wants or upholds it. Default false. */
  readonly stopWhenUnneeded?: boolean;
}

/** Those that are lists of names. */
export type RelationKind = Exclude<keyof Relations, "stopWhenUnneeded">;

export const relationKinds = [
  "wants",
  "after",
  "before",
  "requisite",
  "bindsTo",
  "partOf",
  "conflicts",
  "onFailure",
  "onSuccess",
  "upholds",
  "propagatesReloadTo",
  "propagatesStopTo",
] as const satisfies readonly RelationKind[];

export const relationChecks: Checks<Relations> = {
  wants: fields.names,
  after: fields.names,
  before: fields.names,
  requisite: fields.names,
  bindsTo: fields.names,
  partOf: fields.names,
  conflicts: fields.names,
  onFailure: fields.names,
  onSuccess: fields.names,
  upholds: fields.names,
  propagatesReloadTo: fields.names,
  propagatesStopTo: fields.names,
  stopWhenUnneeded: fields.flag,
};

/** What there is of them, frozen and each name once; undefined where there are none. */
export function relationsOf(given: Relations): Relations | undefined {
  const lists = relationKinds
    .map((kind) => [kind, [...new Set(given[kind])]] as const)
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => [kind, Object.freeze(names)] as const);
  if (lists.length === 0 && given.stopWhenUnneeded !== true) return undefined;
  return Object.freeze({
    ...Object.fromEntries(lists),
    ...(given.stopWhenUnneeded === true ? { stopWhenUnneeded: true } : {}),
  });
}
