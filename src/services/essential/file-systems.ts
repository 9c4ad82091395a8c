// The types of the services that stand for file systems. Those of a container are mounted by its runtime before anything
// of ours runs: there is nothing to mount, and the names are there for what requires them.

import { serviceExtension, serviceType } from "../composition/service-type.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { shepherdRootServiceType } from "./shepherd-root.js";
import { userProcessesServiceType } from "./user-processes.js";

function mounted(provision: string, requirement: readonly string[], documentation: string): ShepherdService {
  return shepherdService({
    provision: [provision],
    requirement,
    respawn: false,
    retryable: true,
    start: () => true,
    stop: () => false,
    documentation,
  });
}

/** The root file system, which is mounted by whoever has started us. It takes no value. */
export const rootFileSystemServiceType = serviceType<undefined>({
  name: "root-file-system",
  extensions: [
    serviceExtension(shepherdRootServiceType, () => [
      mounted("root-file-system", [], "Take care of the root file system."),
    ]),
  ],
  defaultValue: undefined,
  description: "Provide root-file-system, which stands for the root file system.",
});

/** All file systems. It takes no value. */
export const fileSystemsServiceType = serviceType<undefined>({
  name: "file-systems",
  extensions: [
    serviceExtension(shepherdRootServiceType, () => [
      mounted("file-systems", ["root-file-system"], "Target for all the initially-mounted file systems."),
    ]),
    serviceExtension(userProcessesServiceType, () => ["file-systems"]),
  ],
  defaultValue: undefined,
  description:
    "Provide file-systems, which stands for all file systems that are mounted when services start.",
});
