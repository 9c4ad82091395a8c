// The type of the service that makes users and groups, and their home directories.

import {
  type AccountContribution,
  accountsStep,
  checkContributions,
  declaredAccounts,
} from "../accounts/declared.js";
import { homesOf, userHomesService } from "../accounts/user-homes.js";
import { type ActivationSnippet, internalStep } from "../activation/steps.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { treeOfEntries } from "../files/entries.js";
import { filePath, plainFile } from "../files/file-like.js";
import type { ShepherdService } from "../shepherd/service.js";
import { warn } from "../warn.js";
import { activationServiceType } from "./activation.js";
import { type EtcEntry, etcServiceType } from "./etc.js";
import { append } from "./lists.js";
import { shepherdRootServiceType } from "./shepherd-root.js";
import { userProcessesServiceType } from "./user-processes.js";

export type { AccountContribution } from "../accounts/declared.js";
export {
  homeDirectoryOf,
  type Skeleton,
  type UserAccount,
  type UserGroup,
  userAccount,
  userGroup,
} from "../accounts/records.js";

type Accounts = readonly AccountContribution[];

function accountActivation(all: Accounts): readonly ActivationSnippet[] {
  const declared = declaredAccounts(all);
  for (const text of declared.warnings) warn(text);
  return [{ name: "account", steps: [internalStep(accountsStep(declared))] }];
}

function userHomes(all: Accounts): readonly ShepherdService[] {
  return [userHomesService(homesOf(declaredAccounts(all).users))];
}

/** `skel` only where something was declared for it: Debian's own is as good as none of ours. */
function accountFiles(all: Accounts): readonly EtcEntry[] {
  const { users, skeletons } = declaredAccounts(all);
  const shells = [
    "/bin/sh",
    "/run/current-system/profile/bin/sh",
    "/run/current-system/profile/bin/bash",
    ...users.map(({ shell }) => filePath(shell)),
  ];
  const lines = [...new Set(shells)].map((shell) => `${shell}\n`);
  return [
    ...(skeletons.length === 0
      ? []
      : [["skel", treeOfEntries("skeletons of home directories", skeletons)] satisfies EtcEntry]),
    ["shells", plainFile("shells", lines.join(""), { mode: 0o644 })],
  ];
}

/**
 * Users and groups. Its value and its contributions are lists of records made by `userAccount` and `userGroup`, and of
 * skeletons, `[name, file]`, which are copied into new home directories.
 *
 * @example
 * serviceExtension(accountServiceType, ({ user }: ClockConfiguration) => [
 *   userGroup({ name: user, system: true }),
 *   userAccount({ name: user, group: user, system: true, homeDirectory: "/var/empty", shell: "/usr/sbin/nologin" }),
 * ])
 */
export const accountServiceType = serviceType<Accounts, Accounts, Accounts>({
  name: "account",
  extensions: [
    serviceExtension(activationServiceType, accountActivation),
    serviceExtension(shepherdRootServiceType, userHomes),
    serviceExtension(userProcessesServiceType, () => ["user-homes"]),
    serviceExtension(etcServiceType, accountFiles),
  ],
  compose: checkContributions,
  extend: append,
  defaultValue: [],
  description: "Make users and groups, and the home directories of users.",
});
