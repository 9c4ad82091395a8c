// The service of OpenSSH's server: `opensshServiceType` of Guix (Guix manual, "Networking Services").

import { dirname } from "node:path";
import { checkValue } from "../daemon/definition/check.js";
import { makeKillDestructor } from "../daemon/definition/constructors.js";
import type { UserAccount, UserGroup } from "./accounts/records.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { daemonAccounts } from "./daemon-accounts.js";
import { accountServiceType } from "./essential/account.js";
import {
  type ActivationSnippet,
  type ActivationStep,
  activationServiceType,
  directoryStep,
  runStep,
} from "./essential/activation.js";
import { profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { type FileLike, fileAppend, plainFile } from "./files/file-like.js";
import { makeForkexecConstructor, shepherdConfigurationAction } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";
import {
  type AuthorizedKeys,
  authorizedKeysCheck,
  authorizedKeysDirectory,
  type OpensshConfiguration,
  opensshConfiguration,
  sshdConfig,
} from "./sshd-config.js";

export {
  type AuthorizedKeys,
  type OpensshConfiguration,
  type OpensshLogLevel,
  opensshConfiguration,
} from "./sshd-config.js";

/** Where sshd locks up its processes that talk to strangers: it must be root's, and nobody else's to write. */
const privilegeSeparation = "/run/sshd";

/** The user of processes that talk to whoever has not proved who he is; Debian's account is adopted. */
export function opensshAccounts(): readonly (UserGroup | UserAccount)[] {
  return daemonAccounts({
    user: "sshd",
    comment: "sshd privilege separation user",
    homeDirectory: privilegeSeparation,
    createHomeDirectory: false,
  });
}

/** Puts the keys of all further arguments into the file of user $2 below $1, as a whole. */
const writeAuthorizedKeys = plainFile(
  "write-authorized-keys",
  `set -eu
umask 022
file=$1/$2
new=$1/.$2.new
shift 2
for key; do
  cat "$key"
  echo
done >"$new"
mv "$new" "$file"
`,
);

/** Directories, keys that open accounts, and host keys; and the configuration is tried. */
export function opensshActivation(configuration: OpensshConfiguration): readonly ActivationSnippet[] {
  const { openssh, pidFile, printLastLog, generateHostKeys } = configuration;
  return [
    {
      name: "openssh",
      steps: [
        // The user `sshd` must be able to read it.
        directoryStep("/etc/ssh", { mode: 0o755 }),
        directoryStep(dirname(pidFile)),
        directoryStep(privilegeSeparation, { mode: 0o755, owner: "root", group: "root" }),
        ...authorizedKeysSteps(configuration),
        ...(printLastLog
          ? [runStep(["/usr/bin/touch", "/var/log/lastlog"], { unless: "/var/log/lastlog" })]
          : []),
        // Only those kinds of which there is none.
        ...(generateHostKeys ? [runStep([fileAppend(openssh, "/bin/ssh-keygen"), "-A"])] : []),
        runStep([fileAppend(openssh, "/sbin/sshd"), "-t", "-f", sshdConfig(configuration)]),
      ],
    },
  ];
}

/** sshd refuses keys in directories that others may write to: they are copied to one that is root's. */
function authorizedKeysSteps({ authorizedKeys }: OpensshConfiguration): readonly ActivationStep[] {
  const keys = new Map<string, readonly FileLike[]>();
  for (const [user, ...files] of authorizedKeys) keys.set(user, [...(keys.get(user) ?? []), ...files]);
  return [
    directoryStep(authorizedKeysDirectory, { mode: 0o755, owner: "root", group: "root" }),
    ...[...keys].map(([user, files]) =>
      runStep(["/bin/sh", writeAuthorizedKeys, authorizedKeysDirectory, user, ...files]),
    ),
    // Users who are not named any more; their names have no wildcards.
    runStep([
      "/usr/bin/find",
      authorizedKeysDirectory,
      "-mindepth",
      "1",
      ...[...keys.keys()].flatMap((user) => ["!", "-name", user]),
      "-delete",
    ]),
  ];
}

/** The service `ssh-daemon`, also `ssh` and `sshd`. Stopping it ends the sessions of those who are logged in. */
export function opensshShepherdServices(configuration: OpensshConfiguration): readonly ShepherdService[] {
  const { openssh, pidFile, autoStart } = configuration;
  const file = sshdConfig(configuration);
  return [
    shepherdService({
      provision: ["ssh-daemon", "ssh", "sshd"],
      requirement: ["syslogd", "loopback"],
      start: makeForkexecConstructor([fileAppend(openssh, "/sbin/sshd"), "-D", "-f", file], { pidFile }),
      stop: makeKillDestructor(),
      actions: [shepherdConfigurationAction(file)],
      autoStart,
      documentation: "OpenSSH server.",
    }),
  ];
}

/**
 * Runs OpenSSH's server. Extensions add keys that open accounts.
 *
 * @example
 * simpleService("my-key", opensshServiceType, [["root", plainFile("alice.pub", "ssh-ed25519 AAAA… alice\n")]])
 */
export const opensshServiceType = serviceType<OpensshConfiguration, readonly AuthorizedKeys[]>({
  name: "openssh",
  extensions: [
    serviceExtension(shepherdRootServiceType, opensshShepherdServices),
    serviceExtension(activationServiceType, opensshActivation),
    serviceExtension(accountServiceType, opensshAccounts),
    serviceExtension(profileServiceType, ({ openssh }: OpensshConfiguration) => [openssh]),
  ],
  compose: (contributions) =>
    contributions.flatMap((keys) =>
      checkValue({ what: "service 'openssh'" }, keys, authorizedKeysCheck, "an extension"),
    ),
  extend: (configuration, added) =>
    opensshConfiguration({ ...configuration, authorizedKeys: [...configuration.authorizedKeys, ...added] }),
  defaultValue: opensshConfiguration(),
  description: "Run the OpenSSH server, sshd, through which users log in from elsewhere.",
  valueCheck: opensshConfiguration.check,
});
