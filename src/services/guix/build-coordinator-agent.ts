// The service of an agent of the Guix Build Coordinator, which builds what it is given:
// `guix-build-coordinator-agent-service-type` of Guix (Guix manual, "Guix Services").

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
import { kindOf } from "../secret.js";
import { type CommandWord, makeForkexecConstructor } from "../shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import {
  type AgentAuthentication,
  agentAuthentication,
  authenticationWords,
} from "./agent-authentication.js";
import { logDirectory } from "./build-coordinator.js";
import { guixFields, orFalse } from "./checks.js";

const name = "guix-build-coordinator-agent";
const cache = "/var/cache/guix-build-coordinator-agent";

/**
 * What `guixBuildCoordinatorAgentConfiguration` makes. Fields without a remark are Guix's, with the defaults of its manual;
 * `false` stands for nothing.
 */
export interface GuixBuildCoordinatorAgentConfiguration {
  /** Whose `bin` has the agent; default `guixBuildCoordinator`. */
  readonly package: SoftwarePackage;
  /** The user that runs it, in the group `nogroup`; default `"guix-build-coordinator-agent"`. */
  readonly user: string;
  /** Where the coordinator listens for agents; default `"http://localhost:8745"`. */
  readonly coordinator: string;
  /** How the agent proves who it is. It must be given. */
  readonly authentication: AgentAuthentication;
  /** For which systems it builds, such as `["x86_64-linux"]`; default false: for the one that it runs on. */
  readonly systems: readonly string[] | false;
  /** How many builds run at a time; default 1. False: the agent's own default. */
  readonly maxParallelBuilds: number | false;
  /** Whence derivations are fetched that are not there; default false. */
  readonly derivationSubstituteUrls: readonly string[] | false;
  /** Whence what builds need is fetched that is not there; default false. */
  readonly nonDerivationSubstituteUrls: readonly string[] | false;
  /** Later than the manual: how many builds it asks for in advance; default false. */
  readonly maxAllocatedBuilds: number | false;
  /** Later than the manual: no build is begun while the machine's load is above this; default false. */
  readonly max1minLoadAverage: number | false;
  /** Later than the manual: how many results are sent at a time; default false. */
  readonly maxParallelUploads: number | false;
  /** Later than the manual: more words of the command, before those for systems; default none. */
  readonly extraOptions: readonly string[];
}

const checks: Checks<GuixBuildCoordinatorAgentConfiguration> = {
  package: softwarePackageCheck,
  user: guixFields.account,
  coordinator: guixFields.uri,
  authentication: agentAuthentication,
  systems: orFalse(guixFields.words),
  maxParallelBuilds: orFalse(guixFields.positive),
  derivationSubstituteUrls: orFalse(guixFields.uris),
  nonDerivationSubstituteUrls: orFalse(guixFields.uris),
  maxAllocatedBuilds: orFalse(guixFields.positive),
  max1minLoadAverage: orFalse(guixFields.load),
  maxParallelUploads: orFalse(guixFields.positive),
  extraOptions: guixFields.options,
};

