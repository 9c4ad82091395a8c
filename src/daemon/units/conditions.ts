// Conditions and assertions of a unit, looked at when it starts and before anything is begun.

import { systemView } from "../../../systemd-compat/conditions/view.js";
import { conditionText, evaluateConditions } from "../../../systemd-compat/conditions.js";
import { type ManagerUser, readSystemFacts, rootUser } from "../../../systemd-compat/system-facts.js";
import type { Condition } from "../../../systemd-compat/values/conditions.js";
import type { Host } from "../constructors/host.js";
import { Skipped, UnitFailure } from "./failure.js";
import type { AnyUnitData } from "./types.js";

/**
 * Resolves where the unit may start. Conditions are looked at first, as systemd does it.
 *
 * @throws Skipped where a condition does not hold, UnitFailure where an assertion does not
 */
export async function checkConditions(
  host: Pick<Host, "environment">,
  { conditions, asserts }: Pick<AnyUnitData, "conditions" | "asserts">,
): Promise<void> {
  if (conditions.length + asserts.length === 0) return;
  const facts = await readSystemFacts("/", managerUser());
  const view = systemView({ facts, environment: variables(host.environment) });
  const unmet = async (list: readonly Condition[]): Promise<string | undefined> => {
    const { holds, results } = await evaluateConditions(list, view);
    if (holds) return undefined;
    const found = results.filter((one) => !one.holds);
    // Of those with `|` one would have been enough: all are told.
    const told = found.some(({ condition }) => !condition.trigger)
      ? found.filter(({ condition }) => !condition.trigger)
      : found;
    return told
      .map(({ condition, problem }) => {
        const { file, line } = condition.position;
        const why = problem === undefined ? "" : `: ${problem}`;
        return `${conditionText(condition)} does not hold (${file}:${line})${why}`;
      })
      .join("; ");
  };
  const skip = await unmet(conditions);
  if (skip !== undefined) throw new Skipped(skip, false);
  const broken = await unmet(asserts);
  if (broken !== undefined) throw new UnitFailure("assert", broken);
}

/** Whose manager we are: the conditions on users ask for it. */
function managerUser(): ManagerUser {
  const uid = process.geteuid?.() ?? 0;
  const gid = process.getegid?.() ?? 0;
  if (uid === 0) return rootUser;
  const { HOME: home = "/", SHELL: shell = "/bin/sh", USER: name = String(uid) } = process.env;
  return { name, uid, group: String(gid), gid, home, shell };
}

function variables(strings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    strings.map((text) => {
      const equals = text.indexOf("=");
      return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
