// The type of the service `user-processes`, which everything that is neither the system's foundation nor part of it requires.

import { checkValue } from "../../daemon/definition/check.js";
import { fields } from "../../daemon/definition/fields.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { append } from "./lists.js";
import { shepherdRootServiceType } from "./shepherd-root.js";

/**
 * Guix's ends every process that is left when it stops. Here it need not: the keeper, as PID 1, ends what is left when a
 * shutdown has stopped all services, and stopping this service alone must not end what is not a service's.
 */
function userProcesses(requirement: readonly string[]): readonly ShepherdService[] {
  return [
    shepherdService({
      provision: ["user-processes"],
      requirement: [...new Set(requirement)],
      respawn: false,
      retryable: true,
      start: () => true,
      stop: () => false,
      documentation: "When stopped, all services that need a system that is set up have been stopped.",
    }),
  ];
}

/**
 * What has to run before processes that need a whole system. Its value and its contributions are names of services that it
 * requires.
 *
 * @example serviceExtension(userProcessesServiceType, () => ["file-systems"])
 */
export const userProcessesServiceType = serviceType<readonly string[], readonly string[], readonly string[]>({
  name: "user-processes",
  extensions: [serviceExtension(shepherdRootServiceType, userProcesses)],
  compose: (contributions) =>
    contributions.flatMap((names) =>
      checkValue({ what: "service 'user-processes'" }, names, fields.names, "an extension"),
    ),
  extend: append,
  defaultValue: [],
  description: "Provide user-processes, the service that all others require once the system is set up.",
});
