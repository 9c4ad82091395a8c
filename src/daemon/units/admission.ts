// Whether a unit may start at all, which is found out before anything is begun.

import type { Host } from "../constructors/host.js";
import { checkConditions } from "./conditions.js";
import { UnitFailure } from "./failure.js";
import type { AnyUnitData } from "./types.js";

/** @throws Skipped where a condition does not hold; UnitFailure where it is refused, or an assertion does not hold */
export async function admit(host: Pick<Host, "environment">, data: AnyUnitData): Promise<void> {
  if (data.refused !== undefined) throw new UnitFailure("assert", data.refused);
  refuseStrictly(data);
  await checkConditions(host, data);
}

/** @throws UnitFailure where something of the unit is not applied, and it is to be applied as a whole */
function refuseStrictly({ strict, notApplied: all }: Pick<AnyUnitData, "strict" | "notApplied">): void {
  const notApplied = all.filter(({ harmless }) => harmless !== true);
  const [first] = notApplied;
  if (!strict || first === undefined) return;
  const { directive, why, file, line } = first;
  const more = notApplied.length === 1 ? "" : ` (and ${notApplied.length - 1} more)`;
  const place = line === 0 ? file : `${file}:${line}`;
  throw new UnitFailure(
    "assert",
    `${place}: ${directive}= cannot be applied: ${why}${more}; the unit is to be applied strictly`,
  );
}
