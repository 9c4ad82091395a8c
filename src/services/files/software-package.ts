// Packages: programs that something else has installed, such as Debian's package manager, by the place where they are.

import { type Checks, check, fail } from "../../daemon/definition/check.js";
import { fields, isText, listOf } from "../../daemon/definition/fields.js";
import { recordConstructor } from "../composition/record.js";

/** Software that is installed already. Nothing is ever downloaded or built for it. */
export interface SoftwarePackage {
  /** What people call it. */
  readonly name: string;
  /** The directory that holds its `bin`, an absolute name; default `/usr`. */
  readonly prefix: string;
  /**
   * What of it belongs into a profile: names of programs in its `bin`, or names relative to the prefix where they have a
   * slash, such as `sbin/nginx`; default: one that is called like the package.
   */
  readonly programs: readonly string[];
  /** For people; default: none. */
  readonly version: string | undefined;
}

/** Names that stay below the prefix. */
const isProgram = (value: unknown): boolean =>
  isText(value) && value !== "" && value.split("/").every((part) => !["", ".", ".."].includes(part));

const checks: Checks<SoftwarePackage> = {
  name: fields.name,
  prefix: check<string>(
    "an absolute file name without a slash at its end",
    (value) => isText(value) && /^\/.*[^/]$/.test(value),
  ),
  programs: listOf<string>("a list of programs, each a name or relative to the prefix", isProgram),
  version: fields.text,
};

const construct = recordConstructor<
  Omit<SoftwarePackage, "programs"> & { programs: readonly string[] | undefined },
  "name"
>("softwarePackage", checks, { prefix: "/usr", programs: undefined, version: undefined });

const made = new WeakSet<object>();

/** Whether `value` was made by `softwarePackage`. */
export function isSoftwarePackage(value: unknown): value is SoftwarePackage {
  return typeof value === "object" && value !== null && made.has(value);
}

/**
 * Says where software is.
 *
 * @example softwarePackage({ name: "postgresql", prefix: "/usr/lib/postgresql/15", programs: ["postgres", "psql"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function softwarePackage(given: {
  readonly name: string;
  readonly prefix?: string | undefined;
  readonly programs?: readonly string[] | undefined;
  readonly version?: string | undefined;
}): SoftwarePackage {
  const { programs, ...rest } = construct(given);
  const twice = programs?.find((one, index) => programs.indexOf(one) !== index);
  if (twice !== undefined)
    fail({ what: `package "${rest.name}"` }, `field "programs": "${twice}" is there twice`);
  const one: SoftwarePackage = Object.freeze({
    ...rest,
    programs: Object.freeze([...(programs ?? [rest.name])]),
  });
  made.add(one);
  return one;
}

/** A check for fields that hold a package. */
export const softwarePackageCheck = check<SoftwarePackage>(
  "a package made by softwarePackage(…)",
  isSoftwarePackage,
);

/** Where a program of the package lies below its prefix: `bin/NAME` unless its name says otherwise. */
export function programPath(program: string): string {
  return program.includes("/") ? program : `bin/${program}`;
}
