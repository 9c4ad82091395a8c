// The type of the service that collects packages into the system's profile, `/run/current-system/profile`.

import { checkValue, fail } from "../../daemon/definition/check.js";
import { listOf } from "../../daemon/definition/fields.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { isSoftwarePackage, type SoftwarePackage } from "../files/file-like.js";
import { programPath } from "../files/software-package.js";
import { symlink, type Tree, type TreeEntry } from "../files/tree.js";
import { append } from "./lists.js";
import { type SystemEntry, systemServiceType } from "./system.js";

export const packageList = listOf<SoftwarePackage>(
  "a list of packages made by softwarePackage(…)",
  isSoftwarePackage,
);

/** @throws DefinitionError where two packages have different programs of one name */
function profileTree(packages: readonly SoftwarePackage[]): Tree {
  const tree = new Map<string, TreeEntry>();
  const owners = new Map<string, SoftwarePackage>();
  for (const one of new Set(packages))
    for (const program of one.programs) {
      const path = programPath(program);
      const other = owners.get(path);
      if (other !== undefined && other.prefix !== one.prefix)
        fail(
          { what: "service 'profile'" },
          `packages "${other.name}" and "${one.name}" both have the program "${program}"`,
        );
      owners.set(path, one);
      tree.set(path, symlink(`${one.prefix}/${path}`));
    }
  return tree;
}

const profileEntries = (packages: readonly SoftwarePackage[]): readonly SystemEntry[] => [
  ["profile", profileTree(packages)],
];

/**
 * The packages of the system's profile: links to their programs. Its value and its contributions are lists of packages;
 * one that comes several times counts once.
 *
 * @example serviceExtension(profileServiceType, ({ tor }: TorConfiguration) => [tor])
 */
export const profileServiceType = serviceType<
  readonly SoftwarePackage[],
  readonly SoftwarePackage[],
  readonly SoftwarePackage[]
>({
  name: "profile",
  extensions: [serviceExtension(systemServiceType, profileEntries)],
  compose: (contributions) =>
    contributions.flatMap((packages) =>
      checkValue({ what: "service 'profile'" }, packages, packageList, "an extension"),
    ),
  extend: append,
  defaultValue: [],
  description:
    "Make the system's profile, /run/current-system/profile: links to the programs of its packages.",
});
