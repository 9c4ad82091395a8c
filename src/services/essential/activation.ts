// The type of the service that prepares a system before its services start: directories, files, accounts. Its contributions
// are data; see `../activation/steps.ts`.

import { filesOfSteps, lowered } from "../activation/lowering.js";
import { scriptFor } from "../activation/scripts.js";
import { type ActivationSnippet, type BootSnippet, checkSnippets } from "../activation/steps.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { plainFile } from "../files/file-like.js";
import { filesTree } from "../files/stored.js";
import { bootServiceType } from "./boot.js";
import { contributed } from "./lists.js";
import { type SystemEntry, systemServiceType } from "./system.js";

export {
  type ActivationSnippet,
  type ActivationStep,
  type DirectoryStep,
  directoryStep,
  type FileStep,
  fileStep,
  type Ownership,
  type RemoveStep,
  type RunStep,
  removeStep,
  runStep,
  type SymlinkStep,
  symlinkStep,
} from "../activation/steps.js";

/** What every activation begins with. */
const beginning: ActivationSnippet = { name: "current-system", steps: [{ step: "current-system" }] };

function activationEntries(snippets: readonly ActivationSnippet[]): readonly SystemEntry[] {
  const all = [beginning, ...snippets];
  return [
    ["activate", scriptFor("activate")],
    ["activation.json", plainFile("activation.json", lowered(all), { mode: 0o600 })],
    ["files", filesTree(filesOfSteps(all))],
  ];
}

const activateAtBoot: readonly BootSnippet[] = [{ name: "activation", steps: [{ step: "activate" }] }];

/**
 * What is done before services start, at boot and when a system is reconfigured. Its value is ignored: contributions make
 * it. They are carried out in the order of folding, the last service of the list first; essential services, which come
 * last, therefore make accounts before the services of the user make directories that belong to them.
 *
 * @example
 * serviceExtension(activationServiceType, ({ user }: ClockConfiguration) => [
 *   { name: "clock", steps: [directoryStep("/var/lib/clock", { mode: 0o700, owner: user })] },
 * ])
 */
export const activationServiceType = serviceType<
  readonly ActivationSnippet[],
  readonly ActivationSnippet[],
  readonly ActivationSnippet[]
>({
  name: "activate",
  extensions: [
    serviceExtension(bootServiceType, () => activateAtBoot),
    serviceExtension(systemServiceType, activationEntries),
  ],
  compose: (contributions) =>
    contributions.flatMap((list) => checkSnippets({ what: "service 'activate'" }, list)),
  extend: contributed,
  defaultValue: [],
  description:
    "Carry out, at boot and when the system is reconfigured, what services need done before they start.",
});
