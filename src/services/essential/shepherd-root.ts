// The type of the service that is the supervisor itself: what extends it are the services that it manages.

import { type Checks, checkValue } from "../../daemon/definition/check.js";
import type { BootSnippet } from "../activation/steps.js";
import { recordConstructor } from "../composition/record.js";
import { service, serviceExtension, serviceType } from "../composition/service-type.js";
import { fileAppend, type SoftwarePackage, softwarePackageCheck } from "../files/file-like.js";
import { shepherd } from "../files/packages.js";
import { type ShepherdService, shepherdServiceFiles, shepherdServices } from "../shepherd/service.js";
import { bootServiceType } from "./boot.js";
import { profileServiceType } from "./profile.js";

/** The configuration of the supervisor. */
export interface ShepherdConfiguration {
  /** The package whose `bin/shepherd` supervises; default: the one that boots the system. */
  readonly shepherd: SoftwarePackage;
  /** Services to manage; default none. Usually other services extend this list. */
  readonly services: readonly ShepherdService[];
}

const checks: Checks<ShepherdConfiguration> = { shepherd: softwarePackageCheck, services: shepherdServices };

/**
 * @example
 * essentialServices: (system) =>
 *   modifyServices(operatingSystemDefaultEssentialServices(system), [
 *     update(shepherdRootServiceType, (config) => shepherdConfiguration({ ...config, shepherd: myShepherd })),
 *   ])
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const shepherdConfiguration = recordConstructor<ShepherdConfiguration>(
  "shepherdConfiguration",
  checks,
  { shepherd, services: [] },
);

/** The last thing that a boot does. */
function supervise({ shepherd: chosen, services }: ShepherdConfiguration): readonly BootSnippet[] {
  const files = services.flatMap(shepherdServiceFiles);
  return [
    {
      name: "shepherd",
      steps: [
        chosen === shepherd
          ? { step: "supervise", files }
          : { step: "supervise", program: fileAppend(chosen, "/bin/shepherd"), files },
      ],
    },
  ];
}

/**
 * The supervisor. Extensions are lists of services made by `shepherdService(…)`.
 *
 * @example serviceExtension(shepherdRootServiceType, (config: ClockConfiguration) => [clockService(config)])
 */
export const shepherdRootServiceType = serviceType<
  ShepherdConfiguration,
  readonly ShepherdService[],
  readonly ShepherdService[]
>({
  name: "shepherd-root",
  extensions: [
    serviceExtension(bootServiceType, supervise),
    serviceExtension(profileServiceType, ({ shepherd: chosen }: ShepherdConfiguration) => [chosen]),
  ],
  compose: (contributions) =>
    contributions.flatMap((services) =>
      checkValue({ what: "service 'shepherd-root'" }, services, shepherdServices, "an extension"),
    ),
  extend: (config, services) =>
    shepherdConfiguration({ ...config, services: [...config.services, ...services] }),
  defaultValue: shepherdConfiguration(),
  description: "Run the supervisor, the first process of the system, which manages all services.",
});

/** The supervisor with its default configuration: Guix's `%shepherd-root-service`. */
export const shepherdRootService = service(shepherdRootServiceType);
