// Who extends a service: the edges of the graph, from the target's side.

import { AmbiguousTargetServiceError, MissingTargetServiceError } from "./errors.js";
import type { AnyServiceType, Service } from "./service-type.js";

/**
 * A function that gives the services of `services` that extend a service of it: those listed last come first, since that is
 * the order in which Guix folds them. The whole list is looked at, also what leads nowhere.
 *
 * @throws MissingTargetServiceError, AmbiguousTargetServiceError where an extension has no single target in the list
 */
export function serviceBackEdges(services: readonly Service[]): (of: Service) => readonly Service[] {
  const instances = new Map<AnyServiceType, Service[]>();
  for (const service of services) add(instances, service.kind, service);
  const dependents = new Map<Service, Service[]>();
  for (const service of services)
    for (const { target } of service.kind.extensions)
      add(dependents, onlyTarget(instances.get(target) ?? [], target, service), service);
  for (const list of dependents.values()) list.reverse();
  return (of) => dependents.get(of) ?? [];
}

/**
 * The one of `candidates` that can only be meant; `service` is what extends it.
 *
 * @throws MissingTargetServiceError, AmbiguousTargetServiceError where there is none, or several
 */
export function onlyTarget(
  candidates: readonly Service[],
  type: AnyServiceType,
  service: Service | undefined,
): Service {
  const [target, ...others] = candidates;
  if (target === undefined) throw new MissingTargetServiceError(service, type);
  if (others.length > 0) throw new AmbiguousTargetServiceError(service, type, candidates);
  return target;
}

function add<Key>(lists: Map<Key, Service[]>, key: Key, service: Service): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [service]);
  else list.push(service);
}
