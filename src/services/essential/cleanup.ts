// The type of the service that removes, at boot, what the previous boot has left behind.

import type { BootSnippet } from "../activation/steps.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { bootServiceType } from "./boot.js";

const cleanUp: readonly BootSnippet[] = [{ name: "cleanup", steps: [{ step: "cleanup" }] }];

/**
 * Empties `/tmp` and `/run` at boot, and removes locks on accounts. File systems that are mounted there, as container
 * runtimes do, are left alone. It takes no value and cannot be extended.
 */
export const cleanupServiceType = serviceType<undefined>({
  name: "cleanup",
  extensions: [serviceExtension(bootServiceType, () => cleanUp)],
  defaultValue: undefined,
  description:
    "Remove what the previous boot has left: temporary files, and locks on the databases of accounts.",
});
