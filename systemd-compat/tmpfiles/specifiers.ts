// Specifiers in tmpfiles.d(5) and sysusers.d(5): those of unit files that need no unit.

import { type ManagerDirectories, systemDirectories } from "../manager-directories.js";
import { unitName } from "../names.js";
import { expandSpecifiers, SpecifierError } from "../specifiers.js";
import type { SystemFacts } from "../system-facts.js";

/** What the specifiers of a kind of files stand for. */
export type Expand = (text: string) => string;

/** One that does not exist, which is a mistake; one that stands for nothing yet, such as `%m`, is none. */
export class UnknownSpecifier extends SpecifierError {}

const ofTheSystem = "aAbBHlmMovwWTV";

/** Those of sysusers.d. */
export const sysusersLetters = ofTheSystem;
/** Those of tmpfiles.d: also the user and the directories of whoever applies the files. */
export const tmpfilesLetters = `${ofTheSystem}CgGhLStuU`;

/** No specifier that is let through asks for it. */
const noUnit = unitName("none.service");

/**
 * A function that replaces specifiers, and throws SpecifierError where one does not exist or stands for nothing.
 * @param letters those that exist
 */
export function expander(
  letters: string,
  facts: SystemFacts,
  directories: ManagerDirectories = systemDirectories,
): Expand {
  return (text) => {
    for (const [written, letter = ""] of text.matchAll(/%([%A-Za-z0-9])/g))
      if (letter !== "%" && !letters.includes(letter))
        throw new UnknownSpecifier(`unknown specifier ${written}`);
    return expandSpecifiers(text, { unit: noUnit, facts, directories });
  };
}
