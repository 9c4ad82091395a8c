// The type of the service that puts files into `/etc`.

import { fail } from "../../daemon/definition/check.js";
import { type ActivationSnippet, type EtcStep, internalStep } from "../activation/steps.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { treeOfEntries } from "../files/entries.js";
import { activationServiceType } from "./activation.js";
import { append } from "./lists.js";
import { checkEntries, type SystemEntry, systemServiceType } from "./system.js";

/** Something in `/etc`, by its name there, such as `["issue", plainFile("issue", "Welcome!\n")]`. */
export type EtcEntry = SystemEntry;

const install: readonly ActivationSnippet[] = [
  { name: "etc", steps: [internalStep<EtcStep>({ step: "etc" })] },
];

/** @throws DefinitionError where two entries have one name */
function etcDirectory(entries: readonly EtcEntry[]): readonly SystemEntry[] {
  const names = new Set<string>();
  for (const [name] of entries) {
    if (names.has(name)) fail({ what: "service 'etc'" }, `duplicate '${name}' entry for /etc`);
    names.add(name);
  }
  return [["etc", treeOfEntries("service 'etc'", entries)]];
}

/**
 * Files in `/etc`. Its value and its contributions are lists of `[name, file]`. When the system is activated, a regular file
 * is copied there, and a directory becomes a link to that of the system.
 *
 * @example simpleService("issue", etcServiceType, [["issue", plainFile("issue", "Welcome!\n")]])
 */
export const etcServiceType = serviceType<readonly EtcEntry[], readonly EtcEntry[], readonly EtcEntry[]>({
  name: "etc",
  extensions: [
    serviceExtension(activationServiceType, () => install),
    serviceExtension(systemServiceType, etcDirectory),
  ],
  compose: (contributions) => checkEntries("etc", contributions),
  extend: append,
  defaultValue: [],
  description: "Put files into /etc.",
});
