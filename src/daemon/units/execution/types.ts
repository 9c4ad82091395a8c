// What a unit's processes are prepared with, and what is asked for one of them: the types that the modules here share.

import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Command } from "../../../../systemd-compat/parser/command-line.js";
import type { Identity } from "../../constructors/host.js";
import type { Name, SpawnSpec } from "../../keeper/types.js";
import type { Step } from "../../processes.js";
import type { NotApplied, UnitData } from "../types.js";
import type { Places } from "./places.js";

/** What a command is for. `start`: the one, or for a one-shot one of those, that the service is. */
export type Phase = "condition" | "start-pre" | "start" | "start-post" | "reload" | "stop" | "stop-post";

/** The kinds of directories that are made for a unit. */
export const directoryKinds = ["Runtime", "State", "Cache", "Logs", "Configuration"] as const;
export type DirectoryKind = (typeof directoryKinds)[number];

/** Who a unit's processes run as. */
export interface UnitIdentity extends Identity {
  /** The name that USER= has; absent where the unit names nobody. */
  readonly name?: string;
  /** Absent where it tells nothing: `/`. */
  readonly home?: string;
  /** Absent where it lets nobody in. */
  readonly shell?: string;
  /** Whether the ids are the unit's only while it runs. */
  readonly dynamic: boolean;
}

/** What a unit's processes get, from its start to its stop. A new daemon makes the same of the same unit again. */
export interface Preparation {
  /** The canonical name of its service. */
  readonly service: string;
  readonly data: UnitData;
  readonly settings: ServiceSettings;
  readonly places: Places;
  readonly identity: UnitIdentity;
  /** 32 hexadecimal digits, which tell this start from every other one. */
  readonly invocation: string;
  /** The supervisor's own variables, of which it gets those of PassEnvironment=. */
  readonly inherited: ReadonlyMap<string, string>;
  /** The system's language. */
  readonly locale: ReadonlyMap<string, string>;
  /** Variables such as RUNTIME_DIRECTORY, for the directories that were made for it. */
  readonly directories: Readonly<Record<string, string>>;
  /** Where its credentials are, if it has any. */
  readonly credentials?: string;
  /** Its limits, priorities and CPUs. */
  readonly scheduling: Partial<SpawnSpec>;
  /** What confines its processes. */
  readonly confinement: Partial<SpawnSpec>;
  /** What of its sandbox this kernel does not let us apply, and what of its directives is not done here. */
  readonly notApplied: readonly NotApplied[];
  /** Tells of what is left out, once. */
  warn(line: string): void;
}

/** One process of a unit. */
export interface CommandRequest {
  /** The id of the child that it becomes. */
  readonly id: string;
  readonly command: Command;
  readonly phase: Phase;
  /** Variables of this process alone, such as MAINPID, SERVICE_RESULT, EXIT_CODE, EXIT_STATUS; the unit's own ones win over them. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Descriptors from 3 on, in order, such as the unit's sockets and what it has stored. */
  readonly listen?: readonly { readonly name: Name; readonly as: string }[];
  /** What the attendant provides: NOTIFY_SOCKET and its like. */
  readonly attendantEnvironment?: readonly string[];
  /** The keeper's name of the connection that the unit serves. */
  readonly connection?: Name;
}

export interface CommandSpec {
  readonly spec: SpawnSpec;
  /** The program as it is called, variables replaced. */
  readonly argv: readonly [string, ...string[]];
  /** What goes into one step with the spawn: files are opened before it, and closed after it. */
  readonly step: Step;
  /** What stands before its lines in the log. */
  readonly label: string;
}
