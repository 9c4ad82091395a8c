// What a new configuration means for services that run: `shepherd system reconfigure`, as `guix system reconfigure` does it.

import { reachable } from "../composition/walk.js";
import { type GraphService, shepherdServiceLookupProcedure } from "./graph.js";
import { canonicalName } from "./service.js";

/** A service of the running supervisor. */
export interface LiveService extends GraphService {
  readonly transient: boolean;
  readonly running: boolean;
}

export interface ShepherdServiceUpgrade<Live extends LiveService> {
  /** Services that the target has no more, and that nothing of it requires. */
  readonly toUnload: readonly Live[];
  /** Services that run, and that the target provides: they go on as they were until they are restarted. */
  readonly toRestart: readonly Live[];
}

/** Services of a new configuration. */
export type TargetService = Pick<GraphService, "provision">;

/** Never unloaded: the supervisor is there by no configuration. */
const essential: readonly string[] = ["root", "shepherd"];

/**
 * Compares the services of the running supervisor with those of a new configuration. Transient services, such as those of
 * connections, are left alone: they end by themselves.
 *
 * A service that runs and has lost its canonical name, while another of its names is still provided, is both to be
 * unloaded and to be restarted, as in Guix; `reconfigurationPlan` decides.
 */
export function shepherdServiceUpgrade<Live extends LiveService>(
  live: readonly Live[],
  target: readonly TargetService[],
): ShepherdServiceUpgrade<Live> {
  const lookupLive = shepherdServiceLookupProcedure(live);
  const provided = new Set(target.flatMap(({ provision }) => provision));
  // What the target has, and what that is running by: unloading a requirement would stop it.
  const kept = reachable(
    live.filter((service) => provided.has(canonicalName(service))),
    ({ requirement }) => requirement.flatMap((name) => lookupLive(name) ?? []),
  );
  const upgradable = target.flatMap(
    ({ provision }) => provision.map(lookupLive).find((service) => service?.running === true) ?? [],
  );
  return {
    toUnload: live.filter(
      (service) => !kept.has(service) && !service.transient && !essential.includes(canonicalName(service)),
    ),
    toRestart: [...new Set(upgradable)],
  };
}

/** What is done, in this order, to bring a new configuration into force: canonical names. */
export interface ReconfigurationPlan {
  /** Unloaded: stopped, and forgotten. */
  readonly unload: readonly string[];
  /** Started. */
  readonly start: readonly string[];
  /** Left running by their old definitions: `herd restart` gives them the new ones. */
  readonly restart: readonly string[];
}

/**
 * What is to be done so that the services of a new configuration are the ones in force. A service that runs is never
 * restarted: its new definition waits until somebody does that.
 *
 * What the new configuration starts under another canonical name, while it runs under one of its other names, is not
 * started but waits as well; Guix would ask for a start of a name that nothing has yet.
 */
export function reconfigurationPlan(
  live: readonly LiveService[],
  target: readonly (TargetService & { readonly autoStart: boolean })[],
): ReconfigurationPlan {
  const { toUnload, toRestart } = shepherdServiceUpgrade(live, target);
  const unloaded = new Set(toUnload);
  const waiting = toRestart.filter((service) => !unloaded.has(service));
  const held = new Set(waiting.flatMap(({ provision }) => provision));
  return {
    unload: toUnload.map(canonicalName),
    start: target
      .filter(({ autoStart, provision }) => autoStart && !provision.some((name) => held.has(name)))
      .map(canonicalName),
    restart: waiting.map(canonicalName),
  };
}