/**
 * The configuration of an agent.
 *
 * @example
 * guixBuildCoordinatorAgentConfiguration({
 *   authentication: guixBuildCoordinatorAgentPasswordFileAuth({ uuid: "7f6d9d1e-…", passwordFile: "/etc/agent-password" }),
 * })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixBuildCoordinatorAgentConfiguration = recordConstructor<
  GuixBuildCoordinatorAgentConfiguration,
  "authentication"
>("guixBuildCoordinatorAgentConfiguration", checks, {
  package: guixBuildCoordinator,
  user: "guix-build-coordinator-agent",
  coordinator: "http://localhost:8745",
  systems: false,
  maxParallelBuilds: 1,
  derivationSubstituteUrls: false,
  nonDerivationSubstituteUrls: false,
  maxAllocatedBuilds: false,
  max1minLoadAverage: false,
  maxParallelUploads: false,
  extraOptions: [],
});

function agentCommand(
  configuration: GuixBuildCoordinatorAgentConfiguration,
  authentication: readonly string[],
): readonly CommandWord[] {
  const { package: agent, coordinator, extraOptions, systems } = configuration;
  return [
    fileAppend(agent, "/bin/guix-build-coordinator-agent"),
    `--coordinator=${coordinator}`,
    ...authentication,
    ...option("max-parallel-builds", configuration.maxParallelBuilds),
    ...option("max-parallel-uploads", configuration.maxParallelUploads),
    ...option("max-allocated-builds", configuration.maxAllocatedBuilds),
    ...option("max-1min-load-average", configuration.max1minLoadAverage),
    ...joined("derivation-substitute-urls", configuration.derivationSubstituteUrls),
    ...joined("non-derivation-substitute-urls", configuration.nonDerivationSubstituteUrls),
    ...extraOptions,
    ...(systems === false ? [] : systems.map((system) => `--system=${system}`)),
  ];
}

function option(what: string, value: number | false): readonly string[] {
  return value === false ? [] : [`--${what}=${value}`];
}

/** One word, whatever the number of URLs. */
function joined(what: string, urls: readonly string[] | false): readonly string[] {
  return urls === false ? [] : [`--${what}=${urls.join(" ")}`];
}

/**
 * The service `guix-build-coordinator-agent`. It runs in the group of its user, `nogroup`, and not in root's, as it would in
 * Guix. Its log has time stamps, as every log file here.
 */
export function guixBuildCoordinatorAgentShepherdServices(
  configuration: GuixBuildCoordinatorAgentConfiguration,
): readonly ShepherdService[] {
  const { words, secrets, secretFiles } = authenticationWords(configuration.authentication);
  return [
    shepherdService({
      provision: [name],
      requirement: ["networking"],
      documentation: "Guix Build Coordinator Agent",
      start: makeForkexecConstructor(agentCommand(configuration, words), {
        user: configuration.user,
        // The first one is where Guix keeps what it knows of substitutes.
        environmentVariables: [`XDG_CACHE_HOME=${cache}`, "LC_ALL=en_US.utf8"],
        logFile: `${logDirectory}/agent.log`,
        ...(secrets.length === 0 ? {} : { secrets }),
        ...(secretFiles.length === 0 ? {} : { secretFiles }),
      }),
      stop: makeKillDestructor(),
    }),
  ];
}

/** Its user, which has no group of its own. */
export function guixBuildCoordinatorAgentAccounts(
  value: GuixBuildCoordinatorAgentConfiguration,
): readonly UserAccount[] {
  return [
    userAccount({
      name: value.user,
      group: "nogroup",
      system: true,
      comment: "Guix Build Coordinator agent user",
      homeDirectory: "/var/empty",
      shell: nologin,
    }),
  ];
}

/** The directories of its log and of its cache. */
export function guixBuildCoordinatorAgentActivation({
  user,
}: GuixBuildCoordinatorAgentConfiguration): readonly ActivationSnippet[] {
  return [{ name, steps: [directoryStep(logDirectory), directoryStep(cache, { owner: user })] }];
}

/**
 * Runs an agent of a Guix Build Coordinator. It has no default: how the agent authenticates must be said.
 *
 * @example service(guixBuildCoordinatorAgentServiceType, guixBuildCoordinatorAgentConfiguration({ authentication }))
 */
export const guixBuildCoordinatorAgentServiceType = serviceType<GuixBuildCoordinatorAgentConfiguration>({
  name,
  extensions: [
    serviceExtension(shepherdRootServiceType, guixBuildCoordinatorAgentShepherdServices),
    serviceExtension(activationServiceType, guixBuildCoordinatorAgentActivation),
    serviceExtension(accountServiceType, guixBuildCoordinatorAgentAccounts),
  ],
  description: "Run a Guix Build Coordinator agent, which builds what the coordinator gives it.",
  valueCheck: { ...guixBuildCoordinatorAgentConfiguration.check, describe: kindOf },
});
