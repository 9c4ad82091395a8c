// Whether the conditions of a unit hold, as the system is now.

import { type Evaluator, fileEvaluators } from "./conditions/files.js";
import { ConditionError, systemEvaluators } from "./conditions/system.js";
import type { SystemView } from "./conditions/view.js";
import type { Condition, ConditionKind } from "./values/conditions.js";

/** What came of one condition. */
export interface ConditionResult {
  readonly condition: Condition;
  /** With `!` taken into account. */
  readonly holds: boolean;
  /** Why it could not be told, and so counts as not holding. */
  readonly problem?: string;
}

export interface ConditionsResult {
  readonly holds: boolean;
  /** All of those that were looked at, in order. */
  readonly results: readonly ConditionResult[];
}

const evaluators: Readonly<Record<ConditionKind, Evaluator>> = { ...fileEvaluators, ...systemEvaluators };

/** Whether one condition holds. It never throws. */
export async function evaluateCondition(condition: Condition, view: SystemView): Promise<ConditionResult> {
  try {
    const isSo = await evaluators[condition.kind](condition.parameter, view);
    return { condition, holds: isSo !== condition.negate };
  } catch (error) {
    // What goes wrong while it is looked for is no reason to start something.
    const problem = error instanceof ConditionError || error instanceof Error ? error.message : String(error);
    return { condition, holds: false, problem };
  }
}

/**
 * Whether a list of conditions holds: all without `|`, and at least one of those with it, if there are any. No condition at
 * all holds. Those that no longer matter are not looked at.
 */
export async function evaluateConditions(
  conditions: readonly Condition[],
  view: SystemView,
): Promise<ConditionsResult> {
  const results: ConditionResult[] = [];
  let triggered: boolean | undefined;
  for (const condition of conditions) {
    if (condition.trigger && triggered === true) continue;
    const result = await evaluateCondition(condition, view);
    results.push(result);
    if (!condition.trigger && !result.holds) return { holds: false, results };
    if (condition.trigger) triggered = result.holds;
  }
  return { holds: triggered !== false, results };
}

/** As it is written: `ConditionPathExists=|!/etc/foo`. */
export function conditionText({ directive, trigger, negate, parameter }: Condition): string {
  return `${directive}=${trigger ? "|" : ""}${negate ? "!" : ""}${parameter}`;
}
