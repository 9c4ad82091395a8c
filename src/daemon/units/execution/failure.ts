// What a start says that could not be prepared: the unit's file, the directive, what was wrong.

import { StartFailure } from "../../constructors/host.js";
import { errorText } from "../../error-text.js";
import type { UnitData } from "../types.js";

/** Where a unit's directives stand: its file, or its name where it has none. */
export function placeOf({ files, unit }: Pick<UnitData, "files" | "unit">): string {
  return files[0] ?? unit;
}

/** @param what such as `User=nobody1: there is no such user` */
export function failure(data: Pick<UnitData, "files" | "unit">, what: string): StartFailure {
  return new StartFailure(`${placeOf(data)}: ${what}`);
}

/** What `work` gives; where it fails, the failure names the directive. */
export async function preparing<T>(
  data: Pick<UnitData, "files" | "unit">,
  directive: string,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StartFailure) throw error;
    throw failure(data, `${directive}: ${errorText(error)}`);
  }
}
