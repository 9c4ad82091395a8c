// What the supervisor runs of a system: the services that its root service is extended with.

import { defineConfig } from "../daemon/definition/service.js";
import type { SettledConfiguration } from "../daemon/definition/types.js";
import { foldServices } from "./composition/fold.js";
import type { Service } from "./composition/service-type.js";
import { type ShepherdConfiguration, shepherdRootServiceType } from "./essential/shepherd-root.js";
import { checkOperatingSystem, type OperatingSystem, operatingSystemServices } from "./operating-system.js";
import { assertValidGraph } from "./shepherd/graph.js";
import type { ShepherdService } from "./shepherd/service.js";
import { toDefinition } from "./shepherd/to-definition.js";

/** The services to manage that `services` come to: the extensions of the supervisor's, checked as a graph. */
export function shepherdServicesOf(services: readonly Service[]): readonly ShepherdService[] {
  const root = foldServices<ShepherdConfiguration>(services, { targetType: shepherdRootServiceType });
  assertValidGraph(root.value.services);
  return root.value.services;
}

/**
 * The services that a system's supervisor manages, in the order of folding.
 *
 * @throws DefinitionError where services cannot be composed, or cannot be run together
 */
export function operatingSystemShepherdServices(system: OperatingSystem): readonly ShepherdService[] {
  return shepherdServicesOf(operatingSystemServices(system));
}

/**
 * The supervisor's configuration for a system. Services whose definition comes from somewhere else (`freeForm`) may need
 * the supervisor to be made, so this is for the supervisor to call.
 *
 * @throws DefinitionError where services cannot be composed, or cannot be run together
 */
export function systemConfiguration(system: OperatingSystem): SettledConfiguration {
  const { exitWith, shutdownTimeout } = checkOperatingSystem({ what: "systemConfiguration" }, system);
  const services = operatingSystemShepherdServices(system).map(toDefinition);
  const configuration = defineConfig({
    services,
    ...(exitWith === undefined ? {} : { exitWith }),
    ...(shutdownTimeout === undefined ? {} : { shutdownTimeout }),
  });
  return Object.freeze({ ...configuration, services: Object.freeze(services) });
}
