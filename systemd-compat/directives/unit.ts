// Directives of [Unit] and [Install].

import { boolean, exitStatusOrNone, rawText, systemAction, text, timeSpan } from "../values/basic.js";
import type { Condition } from "../values/conditions.js";
import { type ConditionKind, condition, pathConditions, wordConditions } from "../values/conditions.js";
import { dependencyPaths, path } from "../values/files.js";
import { documentation, installUnits, units } from "../values/lists.js";
import { count } from "../values/process.js";
import { choice } from "../values/type.js";
import {
  confining,
  core,
  coreText,
  type Directive,
  harmless,
  harmlessLoss,
  impossible,
  impossibleDetail,
  into,
  rare,
  rareManner,
} from "./table.js";

const jobMode = choice([
  "fail",
  "replace",
  "replace-irreversibly",
  "isolate",
  "flush",
  "ignore-dependencies",
  "ignore-requirements",
] as const);

/** Conditions that many units have; the others are rarer. */
const usual = new Set<ConditionKind>([
  "PathExists",
  "PathExistsGlob",
  "PathIsDirectory",
  "PathIsReadWrite",
  "DirectoryNotEmpty",
  "FileNotEmpty",
  "FileIsExecutable",
  "Virtualization",
]);

type ConditionRows<Prefix extends string, Into extends string> = {
  readonly [Kind in ConditionKind as `${Prefix}${Kind}`]: Directive<readonly Condition[], Into>;
};

function conditionRows<Prefix extends string, Into extends string>(
  prefix: Prefix,
  name: Into,
): ConditionRows<Prefix, Into> {
  const rows = [...pathConditions, ...wordConditions].map((kind) => {
    const row = usual.has(kind) ? core : rare;
    return [`${prefix}${kind}`, into(name, row(condition(kind)))] as const;
  });
  return Object.fromEntries(rows) as ConditionRows<Prefix, Into>;
}

export const unitDirectives = {
  Description: coreText(text),
  Documentation: coreText(documentation),
  SourcePath: harmless(path),
  Requires: core(units),
  Requisite: core(units),
  Wants: core(units),
  BindsTo: core(units),
  Upholds: core(units),
  Conflicts: core(units),
  Before: core(units),
  After: core(units),
  OnSuccess: core(units),
  OnFailure: core(units),
  PartOf: core(units),
  PropagatesReloadTo: rare(units),
  ReloadPropagatedFrom: rare(units),
  PropagatesStopTo: rare(units),
  StopPropagatedFrom: rare(units),
  JoinsNamespaceOf: confining(units),
  RequiresMountsFor: harmless(dependencyPaths),
  DefaultDependencies: core(boolean),
  StopWhenUnneeded: rareManner(boolean),
  RefuseManualStart: rareManner(boolean),
  RefuseManualStop: rareManner(boolean),
  AllowIsolate: harmless(boolean),
  IgnoreOnIsolate: harmless(boolean),
  OnSuccessJobMode: harmless(jobMode),
  OnFailureJobMode: harmless(jobMode),
  OnFailureIsolate: harmless(boolean),
  JobTimeoutSec: harmlessLoss(timeSpan),
  JobRunningTimeoutSec: harmlessLoss(timeSpan),
  JobTimeoutAction: harmlessLoss(systemAction),
  JobTimeoutRebootArgument: harmless(text),
  StartLimitIntervalSec: core(timeSpan),
  StartLimitBurst: core(count),
  StartLimitAction: impossible(systemAction),
  FailureAction: impossible(systemAction),
  SuccessAction: impossible(systemAction),
  FailureActionExitStatus: impossibleDetail(exitStatusOrNone),
  SuccessActionExitStatus: impossibleDetail(exitStatusOrNone),
  RebootArgument: impossibleDetail(text),
  CollectMode: harmless(choice(["inactive", "inactive-or-failed"] as const)),
  ...conditionRows("Condition", "Conditions"),
  ...conditionRows("Assert", "Asserts"),
};

export const installDirectives = {
  Alias: core(installUnits),
  WantedBy: core(installUnits),
  RequiredBy: core(installUnits),
  Also: core(installUnits),
  DefaultInstance: rare(rawText),
};
