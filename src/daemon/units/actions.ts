// The actions that services of units have, whoever made their definitions.

import { runtime } from "../definition/runtime.js";
import type { ActionDefinition } from "../definition/types.js";
import { canReload } from "./defaults.js";
import { decode } from "./encoded.js";
import type { UnitData } from "./types.js";

/** @param name the canonical name of the unit's service */
export function unitActions(name: string, data: UnitData): readonly ActionDefinition[] {
  if (!canReload(decode(data.service))) return [];
  return [
    Object.freeze({
      name: "reload",
      documentation: "Have the service read its configuration again.",
      procedure: async () => {
        await runtime().reloadService(name);
        console.log(`Service ${name} has been reloaded.`);
        return true;
      },
    }),
  ];
}
