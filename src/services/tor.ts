// The service of the Tor anonymous network overlay: `torServiceType` of Guix (Guix manual, "Networking Services").

import { makeKillDestructor } from "../daemon/definition/constructors.js";
import type { UserAccount, UserGroup } from "./accounts/records.js";
import { type Service, service, serviceExtension, serviceType } from "./composition/service-type.js";
import { daemonAccounts } from "./daemon-accounts.js";
import { accountServiceType } from "./essential/account.js";
import { type ActivationSnippet, activationServiceType, directoryStep } from "./essential/activation.js";
import { profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { fileAppend } from "./files/file-like.js";
import { makeForkexecConstructor, shepherdConfigurationAction } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";
import {
  type HiddenService,
  hiddenService,
  hiddenServicesDirectory,
  includedFiles,
  type PortMapping,
  type TorConfiguration,
  torConfiguration,
  torrc,
} from "./torrc.js";

export {
  type HiddenService,
  hiddenService,
  type PortMapping,
  type TorConfiguration,
  type TorTransportPlugin,
  torConfiguration,
  torTransportPlugin,
} from "./torrc.js";

/** The group and the user `tor`, which are the seeds'; the account of Debian's package, debian-tor, stays unused. */
export function torAccounts(): readonly (UserGroup | UserAccount)[] {
  return daemonAccounts({ user: "tor", comment: "Tor daemon user" });
}

/** The directories in which tor keeps its sockets, its data and the keys of hidden services. */
export function torActivation({ hiddenServices }: TorConfiguration): readonly ActivationSnippet[] {
  const own = { owner: "tor", group: "tor" } as const;
  return [
    {
      name: "tor",
      steps: [
        // For the group: those who may connect to the sockets.
        directoryStep("/var/run/tor", { mode: 0o750, ...own }),
        // Whoever cannot enter it cannot come to tor's own.
        directoryStep("/var/lib", { mode: 0o755 }),
        directoryStep("/var/lib/tor", { mode: 0o700, ...own }),
        ...hiddenServices.map(({ name }) =>
          directoryStep(`${hiddenServicesDirectory}/${name}`, { mode: 0o700, ...own }),
        ),
      ],
    },
  ];
}

/** The service `tor`. Unlike in Guix it runs in no namespaces of its own. */
export function torShepherdServices(configuration: TorConfiguration): readonly ShepherdService[] {
  const { tor, logDestination, autoStart } = configuration;
  const file = torrc(configuration);
  const isLogged = logDestination === "syslog";
  return [
    shepherdService({
      provision: ["tor"],
      // It wants an interface that is up; without the system log its messages would be lost.
      requirement: ["user-processes", "loopback", ...(isLogged ? ["syslogd"] : [])],
      start: makeForkexecConstructor([fileAppend(tor, "/bin/tor"), "-f", file], {
        user: "tor",
        group: "tor",
        ...(isLogged ? {} : { logFile: "/var/log/tor.log" }),
      }),
      stop: makeKillDestructor(),
      actions: [shepherdConfigurationAction(file)],
      autoStart,
      documentation: "Run the Tor anonymous network overlay.",
      files: includedFiles(configuration),
    }),
  ];
}

/**
 * Runs tor as the user `tor`. Extensions add hidden services. `cat $(herd configuration tor)` shows what it reads.
 *
 * @example service(torServiceType, torConfiguration({ controlSocket: true }))
 */
export const torServiceType = serviceType<TorConfiguration, readonly HiddenService[]>({
  name: "tor",
  extensions: [
    serviceExtension(shepherdRootServiceType, torShepherdServices),
    serviceExtension(accountServiceType, torAccounts),
    serviceExtension(activationServiceType, torActivation),
    serviceExtension(profileServiceType, ({ tor }: TorConfiguration) => [tor]),
  ],
  compose: (contributions) => contributions.flat(),
  extend: (configuration, added) =>
    torConfiguration({ ...configuration, hiddenServices: [...configuration.hiddenServices, ...added] }),
  defaultValue: torConfiguration(),
  description:
    "Run the Tor anonymous networking daemon, through which programs can connect, and be reached, unseen.",
  valueCheck: torConfiguration.check,
});

/** Adds one hidden service to the Tor of the system; what `torHiddenService` instantiates. */
export const torHiddenServiceType = serviceType<HiddenService>({
  name: "tor-hidden-service",
  extensions: [serviceExtension(torServiceType, (one: HiddenService) => [one])],
  description: "Add a hidden service to Tor.",
  valueCheck: hiddenService.check,
});

/**
 * A service that adds a hidden service to the Tor of the system.
 *
 * @example torHiddenService("http", [[80, "127.0.0.1:8080"]])
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function torHiddenService(name: string, mapping: readonly PortMapping[]): Service<HiddenService> {
  return service(torHiddenServiceType, hiddenService({ name, mapping }));
}
