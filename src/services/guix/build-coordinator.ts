// The service of the Guix Build Coordinator, which hands out builds to agents: `guix-build-coordinator-service-type` of Guix
// (Guix manual, "Guix Services").

import { makeKillDestructor } from "../../daemon/definition/constructors.js";
import type { UserAccount, UserGroup } from "../accounts/records.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { daemonAccounts } from "../daemon-accounts.js";
import { accountServiceType } from "../essential/account.js";
import { type ActivationSnippet, activationServiceType, directoryStep } from "../essential/activation.js";
import { shepherdRootServiceType } from "../essential/shepherd-root.js";
import { makeForkexecConstructor } from "../shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import {
  type BuildCoordinatorConfiguration,
  guixBuildCoordinatorConfiguration,
} from "./build-coordinator-record.js";
import { pidFile, startScript } from "./build-coordinator-script.js";

export {
  type BuildCoordinatorConfiguration as GuixBuildCoordinatorConfiguration,
  guixBuildCoordinatorConfiguration,
} from "./build-coordinator-record.js";

const name = "guix-build-coordinator";
const home = "/var/lib/guix-build-coordinator";
/** Of the coordinator, its agent, and what submits builds. */
export const logDirectory = "/var/log/guix-build-coordinator";

/**
 * The service `guix-build-coordinator`. Its log has time stamps, without which `herd log` could not tell when a line came; in
 * Guix it has only the coordinator's own.
 */
export function guixBuildCoordinatorShepherdServices(
  configuration: BuildCoordinatorConfiguration,
): readonly ShepherdService[] {
  const { user, group, command, extraEnvironmentVariables } = configuration;
  return [
    shepherdService({
      provision: [name],
      requirement: ["networking"],
      documentation: "Guix Build Coordinator",
      start: makeForkexecConstructor(command === false ? [startScript(configuration)] : command, {
        user,
        group,
        directory: home,
        pidFile,
        // Its first start brings the database up to date.
        pidFileTimeout: 60,
        // PATH is for hooks.
        environmentVariables: ["LC_ALL=en_US.utf8", "PATH=/run/current-system/profile/bin"],
        extraEnvironmentVariables,
        logFile: `${logDirectory}/coordinator.log`,
      }),
      stop: makeKillDestructor(),
    }),
  ];
}

/** Its user and group. */
export function guixBuildCoordinatorAccounts({
  user,
  group,
}: BuildCoordinatorConfiguration): readonly (UserAccount | UserGroup)[] {
  return daemonAccounts({ user, group, comment: "Guix Build Coordinator user", homeDirectory: home });
}

/** Its directories: the database is in its home directory. */
export function guixBuildCoordinatorActivation({
  user,
}: BuildCoordinatorConfiguration): readonly ActivationSnippet[] {
  return [
    {
      name,
      steps: [
        directoryStep(home, { mode: 0o755, owner: user }),
        directoryStep(logDirectory),
        directoryStep("/var/run/guix-build-coordinator", { owner: user }),
      ],
    },
  ];
}

/**
 * Runs a Guix Build Coordinator.
 *
 * @example service(guixBuildCoordinatorServiceType, guixBuildCoordinatorConfiguration({ listenRepl: true }))
 */
export const guixBuildCoordinatorServiceType = serviceType<BuildCoordinatorConfiguration>({
  name,
  extensions: [
    serviceExtension(shepherdRootServiceType, guixBuildCoordinatorShepherdServices),
    serviceExtension(activationServiceType, guixBuildCoordinatorActivation),
    serviceExtension(accountServiceType, guixBuildCoordinatorAccounts),
  ],
  defaultValue: guixBuildCoordinatorConfiguration(),
  description:
    "Run an instance of the Guix Build Coordinator, which hands out builds to the agents that connect to it.",
  valueCheck: guixBuildCoordinatorConfiguration.check,
});
