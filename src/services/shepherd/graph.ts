// The graph of what services require of each other: its checks, its edges, and its picture, as Guix has them.

import { DefinitionError } from "../../daemon/definition/check.js";
import { suggestion } from "../../daemon/definition/suggestion.js";
import type { SourcePosition } from "../../daemon/definition/types.js";
import { dotGraph } from "../composition/dot.js";
import { messageAt, placesAfter } from "../composition/errors.js";
import { reachable, walk } from "../composition/walk.js";
import { canonicalName, isShepherdService, shepherdServicePosition } from "./service.js";

/** What the graph is made of: services of a configuration, or services that run. */
export interface GraphService {
  /** Every name it answers to, the canonical one first. */
  readonly provision: readonly string[];
  readonly requirement: readonly string[];
}

/** Services that cannot be run together: the message names them and the places where they were made. */
export class ShepherdGraphError extends DefinitionError {
  readonly services: readonly GraphService[];
  constructor(text: string, services: readonly GraphService[]) {
    const [first, ...others] = services.map(positionOf);
    super(messageAt(first, `${text}${placesAfter("; see also ", others)}`));
    this.services = services;
  }
}

const positionOf = (service: GraphService): SourcePosition | undefined =>
  isShepherdService(service) ? shepherdServicePosition(service) : undefined;

/** What every system provides without being told: the supervisor. */
const provided = "shepherd";

/**
 * Fails unless the services can be run together.
 *
 * @throws ShepherdGraphError where two services provide one name or one provides `shepherd`, which is the supervisor; where
 * no service provides what one requires; and where services require each other in a circle
 */
export function assertValidGraph(services: readonly GraphService[]): void {
  const providers = new Map<string, GraphService | undefined>([[provided, undefined]]);
  for (const service of services) {
    for (const name of new Set(service.provision)) {
      if (providers.has(name)) {
        const other = providers.get(name);
        throw new ShepherdGraphError(`service '${name}' provided more than once`, [
          service,
          ...(other === undefined ? [] : [other]),
        ]);
      }
      providers.set(name, service);
    }
  }
  for (const service of services) {
    const missing = service.requirement.find((name) => !providers.has(name));
    if (missing !== undefined)
      throw new ShepherdGraphError(
        `service '${canonicalName(service)}' requires '${missing}', which is not provided by any service` +
          suggestion(
            missing,
            [...providers.keys()].filter((name) => !service.provision.includes(name)),
          ),
        [service],
      );
  }
  const { circle } = walk(services, ({ requirement }) =>
    requirement.flatMap((name) => providers.get(name) ?? []),
  );
  if (circle === undefined) return;
  const path = [...circle, ...circle.slice(0, 1)].map(canonicalName).join(" -> ");
  throw new ShepherdGraphError(`services require each other in a circle: ${path}`, circle);
}

/** A function that gives the service which provides a name, by any of its names; of several the one listed last. */
export function shepherdServiceLookupProcedure<Service>(
  services: readonly Service[],
  provision: (service: Service) => readonly string[],
): (name: string) => Service | undefined;
export function shepherdServiceLookupProcedure<Service extends GraphService>(
  services: readonly Service[],
): (name: string) => Service | undefined;
export function shepherdServiceLookupProcedure<Service extends GraphService>(
  services: readonly Service[],
  provision: (service: Service) => readonly string[] = (service) => service.provision,
): (name: string) => Service | undefined {
  const providers = new Map(
    services.flatMap((service) => provision(service).map((name) => [name, service] as const)),
  );
  return (name) => providers.get(name);
}

/** A function that gives the services which require a service of the list by one of its names, in the order of the list. */
export function shepherdServiceBackEdges<Service extends GraphService>(
  services: readonly Service[],
): (of: Service) => readonly Service[] {
  const lookup = shepherdServiceLookupProcedure(services);
  const dependents = new Map<Service, Set<Service>>();
  for (const service of services) {
    for (const name of service.requirement) {
      const required = lookup(name);
      if (required === undefined) continue;
      const others = dependents.get(required);
      if (others === undefined) dependents.set(required, new Set([service]));
      else others.add(service);
    }
  }
  return (of) => [...(dependents.get(of) ?? [])];
}

/**
 * The services in the language of Graphviz: `shepherd system shepherd-graph`. An edge leads from a service to what it
 * requires.
 */
export function shepherdGraph(services: readonly GraphService[]): string {
  const lookup = shepherdServiceLookupProcedure(services);
  const dependents = shepherdServiceBackEdges(services);
  const free = services.filter(({ requirement }) => requirement.every((name) => lookup(name) === undefined));
  const reached = [...reachable(free, dependents)];
  const idOf = ({ provision }: GraphService): string => provision.join(" ");
  return dotGraph(
    "Guix shepherd-service",
    reached.map((service) => ({ id: idOf(service), label: idOf(service) })),
    reached.flatMap((service) =>
      dependents(service).map((dependent) => ({ from: idOf(dependent), to: idOf(service) })),
    ),
  );
}
