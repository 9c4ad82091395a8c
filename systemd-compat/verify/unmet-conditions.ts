// Which conditions of a unit do not hold now, and why, in words.

import type { SystemView } from "../conditions/view.js";
import { type ConditionResult, conditionText, evaluateCondition } from "../conditions.js";
import type { Position } from "../diagnostics.js";
import type { Condition, ConditionKind } from "../values/conditions.js";

export interface UnmetCondition extends Position {
  /** As it is written: `ConditionPathExists=!/etc/foo`. */
  readonly condition: string;
  /** Such as `/etc/foo exists`. */
  readonly why: string;
}

/** What can be said of a condition's parameter where it is so, and where it is not. */
const words: Readonly<Partial<Record<ConditionKind, readonly [so: string, not: string]>>> = {
  PathExists: ["exists", "does not exist"],
  PathExistsGlob: ["matches a file", "matches no file"],
  PathIsDirectory: ["is a directory", "is no directory"],
  PathIsSymbolicLink: ["is a symbolic link", "is no symbolic link"],
  PathIsMountPoint: ["is a mount point", "is no mount point"],
  PathIsReadWrite: ["is mounted for writing", "is not there or not mounted for writing"],
  PathIsEncrypted: ["is on an encrypted device", "is on no encrypted device"],
  DirectoryNotEmpty: ["holds files", "is no directory that holds files"],
  FileNotEmpty: ["has contents", "is no file that has contents"],
  FileIsExecutable: ["can be executed", "is no file that can be executed"],
  NeedsUpdate: ["is older than /usr", "is up to date"],
  KernelCommandLine: ["is on the kernel's command line", "is not on the kernel's command line"],
  Capability: ["is there", "is not there"],
  Environment: ["is in the environment", "is not in the environment"],
  Security: ["is in use", "is not in use"],
  Credential: ["was given", "was not given"],
};

/** Those without `|` that do not hold; and those with it, where none of them holds. In order. */
export async function unmetConditions(
  conditions: readonly Condition[],
  view: SystemView,
): Promise<readonly UnmetCondition[]> {
  const results: ConditionResult[] = [];
  for (const condition of conditions) results.push(await evaluateCondition(condition, view));
  const triggered = results.some(({ condition, holds }) => condition.trigger && holds);
  return results.flatMap((result) => {
    const { condition, holds } = result;
    if (holds || (condition.trigger && triggered)) return [];
    return [{ ...condition.position, condition: conditionText(condition), why: reasonOf(result) }];
  });
}

function reasonOf({ condition: { kind, parameter, negate }, problem }: ConditionResult): string {
  if (problem !== undefined) return `it cannot be told: ${problem}`;
  const said = words[kind];
  if (said === undefined) return negate ? "it is so here" : "it is not so here";
  const [so, not] = said;
  return `${parameter} ${negate ? so : not}`;
}
