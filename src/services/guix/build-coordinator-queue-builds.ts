// The service that asks a Guix Data Service what there is to build, and submits it to a build coordinator:
// `guix-build-coordinator-queue-builds-service-type` of Guix (Guix manual, "Guix Services").

import type { Checks } from "../../daemon/definition/check.js";
import { makeKillDestructor } from "../../daemon/definition/constructors.js";
import { type UserAccount, userAccount } from "../accounts/records.js";
import { recordConstructor } from "../composition/record.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { nologin } from "../daemon-accounts.js";
import { accountServiceType } from "../essential/account.js";
import { type ActivationSnippet, activationServiceType, directoryStep } from "../essential/activation.js";
import { shepherdRootServiceType } from "../essential/shepherd-root.js";
import { fileAppend } from "../files/file-like.js";
import { guixBuildCoordinator } from "../files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "../files/software-package.js";
import { type CommandWord, makeForkexecConstructor } from "../shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { logDirectory } from "./build-coordinator.js";
import { guixFields, orFalse } from "./checks.js";

const name = "guix-build-coordinator-queue-builds";
const cache = "/var/cache/guix-build-coordinator-queue-builds";

/**
 * What `guixBuildCoordinatorQueueBuildsConfiguration` makes. Fields without a remark are Guix's, with the defaults of its
 * manual; `false` stands for nothing.
 */
export interface GuixBuildCoordinatorQueueBuildsConfiguration {
  /** Whose `bin` has the program; default `guixBuildCoordinator`. */
  readonly package: SoftwarePackage;
  /** The user that runs it, in the group `nogroup`; default `"guix-build-coordinator-queue-builds"`. */
  readonly user: string;
  /**
   * Where builds are submitted; default `"http://localhost:8745"`. That is what the manual says, but where a coordinator
   * with its own defaults listens for agents: it takes builds at `"http://localhost:8746"`, the default of later releases.
   */
  readonly coordinator: string;
  /** For which systems, such as `["x86_64-linux"]`; default false: the program's own choice. */
  readonly systems: readonly string[] | false;
  /** For which pairs of a system and a target, such as `[["x86_64-linux", "aarch64-linux-gnu"]]`; default false. */
  readonly systemsAndTargets: readonly (readonly [system: string, target: string])[] | false;
  /** Who is asked what there is to build; default `"https://data.guix.gnu.org"`. False: the program's own choice. */
  readonly guixDataService: string | false;
  /**
   * A file with what was submitted already, so that it is not submitted again; default
   * `"/var/cache/guix-build-coordinator-queue-builds/processed-commits"`. False: the program keeps none.
   */
  readonly processedCommitsFile: string | false;
  /** Later than the manual: the number of our build server in the data service; default false. */
  readonly guixDataServiceBuildServerId: number | false;
}

const checks: Checks<GuixBuildCoordinatorQueueBuildsConfiguration> = {
  package: softwarePackageCheck,
  user: guixFields.account,
  coordinator: guixFields.uri,
  systems: orFalse(guixFields.words),
  systemsAndTargets: orFalse(guixFields.pairs),
  guixDataService: orFalse(guixFields.uri),
  processedCommitsFile: orFalse(guixFields.path),
  guixDataServiceBuildServerId: orFalse(guixFields.count),
};

/**
 * The configuration of what submits builds.
 *
 * @example guixBuildCoordinatorQueueBuildsConfiguration({ coordinator: "http://localhost:8746", systems: ["x86_64-linux"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixBuildCoordinatorQueueBuildsConfiguration =
  recordConstructor<GuixBuildCoordinatorQueueBuildsConfiguration>(
    "guixBuildCoordinatorQueueBuildsConfiguration",
    checks,
    {
      package: guixBuildCoordinator,
      user: "guix-build-coordinator-queue-builds",
      coordinator: "http://localhost:8745",
      systems: false,
      systemsAndTargets: false,
      guixDataService: "https://data.guix.gnu.org",
      processedCommitsFile: `${cache}/processed-commits`,
      guixDataServiceBuildServerId: false,
    },
  );

function queueBuildsCommand(
  configuration: GuixBuildCoordinatorQueueBuildsConfiguration,
): readonly CommandWord[] {
  const { package: coordinator, systems, systemsAndTargets } = configuration;
  return [
    fileAppend(coordinator, "/bin/guix-build-coordinator-queue-builds-from-guix-data-service"),
    `--coordinator=${configuration.coordinator}`,
    ...(systems || []).map((system) => `--system=${system}`),
    ...(systemsAndTargets || []).map(([system, target]) => `--system-and-target=${system}=${target}`),
    ...option("guix-data-service", configuration.guixDataService),
    ...option("guix-data-service-build-server-id", configuration.guixDataServiceBuildServerId),
    ...option("processed-commits-file", configuration.processedCommitsFile),
  ];
}

function option(what: string, value: string | number | false): readonly string[] {
  return value === false ? [] : [`--${what}=${value}`];
}

/**
 * The service `guix-build-coordinator-queue-builds`. It runs in the group of its user, `nogroup`, and not in root's, as it
 * would in Guix. Its log has time stamps, as every log file here.
 */
export function guixBuildCoordinatorQueueBuildsShepherdServices(
  configuration: GuixBuildCoordinatorQueueBuildsConfiguration,
): readonly ShepherdService[] {
  return [
    shepherdService({
      provision: [name],
      requirement: ["networking"],
      documentation: "Guix Build Coordinator queue builds from Guix Data Service",
      start: makeForkexecConstructor(queueBuildsCommand(configuration), {
        user: configuration.user,
        environmentVariables: ["LC_ALL=en_US.utf8"],
        logFile: `${logDirectory}/queue-builds.log`,
      }),
      stop: makeKillDestructor(),
    }),
  ];
}

/** Its user, which has no group of its own. */
export function guixBuildCoordinatorQueueBuildsAccounts(
  value: GuixBuildCoordinatorQueueBuildsConfiguration,
): readonly UserAccount[] {
  return [
    userAccount({
      name: value.user,
      group: "nogroup",
      system: true,
      comment: "Guix Build Coordinator queue-builds user",
      homeDirectory: "/var/empty",
      shell: nologin,
    }),
  ];
}

/** The directories of its log and of the file with what was submitted. */
export function guixBuildCoordinatorQueueBuildsActivation({
  user,
}: GuixBuildCoordinatorQueueBuildsConfiguration): readonly ActivationSnippet[] {
  return [{ name, steps: [directoryStep(logDirectory), directoryStep(cache, { owner: user })] }];
}

/**
 * Submits what a Guix Data Service knows of to a Guix Build Coordinator.
 *
 * @example service(guixBuildCoordinatorQueueBuildsServiceType, guixBuildCoordinatorQueueBuildsConfiguration())
 */
export const guixBuildCoordinatorQueueBuildsServiceType =
  serviceType<GuixBuildCoordinatorQueueBuildsConfiguration>({
    name,
    extensions: [
      serviceExtension(shepherdRootServiceType, guixBuildCoordinatorQueueBuildsShepherdServices),
      serviceExtension(activationServiceType, guixBuildCoordinatorQueueBuildsActivation),
      serviceExtension(accountServiceType, guixBuildCoordinatorQueueBuildsAccounts),
    ],
    description: "Submit builds to the Guix Build Coordinator for what a Guix Data Service knows of.",
    valueCheck: guixBuildCoordinatorQueueBuildsConfiguration.check,
  });
