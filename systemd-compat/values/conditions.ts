// Values of Condition…= and Assert…=: what must be so when the unit starts.

import type { Position } from "../diagnostics.js";
import { stripStart } from "../parser/text.js";
import { absolutePath } from "./files.js";
import type { ValueType } from "./type.js";

/** Kinds whose parameter is a path. */
export const pathConditions = [
  "PathExists",
  "PathExistsGlob",
  "PathIsDirectory",
  "PathIsSymbolicLink",
  "PathIsMountPoint",
  "PathIsReadWrite",
  "PathIsEncrypted",
  "DirectoryNotEmpty",
  "FileNotEmpty",
  "FileIsExecutable",
  "NeedsUpdate",
] as const;

/** The others. */
export const wordConditions = [
  "FirstBoot",
  "Architecture",
  "Firmware",
  "Virtualization",
  "Host",
  "KernelCommandLine",
  "KernelVersion",
  "Credential",
  "Security",
  "Capability",
  "ACPower",
  "Memory",
  "CPUFeature",
  "CPUs",
  "Environment",
  "User",
  "Group",
  "ControlGroupController",
  "OSRelease",
  "MemoryPressure",
  "CPUPressure",
  "IOPressure",
] as const;

export type ConditionKind = (typeof pathConditions)[number] | (typeof wordConditions)[number];

export interface Condition {
  readonly kind: ConditionKind;
  /** Such as `ConditionPathExists`. */
  readonly directive: string;
  /** `|`: of those with it one is enough. */
  readonly trigger: boolean;
  /** `!`: it must not be so. */
  readonly negate: boolean;
  readonly parameter: string;
  readonly position: Position;
}

/** Conditions of all kinds are one list, which an empty assignment of any kind empties. */
export function condition(kind: ConditionKind): ValueType<readonly Condition[]> {
  const isPath = pathConditions.some((one) => one === kind);
  return {
    expected: isPath ? 'an absolute path, after "|" and "!" if these are meant' : 'text, after "|" and "!"',
    parse(text, previous = [], context) {
      if (text === "") return undefined;
      const skip = isPath ? (rest: string) => rest : stripStart;
      const trigger = text.startsWith("|");
      const afterTrigger = trigger ? skip(text.slice(1)) : text;
      const negate = afterTrigger.startsWith("!");
      const expanded = context.expand(negate ? skip(afterTrigger.slice(1)) : afterTrigger);
      const parameter = isPath ? absolutePath(expanded) : expanded;
      const { directive, position } = context;
      return [...previous, { kind, directive, trigger, negate, parameter, position }];
    },
  };
}
