// Every directive that systemd 252 knows, by section and name: what the reader of units, the translation and `herd verify`
// share.

import { automountDirectives, mountDirectives, sliceDirectives, swapDirectives } from "./directives/mount.js";
import { serviceDirectives } from "./directives/service.js";
import { socketDirectives } from "./directives/socket.js";
import type { Directive, Effect, Policy, Settings, Table } from "./directives/table.js";
import { pathDirectives, timerDirectives } from "./directives/triggers.js";
import { installDirectives, unitDirectives } from "./directives/unit.js";
import type { UnitType } from "./names.js";

export type { Directive, Effect, Policy } from "./directives/table.js";

/** The settings of each section, by the names of its directives. */
export type UnitSettings = Settings<typeof unitDirectives>;
export type InstallSettings = Settings<typeof installDirectives>;
export type ServiceSettings = Settings<typeof serviceDirectives>;
export type SocketSettings = Settings<typeof socketDirectives>;
export type TimerSettings = Settings<typeof timerDirectives>;
export type PathSettings = Settings<typeof pathDirectives>;
export type MountSettings = Settings<typeof mountDirectives>;
export type AutomountSettings = Settings<typeof automountDirectives>;
export type SwapSettings = Settings<typeof swapDirectives>;
export type SliceSettings = Settings<typeof sliceDirectives>;

export const sectionTables = {
  Unit: unitDirectives,
  Install: installDirectives,
  Service: serviceDirectives,
  Socket: socketDirectives,
  Timer: timerDirectives,
  Path: pathDirectives,
  Mount: mountDirectives,
  Automount: automountDirectives,
  Swap: swapDirectives,
  Slice: sliceDirectives,
} as const satisfies Readonly<Record<string, Table>>;

export type SectionName = keyof typeof sectionTables;

/** The sections that each type of unit has; a target has none of its own, and the others are no files. */
const ownSections: Readonly<Record<UnitType, SectionName | undefined>> = {
  service: "Service",
  socket: "Socket",
  timer: "Timer",
  path: "Path",
  mount: "Mount",
  automount: "Automount",
  swap: "Swap",
  slice: "Slice",
  target: undefined,
  device: undefined,
  scope: undefined,
};

export function sectionsOf(type: UnitType): readonly SectionName[] {
  const own = ownSections[type];
  return own === undefined ? ["Unit", "Install"] : ["Unit", own, "Install"];
}

/** Older names of directives: in the same section or, with a dot, in another one. */
const olderNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Unit: {
    BindTo: "BindsTo",
    PropagateReloadTo: "PropagatesReloadTo",
    PropagateReloadFrom: "ReloadPropagatedFrom",
    RequiresOverridable: "Requires",
    RequisiteOverridable: "Requisite",
    StartLimitInterval: "StartLimitIntervalSec",
  },
  Service: {
    StartLimitInterval: "Unit.StartLimitIntervalSec",
    StartLimitBurst: "Unit.StartLimitBurst",
    StartLimitAction: "Unit.StartLimitAction",
    FailureAction: "Unit.FailureAction",
    RebootArgument: "Unit.RebootArgument",
  },
};

/** Those of the directives that several sections share. */
const sharedOlderNames: Readonly<Record<string, string>> = {
  ReadWriteDirectories: "ReadWritePaths",
  ReadOnlyDirectories: "ReadOnlyPaths",
  InaccessibleDirectories: "InaccessiblePaths",
  MemoryLimit: "MemoryMax",
};

/** What once was a directive, and is none any more in systemd either. */
const gone = new Set(["SysVStartPriority", "TCPWrapName", "Capabilities", "NetClass", "FsckPassNo"]);

/** A directive as it was found: under its own name or an older one. */
export interface FoundDirective {
  readonly section: SectionName;
  readonly name: string;
  readonly directive: Directive;
  /** The name that it goes by nowadays, if that is another. */
  readonly instead?: string;
}

/** The directive of this name; "gone" for one that no longer exists, undefined for one that never did. */
export function directiveOf(section: string, name: string): FoundDirective | "gone" | undefined {
  const table = tableOf(section);
  if (table === undefined) return undefined;
  if (Object.hasOwn(table.rows, name)) {
    const directive = table.rows[name];
    return directive === undefined ? undefined : { section: table.section, name, directive };
  }
  const newer = newerName(table, name);
  if (newer === undefined) return gone.has(name) ? "gone" : undefined;
  const [first = "", second] = newer.split(".");
  const found = second === undefined ? directiveOf(section, first) : directiveOf(first, second);
  return found === undefined || found === "gone" ? found : { ...found, instead: newer };
}

interface FoundTable {
  readonly section: SectionName;
  readonly rows: Table;
}

function tableOf(section: string): FoundTable | undefined {
  if (!Object.hasOwn(sectionTables, section)) return undefined;
  const name = section as SectionName;
  return { section: name, rows: sectionTables[name] };
}

function newerName({ section, rows }: FoundTable, name: string): string | undefined {
  const own = olderNames[section] ?? {};
  if (Object.hasOwn(own, name)) return own[name];
  const shared = Object.hasOwn(sharedOlderNames, name) ? (sharedOlderNames[name] ?? "") : "";
  return Object.hasOwn(rows, shared) ? shared : undefined;
}

/** A directive and what is done with it. */
export interface DirectiveEntry {
  readonly section: SectionName;
  readonly name: string;
  readonly policy: Policy;
  readonly effect: Effect;
  readonly expected: string;
}

/** All names that are understood in a section, older ones too. */
export function namesIn(section: string): readonly string[] {
  const table = tableOf(section);
  if (table === undefined) return [];
  const shared = Object.keys(sharedOlderNames).filter((name) => newerName(table, name) !== undefined);
  return [...Object.keys(table.rows), ...Object.keys(olderNames[table.section] ?? {}), ...shared];
}

/** Every directive, older names too, in the order of their sections. */
export function allDirectives(): readonly DirectiveEntry[] {
  return Object.keys(sectionTables).flatMap((section) =>
    namesIn(section).flatMap((name) => {
      const found = directiveOf(section, name);
      if (found === undefined || found === "gone") return [];
      const { policy, effect, type } = found.directive;
      return [{ section: section as SectionName, name, policy, effect, expected: type.expected }];
    }),
  );
}
