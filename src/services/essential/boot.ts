// The type of the service that says what happens when a system boots, in which order, up to the supervisor's taking over.

import { filesOfSteps, lowered } from "../activation/lowering.js";
import { scriptFor } from "../activation/scripts.js";
import type { BootSnippet } from "../activation/steps.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { plainFile } from "../files/file-like.js";
import { filesTree } from "../files/stored.js";
import { concatenate, contributed } from "./lists.js";
import { type SystemEntry, systemServiceType } from "./system.js";

/** The script of a system directory, and what it does as data. */
function bootEntries(snippets: readonly BootSnippet[]): readonly SystemEntry[] {
  // Folding gives the last service of the list first; at boot things happen in the order of the list.
  const inOrder = [...snippets].reverse();
  return [
    ["boot", scriptFor("boot")],
    ["boot.json", plainFile("boot.json", lowered(inOrder), { mode: 0o600 })],
    ["files", filesTree(filesOfSteps(inOrder))],
  ];
}

/**
 * What happens at boot. Its value is ignored: contributions make it. They are carried out in the order in which services
 * are listed.
 */
export const bootServiceType = serviceType<
  readonly BootSnippet[],
  readonly BootSnippet[],
  readonly BootSnippet[]
>({
  name: "boot",
  extensions: [serviceExtension(systemServiceType, bootEntries)],
  compose: concatenate,
  extend: contributed,
  defaultValue: [],
  description: "Make the boot script of a system, which ends with the supervisor's taking over.",
});
