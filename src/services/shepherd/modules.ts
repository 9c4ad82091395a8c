// The field `modules` of services: ES modules that are no part of the compiled configuration, imported ahead of need.

import { pathToFileURL } from "node:url";
import { DefinitionError, show } from "../../daemon/definition/check.js";
import { errorText } from "../../daemon/error-text.js";
import { messageAt } from "../composition/errors.js";
import { canonicalName, type ShepherdService, shepherdServicePosition } from "./service.js";

/**
 * Imports the modules that the services name, so that whoever builds a system knows that they are there. It is not for the
 * supervisor: one that takes over must not be without its configuration because a file is gone by then.
 *
 * @throws DefinitionError that names the place, the service, the module, and why it cannot be imported
 */
export async function importServiceModules(services: readonly ShepherdService[]): Promise<void> {
  // One after the other: which of several mistakes is told must not depend on which disk answers first.
  for (const service of services) for (const name of service.modules) await importModule(service, name);
}

async function importModule(service: ShepherdService, name: string): Promise<void> {
  try {
    await import(name.startsWith("/") ? pathToFileURL(name).href : name);
  } catch (error) {
    throw new DefinitionError(
      messageAt(
        shepherdServicePosition(service),
        `service ${show(canonicalName(service))}: field "modules": cannot import ${show(name)}: ${errorText(error)}`,
      ),
      { cause: error },
    );
  }
}
