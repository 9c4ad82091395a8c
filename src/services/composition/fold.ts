// `foldServices`: how a list of services becomes one. Extensions are propagated down the graph, from what nothing extends to
// the root, and change the value of every service on the way.

import { onlyTarget, serviceBackEdges } from "./back-edges.js";
import { ServiceTypeCycleError } from "./errors.js";
import { type Service, type ServiceExtension, type ServiceType, withValue } from "./service-type.js";
import { walk } from "./walk.js";

export interface FoldOptions<Value> {
  /** The root: the list must have one service of it. */
  readonly targetType: ServiceType<Value>;
}

/**
 * Gives the service of type `targetType` as all others of the list, directly or through each other, have extended it.
 * Contributions come in the reverse order of the list. Each service is folded once, however many it extends.
 *
 * Nothing is added to the list: see `instantiateMissingServices`.
 *
 * @throws MissingTargetServiceError, AmbiguousTargetServiceError where the list has no single service of the root's type, or
 * of a type that one of its services extends, be it connected to the root or not
 * @throws ServiceTypeCycleError where types extend each other in a circle
 */
export function foldServices<Value>(
  services: readonly Service[],
  { targetType }: FoldOptions<Value>,
): Service<Value> {
  const dependents = serviceBackEdges(services);
  const root = onlyTarget(
    services.filter(({ kind }) => kind === targetType),
    targetType,
    undefined,
  );
  const { order, circle } = walk([root, ...services], dependents);
  // It was walked against the direction of the extensions.
  if (circle !== undefined) throw new ServiceTypeCycleError(circle.map(({ kind }) => kind).reverse());
  const folded = new Map<Service, Service>();
  const finished = (one: Service): Service => folded.get(one) ?? one;
  // What comes after the root has no part in it.
  for (const one of order.slice(0, order.indexOf(root) + 1))
    folded.set(one, extended(one, dependents(one).map(finished)));
  // The value was given for the type, and what became of it was made by the type's `extend`.
  return finished(root) as Service<Value>;
}

/** The service with the contributions of `extenders`, whose own values are final. */
function extended(one: Service, extenders: readonly Service[]): Service {
  const { extend, compose } = one.kind;
  // Nothing can extend it, so what is contributed is dropped, as it is in Guix.
  if (extend === undefined || compose === undefined) return one;
  return withValue(one, extend(one.value, compose(extenders.map((by) => contribution(by, one)))));
}

function contribution({ kind, value }: Service, target: Service): unknown {
  const extension = kind.extensions.find((edge) => edge.target === target.kind);
  // An extension takes the values of the type that lists it.
  return (extension as ServiceExtension<unknown> | undefined)?.compute(value);
}
