// The service of Guix's build daemon: `guix-service-type` of Guix (Guix manual, "Base Services").

import { makeKillDestructor } from "../../daemon/definition/constructors.js";
import { type UserAccount, type UserGroup, userAccount, userGroup } from "../accounts/records.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { nologin } from "../daemon-accounts.js";
import { accountServiceType } from "../essential/account.js";
import {
  type ActivationSnippet,
  type ActivationStep,
  activationServiceType,
  directoryStep,
  fileStep,
  runStep,
} from "../essential/activation.js";
import { profileServiceType } from "../essential/profile.js";
import { shepherdRootServiceType } from "../essential/shepherd-root.js";
import { type FileLike, fileAppend } from "../files/file-like.js";
import { kindOf } from "../secret.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { aclScript } from "./guix-acl.js";
import { guixDaemonActions, restartGuixDaemon } from "./guix-daemon-actions.js";
import {
  composeGuixExtensions,
  extendGuix,
  type GuixConfiguration,
  type GuixExtension,
  guixConfiguration,
} from "./guix-daemon-record.js";
import { type Overrides, settingsOf, startGuixDaemon } from "./guix-daemon-start.js";
import { storeClient } from "./guix-store-client.js";
import { embedded } from "./scheme.js";

export {
  type GuixConfiguration,
  type GuixExtension,
  guixConfiguration,
  guixExtension,
} from "./guix-daemon-record.js";

/** The number that Guix gives the group of the users that build. */
const buildGroupId = 30_000;

/**
 * The service `guix-daemon`. It counts as started once it answers at its socket. `herd set-http-proxy guix-daemon [URL]` and
 * `herd discover guix-daemon on|off` restart it otherwise than the configuration says, until the configuration is loaded
 * anew; `valid-path`, `gc` and `verify` ask the store.
 */
export function guixShepherdServices(configuration: GuixConfiguration): readonly ShepherdService[] {
  const { socket } = configuration;
  let overrides: Overrides = {};
  return [
    shepherdService({
      provision: ["guix-daemon"],
      requirement: ["user-processes"],
      documentation: "Run the Guix daemon.",
      start: (pid?: string) =>
        startGuixDaemon(configuration, settingsOf(configuration, overrides, process.env), storeClient, pid),
      // What an interrupted start has begun is ended, and it is begun anew.
      retryable: true,
      stop: makeKillDestructor(),
      actions: guixDaemonActions({
        socket,
        store: storeClient,
        overrides: () => overrides,
        override: (changed) => {
          overrides = changed;
        },
        restart: restartGuixDaemon,
      }),
      files: configuration.chrootDirectories.filter((directory) => typeof directory !== "string"),
    }),
  ];
}

/** The users that build, and their group. */
export function guixAccounts({
  buildGroup,
  buildAccounts,
}: GuixConfiguration): readonly (UserAccount | UserGroup)[] {
  return [
    userGroup({ name: buildGroup, system: true, id: buildGroupId }),
    ...Array.from({ length: buildAccounts }, (_, index) => buildUser(buildGroup, index + 1)),
  ];
}

function buildUser(group: string, number: number): UserAccount {
  return userAccount({
    name: `guixbuilder${String(number).padStart(2, "0")}`,
    group,
    // In its own group as a member too: that is how guix-daemon finds it. In kvm, builds can run virtual machines.
    supplementaryGroups: [group, "kvm"],
    system: true,
    comment: `Guix Build User ${String(number).padStart(2)}`,
    homeDirectory: "/var/empty",
    shell: nologin,
  });
}

/** Keys, trusted keys, files and the socket's directory. Each has a snippet of its own: one that fails stops no other. */
export function guixActivation(configuration: GuixConfiguration): readonly ActivationSnippet[] {
  const { guix, authorizedKeys } = configuration;
  return [
    { name: "guix", steps: [socketDirectory(configuration), ...fileSteps(configuration)] },
    ...(configuration.generateSubstituteKey
      ? [{ name: "guix-signing-key", steps: [generateKey(fileAppend(guix, "/bin/guix"))] }]
      : []),
    ...(configuration.authorizeKey
      ? [{ name: "guix-acl", steps: [runStep([aclScript, ...authorizedKeys])] }]
      : []),
  ];
}

function socketDirectory(configuration: GuixConfiguration): ActivationStep {
  const {
    socketDirectoryPermissions: mode,
    socketDirectoryUser: owner,
    socketDirectoryGroup: group,
  } = configuration;
  return directoryStep("/var/guix/daemon-socket", {
    mode,
    owner: owner === false ? "root" : owner,
    group: group === false ? "root" : group,
  });
}

function fileSteps({ channels, buildMachines }: GuixConfiguration): readonly ActivationStep[] {
  return [
    ...(channels === false
      ? []
      : [fileStep("/etc/guix/channels.scm", { source: channels }, { mode: 0o644 })]),
    ...(buildMachines.length === 0
      ? []
      : [
          fileStep("/etc/guix/machines.scm", `(list ${buildMachines.map(embedded).join("\n      ")})\n`, {
            mode: 0o644,
          }),
        ]),
  ];
}

/** Making a key can take its time where the machine has little entropy. */
function generateKey(guix: FileLike): ActivationStep {
  return runStep([guix, "archive", "--generate-key"], {
    unless: "/etc/guix/signing-key.pub",
    timeout: 600,
  });
}

/**
 * Runs guix-daemon, as root. Extensions add trusted keys, substitute servers and what builds can read.
 *
 * @example service(guixServiceType, guixConfiguration({ buildAccounts: 5, useSubstitutes: false }))
 */
export const guixServiceType = serviceType<GuixConfiguration, GuixExtension, GuixExtension>({
  name: "guix",
  extensions: [
    serviceExtension(shepherdRootServiceType, guixShepherdServices),
    serviceExtension(accountServiceType, guixAccounts),
    serviceExtension(activationServiceType, guixActivation),
    serviceExtension(profileServiceType, (value: GuixConfiguration) => [value.guix]),
  ],
  compose: composeGuixExtensions,
  extend: extendGuix,
  defaultValue: guixConfiguration(),
  description:
    "Run the build daemon of GNU Guix, guix-daemon, which keeps the store and builds on behalf of users.",
  valueCheck: { ...guixConfiguration.check, describe: kindOf },
});
