// What a system declares about accounts, sorted out and checked: users, groups and skeletons.

import { DefinitionError, fail, show } from "../../daemon/definition/check.js";
import { messageAt } from "../composition/errors.js";
import {
  homeDirectoryOf,
  isSkeleton,
  type Skeleton,
  type UserAccount,
  type UserGroup,
  userAccount,
  userAccountPosition,
  userGroup,
} from "./records.js";
import type { AccountsStep } from "./step.js";

/** What can be contributed: a user, a group, or a skeleton for home directories. */
export type AccountContribution = UserAccount | UserGroup | Skeleton;

export interface DeclaredAccounts {
  readonly users: readonly UserAccount[];
  readonly groups: readonly UserGroup[];
  readonly skeletons: readonly Skeleton[];
  /** What is odd, but can be. */
  readonly warnings: readonly string[];
}

const isContribution = (value: unknown): boolean =>
  userAccount.isInstance(value) || userGroup.isInstance(value) || isSkeleton(value);

/** @throws DefinitionError where a contribution is no list of users, groups and skeletons */
export function checkContributions(
  lists: readonly (readonly AccountContribution[])[],
): readonly AccountContribution[] {
  const of = { what: "service 'account'" };
  const expected = "expected extensions that are lists of userAccount(…), userGroup(…) and [name, file]";
  for (const list of lists) if (!Array.isArray(list)) fail(of, `${expected}, got ${show(list)}`);
  const all = lists.flat();
  const wrong = all.find((one) => !isContribution(one));
  if (wrong !== undefined) fail(of, `${expected}, got ${show(wrong)}`);
  return all;
}

/**
 * Sorts out what was declared. Of several by one name the first counts.
 *
 * @throws DefinitionError where a user is in a group that nobody has declared
 */
export function declaredAccounts(all: readonly AccountContribution[]): DeclaredAccounts {
  const given = [...new Set(all)];
  const users = given.filter((one) => userAccount.isInstance(one));
  const groups = given.filter((one) => userGroup.isInstance(one));
  const skeletons = given.filter(isSkeleton);
  const declared: DeclaredAccounts = {
    users: firstOfEach(users),
    groups: firstOfEach(groups),
    skeletons,
    warnings: [...repeated("accounts", users), ...repeated("groups", groups)],
  };
  assertGroupsDeclared(declared);
  return declared;
}

function firstOfEach<T extends { readonly name: string }>(records: readonly T[]): readonly T[] {
  return [...new Map([...records].reverse().map((one) => [one.name, one])).values()].reverse();
}

/** Records that say the same twice are nothing to warn of. */
function repeated(what: string, records: readonly { readonly name: string }[]): readonly string[] {
  const names = records
    .filter((one, index) =>
      records.slice(0, index).some((other) => other.name === one.name && !isAlike(other, one)),
    )
    .map(({ name }) => name);
  return names.length === 0
    ? []
    : [`the following ${what} appear more than once: ${[...new Set(names)].join(", ")}`];
}

const isAlike = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function assertGroupsDeclared({ users, groups }: DeclaredAccounts): void {
  const names = new Set(groups.map(({ name }) => name));
  for (const account of users) {
    const { name: user, group, supplementaryGroups } = account;
    const position = userAccountPosition(account);
    if (typeof group === "string" && !names.has(group))
      throw new DefinitionError(
        messageAt(position, `primary group '${group}' of user '${user}' is undeclared`),
      );
    const missing = supplementaryGroups.find((one) => !names.has(one));
    if (missing !== undefined)
      throw new DefinitionError(
        messageAt(position, `supplementary group '${missing}' of user '${user}' is undeclared`),
      );
  }
}

/** The accounts as data for activation. */
export function accountsStep({ users, groups }: DeclaredAccounts): AccountsStep {
  return {
    step: "accounts",
    users: users.map((user) => ({ ...user, homeDirectory: homeDirectoryOf(user) })),
    groups: groups.map((group) => ({ ...group })),
  };
}
