// The service of the system message bus: `dbusRootServiceType` of Guix (Guix manual, "Desktop Services"). Services of the bus
// are found where Debian's packages put them.

import type { Checks } from "../daemon/definition/check.js";
import { makeKillDestructor } from "../daemon/definition/constructors.js";
import { portAnswers } from "../daemon/readiness/options.js";
import type { UserAccount, UserGroup } from "./accounts/records.js";
import { recordConstructor } from "./composition/record.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { daemonAccounts } from "./daemon-accounts.js";
import { accountServiceType } from "./essential/account.js";
import {
  type ActivationSnippet,
  activationServiceType,
  directoryStep,
  runStep,
  symlinkStep,
} from "./essential/activation.js";
import { profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { fileAppend, plainFile } from "./files/file-like.js";
import { dbus } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";
import { makeForkexecConstructor } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";

/** What `dbusRootServiceType` runs. */
export interface DbusConfiguration {
  /** The package; default Debian's. */
  readonly dbus: SoftwarePackage;
}

const checks: Checks<DbusConfiguration> = { dbus: softwarePackageCheck };

/**
 * The configuration of the system bus.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const dbusConfiguration = recordConstructor<DbusConfiguration>("dbusConfiguration", checks, { dbus });

/** As Debian's package makes it, which is adopted where it is installed. */
export function dbusAccounts(): readonly (UserGroup | UserAccount)[] {
  return daemonAccounts({
    user: "messagebus",
    comment: "D-Bus system bus user",
    homeDirectory: "/var/run/dbus",
    createHomeDirectory: false,
  });
}

const machineId = "/etc/machine-id";

/** Images of containers have an empty file, which dbus-uuidgen itself takes for a mistake. */
const ensureMachineId = plainFile("ensure-machine-id", '[ -s "$1" ] || "$2" >"$1"\n');

/** Where the bus's socket is, and what the machine is called on it. */
export function dbusActivation({ dbus: chosen }: DbusConfiguration): readonly ActivationSnippet[] {
  return [
    {
      name: "dbus",
      steps: [
        directoryStep("/var/run/dbus", { mode: 0o755, owner: "messagebus", group: "messagebus" }),
        directoryStep("/var/lib/dbus", { mode: 0o755 }),
        runStep(["/bin/sh", ensureMachineId, machineId, fileAppend(chosen, "/bin/dbus-uuidgen")]),
        symlinkStep("/var/lib/dbus/machine-id", machineId),
      ],
    },
  ];
}

/** The service `dbus-system`. It has started when clients can connect. */
export function dbusShepherdServices({ dbus: chosen }: DbusConfiguration): readonly ShepherdService[] {
  return [
    shepherdService({
      provision: ["dbus-system"],
      requirement: ["user-processes", "syslogd"],
      start: makeForkexecConstructor(
        // A pid file that is left from before would keep it from starting.
        [fileAppend(chosen, "/bin/dbus-daemon"), "--nofork", "--nopidfile", "--system", "--syslog-only"],
        { readiness: portAnswers("/run/dbus/system_bus_socket") },
      ),
      stop: makeKillDestructor(),
      documentation: "Run the D-Bus system daemon.",
    }),
  ];
}

/** Runs the system message bus, as the user `messagebus`. */
export const dbusRootServiceType = serviceType<DbusConfiguration>({
  name: "dbus",
  extensions: [
    serviceExtension(shepherdRootServiceType, dbusShepherdServices),
    serviceExtension(activationServiceType, dbusActivation),
    serviceExtension(accountServiceType, dbusAccounts),
    serviceExtension(profileServiceType, ({ dbus: chosen }: DbusConfiguration) => [chosen]),
  ],
  defaultValue: dbusConfiguration(),
  description: "Run the D-Bus system message bus, by which programs of the system call each other.",
  valueCheck: dbusConfiguration.check,
});
