// A unit as data: what its files say, every value read, and all that is wrong with it.

import { type Diagnostic, Diagnostics, refused } from "./diagnostics.js";
import {
  type AutomountSettings,
  type InstallSettings,
  type MountSettings,
  type PathSettings,
  type SectionName,
  type ServiceSettings,
  type SliceSettings,
  type SocketSettings,
  type SwapSettings,
  sectionsOf,
  type TimerSettings,
  type UnitSettings,
} from "./directives.js";
import type { ManagerDirectories } from "./manager-directories.js";
import type { UnitName, UnitType } from "./names.js";
import { parseUnitFile } from "./parser/unit-file.js";
import { type JudgedAssignment, readSettings } from "./settings.js";
import type { SystemFacts } from "./system-facts.js";
import { checkUnit } from "./unit-checks.js";

/** A unit that another one wants or requires by a link in its `.wants` or `.requires` directory. */
export interface LinkedUnit {
  readonly name: string;
  /** The link itself. */
  readonly link: string;
}

/** The files of a unit, as they were found. */
export interface UnitSource {
  readonly name: UnitName;
  /** Its other names. */
  readonly aliases: readonly string[];
  /** `masked`: its file is empty or a link to /dev/null. */
  readonly state: "found" | "masked" | "not-found";
  /** The main file, if there is one, then the drop-ins in order. */
  readonly fragment?: SourceFile;
  readonly dropIns: readonly SourceFile[];
  readonly wants: readonly LinkedUnit[];
  readonly requires: readonly LinkedUnit[];
  /** What was wrong while they were looked for. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface SourceFile {
  readonly file: string;
  readonly contents: Uint8Array;
}

/** For whom units are read. */
export interface UnitEnvironment {
  readonly facts: SystemFacts;
  readonly directories: ManagerDirectories;
}

/** `refused`: it cannot be used, and its diagnostics say why. */
export type LoadState = "loaded" | "masked" | "not-found" | "refused";

interface UnitBase {
  readonly name: UnitName;
  readonly aliases: readonly string[];
  readonly state: LoadState;
  readonly fragment?: string;
  readonly dropIns: readonly string[];
  readonly wants: readonly LinkedUnit[];
  readonly requires: readonly LinkedUnit[];
  readonly unit: UnitSettings;
  readonly install: InstallSettings;
  /** All that the files assign, in order. */
  readonly assignments: readonly JudgedAssignment[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ServiceUnit extends UnitBase {
  readonly type: "service";
  readonly service: ServiceSettings;
}
export interface SocketUnit extends UnitBase {
  readonly type: "socket";
  readonly socket: SocketSettings;
}
export interface TimerUnit extends UnitBase {
  readonly type: "timer";
  readonly timer: TimerSettings;
}
export interface PathUnit extends UnitBase {
  readonly type: "path";
  readonly path: PathSettings;
}
export interface TargetUnit extends UnitBase {
  readonly type: "target";
}
/** Units that are read, and translated only in that they are reported. */
export interface MountUnit extends UnitBase {
  readonly type: "mount";
  readonly mount: MountSettings;
}
export interface AutomountUnit extends UnitBase {
  readonly type: "automount";
  readonly automount: AutomountSettings;
}
export interface SwapUnit extends UnitBase {
  readonly type: "swap";
  readonly swap: SwapSettings;
}
export interface SliceUnit extends UnitBase {
  readonly type: "slice";
  readonly slice: SliceSettings;
}
/** Units that have no settings of their own. */
export interface OtherUnit extends UnitBase {
  readonly type: "device" | "scope";
}

export type Unit =
  | ServiceUnit
  | SocketUnit
  | TimerUnit
  | PathUnit
  | TargetUnit
  | MountUnit
  | AutomountUnit
  | SwapUnit
  | SliceUnit
  | OtherUnit;

/** Reads the files of a unit. Nothing that they hold makes it throw. */
export function buildUnit(source: UnitSource, { facts, directories }: UnitEnvironment): Unit {
  const { name, aliases, fragment, dropIns, wants, requires } = source;
  const diagnostics = new Diagnostics();
  diagnostics.addAll(source.diagnostics);
  const files = source.state === "found" ? [...(fragment === undefined ? [] : [fragment]), ...dropIns] : [];
  const assignments = files.flatMap(({ file, contents }) => {
    const parsed = parseUnitFile(file, contents, sectionsOf(name.type));
    diagnostics.addAll(parsed.diagnostics.list);
    return parsed.assignments;
  });
  const specifiers = {
    unit: name,
    facts,
    directories,
    ...(fragment === undefined ? {} : { fragment: fragment.file }),
  };
  const { settings, assignments: judged } = readSettings(assignments, specifiers, diagnostics);
  const base: UnitBase = {
    name,
    aliases,
    state: "loaded",
    dropIns: dropIns.map(({ file }) => file),
    wants,
    requires,
    // The tables in `directives.ts` make both the values and these types.
    unit: (settings.Unit ?? {}) as UnitSettings,
    install: (settings.Install ?? {}) as InstallSettings,
    assignments: judged,
    diagnostics: [],
    ...(fragment === undefined ? {} : { fragment: fragment.file }),
  };
  const unit = withType(base, name.type, settings);
  // One whose file could not be read lacks everything.
  if (source.state === "found" && (fragment !== undefined || !diagnostics.refused))
    for (const problem of checkUnit(unit))
      diagnostics.add({ file: base.fragment ?? name.full, line: 0 }, "error", problem, refused);
  const state = source.state !== "found" ? source.state : diagnostics.refused ? "refused" : "loaded";
  return { ...unit, state, diagnostics: diagnostics.list };
}

function withType(
  base: UnitBase,
  type: UnitType,
  settings: Readonly<Partial<Record<SectionName, unknown>>>,
): Unit {
  switch (type) {
    case "service":
      return { ...base, type, service: (settings.Service ?? {}) as ServiceSettings };
    case "socket":
      return { ...base, type, socket: (settings.Socket ?? {}) as SocketSettings };
    case "timer":
      return { ...base, type, timer: (settings.Timer ?? {}) as TimerSettings };
    case "path":
      return { ...base, type, path: (settings.Path ?? {}) as PathSettings };
    case "mount":
      return { ...base, type, mount: (settings.Mount ?? {}) as MountSettings };
    case "automount":
      return { ...base, type, automount: (settings.Automount ?? {}) as AutomountSettings };
    case "swap":
      return { ...base, type, swap: (settings.Swap ?? {}) as SwapSettings };
    case "slice":
      return { ...base, type, slice: (settings.Slice ?? {}) as SliceSettings };
    case "target":
    case "device":
    case "scope":
      return { ...base, type };
  }
}
