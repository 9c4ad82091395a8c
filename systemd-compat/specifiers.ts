// Specifiers: `%i` and its like in unit files, replaced by what they stand for in this unit on this system.

import type { ManagerDirectories } from "./manager-directories.js";
import { stemOf, type UnitName, unescapeName, unescapePath } from "./names.js";
import type { SystemFacts } from "./system-facts.js";

/** A specifier that does not exist, or that stands for nothing here. */
export class SpecifierError extends Error {
  override readonly name = "SpecifierError";
}

/** All that specifiers of one unit may ask for. */
export interface SpecifierContext {
  readonly unit: UnitName;
  /** The unit's main file, if it has one. */
  readonly fragment?: string;
  readonly facts: SystemFacts;
  readonly directories: ManagerDirectories;
}

/** What a specifier stands for; undefined where it stands for nothing here. */
type Specifier = (context: SpecifierContext) => string | undefined;

/** The part of a prefix after its last dash. */
function lastPart(prefix: string): string {
  return prefix.slice(prefix.lastIndexOf("-") + 1);
}

/** Those that are safe in the name of a unit. */
const nameSpecifiers: Readonly<Record<string, Specifier>> = {
  i: ({ unit }) => unit.instance ?? "",
  j: ({ unit }) => lastPart(unit.prefix),
  n: ({ unit }) => unit.full,
  N: ({ unit }) => stemOf(unit),
  p: ({ unit }) => unit.prefix,
  a: ({ facts }) => facts.architecture,
  A: ({ facts }) => release(facts, "IMAGE_VERSION"),
  b: ({ facts }) => facts.bootId,
  B: ({ facts }) => release(facts, "BUILD_ID"),
  H: ({ facts }) => facts.hostName,
  l: ({ facts }) => facts.hostName.split(".", 1)[0],
  q: ({ facts }) => facts.prettyHostName ?? facts.hostName.split(".", 1)[0],
  m: ({ facts }) => facts.machineId,
  M: ({ facts }) => release(facts, "IMAGE_ID"),
  o: ({ facts }) => release(facts, "ID"),
  v: ({ facts }) => facts.kernelRelease,
  w: ({ facts }) => release(facts, "VERSION_ID"),
  W: ({ facts }) => release(facts, "VARIANT_ID"),
  g: ({ facts }) => facts.user.group,
  G: ({ facts }) => String(facts.user.gid),
  u: ({ facts }) => facts.user.name,
  U: ({ facts }) => String(facts.user.uid),
};

const allSpecifiers: Readonly<Record<string, Specifier>> = {
  ...nameSpecifiers,
  I: ({ unit }) => unescapeName(unit.instance ?? ""),
  J: ({ unit }) => unescapeName(lastPart(unit.prefix)),
  P: ({ unit }) => unescapeName(unit.prefix),
  f: ({ unit }) => unescapePath(unit.instance ?? unit.prefix),
  y: ({ fragment }) => fragment,
  Y: ({ fragment }) => fragment?.replace(/\/[^/]*$/, ""),
  t: ({ directories }) => directories.runtime,
  S: ({ directories }) => directories.state,
  C: ({ directories }) => directories.cache,
  L: ({ directories }) => directories.logs,
  E: ({ directories }) => directories.configuration,
  T: ({ directories }) => directories.temporary,
  V: ({ directories }) => directories.persistentTemporary,
  d: ({ directories, unit }) => `${directories.runtime}/credentials/${unit.full}`,
  h: ({ facts }) => facts.user.home,
  s: ({ facts }) => facts.user.shell,
};

function release({ osRelease }: SystemFacts, field: string): string {
  return osRelease.get(field) ?? "";
}

/** Characters that specifiers may make: as many as a command line has room for. */
const longest = 2 ** 21;

/**
 * The text with specifiers replaced; `%%` is a percent sign. A percent sign before anything that is no letter or digit, or
 * at the end, stays.
 * @param onlyForNames whether only those are known that may be in the names of units
 * @throws SpecifierError
 */
export function expandSpecifiers(text: string, context: SpecifierContext, onlyForNames = false): string {
  if (!text.includes("%")) return text;
  const known = onlyForNames ? nameSpecifiers : allSpecifiers;
  let length = text.length;
  return text.replace(/%([%A-Za-z0-9])/g, (written, letter: string) => {
    if (letter === "%") return "%";
    const value = replacementOf(written, Object.hasOwn(known, letter) ? known[letter] : undefined, context);
    length += value.length;
    if (length > longest) throw new SpecifierError(`specifiers that make more than ${longest} characters`);
    return value;
  });
}

function replacementOf(written: string, specifier: Specifier | undefined, context: SpecifierContext): string {
  if (specifier === undefined) throw new SpecifierError(`unknown specifier ${written}`);
  const value = specifier(context);
  if (value === undefined) throw new SpecifierError(`the specifier ${written} stands for nothing here`);
  return value;
}

/** The text as it is written where specifiers are replaced. */
export function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}
