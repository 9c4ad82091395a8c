// The data of services that systemd units become: what a start and a stop need of a unit, as it was read. It is JSON, so that
// every daemon can go on with it; systemd's defaults are applied where a setting is used, and nowhere before.

import type { ServiceSettings, SocketSettings, TimerSettings } from "../../../systemd-compat/directives.js";
import type { Condition } from "../../../systemd-compat/values/conditions.js";
import type { Encoded } from "./encoded.js";

/** A directive that does not, or not wholly, have the effect that it has under systemd. */
export interface NotApplied {
  /** Its name, such as `PrivateNetwork`. */
  readonly directive: string;
  /** `partly`: some of its effect is there. */
  readonly extent: "partly" | "not";
  readonly why: string;
  /** Where it stands. */
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  /** Neither what the unit does nor how it is confined depends on it: it is no reason to refuse the unit. */
  readonly harmless?: true;
}

/** What units of all types that run have in common. */
interface UnitDataBase {
  /** The unit's name with its suffix, such as `nginx.service`. */
  readonly unit: string;
  /** Its files: the main one, if there is one, then its drop-ins. */
  readonly files: readonly string[];
  readonly conditions: readonly Condition[];
  readonly asserts: readonly Condition[];
  readonly notApplied: readonly NotApplied[];
  /** Whether a directive that cannot be applied fails the start. */
  readonly strict: boolean;
  /** Why it cannot be started, such as `Unit foo.service not found.`: its start fails with this, and does nothing else. */
  readonly refused?: string;
}

/** A service unit. */
export interface UnitData extends UnitDataBase {
  readonly kind: "unit";
  readonly service: Encoded<ServiceSettings>;
  /** Units whose sockets its processes get, if they are open: their full names, in order. */
  readonly sockets: readonly string[];
  /** It serves one connection, which a socket unit with `Accept=yes` has accepted. */
  readonly connection?: {
    /** The canonical name of the socket unit's service. */
    readonly of: string;
    /** The keeper's name of the connection, which it holds until the service's main process has it. */
    readonly socket: string;
  };
}

/** A socket unit: its sockets stay open while it runs, and start a service. */
export interface UnitSocketData extends UnitDataBase {
  readonly kind: "unit-socket";
  readonly socket: Encoded<SocketSettings>;
  /** The full name of the service that it starts; with `Accept=yes` a template's, such as `sshd@.service`. */
  readonly service: string;
  /** With `Accept=yes`: the data of the services of connections, in which `%i` is this text. */
  readonly template?: UnitData;
  /** What such a service requires, and what it wants: the full names of units, but for those that differ for each connection. */
  readonly needs?: { readonly requires: readonly string[]; readonly wants: readonly string[] };
}

/** A timer unit, which starts another one. */
export interface UnitTimerData extends UnitDataBase {
  readonly kind: "unit-timer";
  readonly timer: Encoded<TimerSettings>;
  /** The full name of the unit that it starts. */
  readonly starts: string;
}

export interface PathWatch {
  readonly kind: "PathExists" | "PathExistsGlob" | "PathChanged" | "PathModified" | "DirectoryNotEmpty";
  readonly path: string;
}

/** A path unit, which starts another one when something comes to be at a path. */
export interface UnitPathData extends UnitDataBase {
  readonly kind: "unit-path";
  readonly watches: readonly PathWatch[];
  /** The directories that are to be watched are made first. */
  readonly makeDirectory: boolean;
  readonly directoryMode: number;
  readonly triggerLimit?: { readonly burst: number; readonly seconds: number };
  readonly starts: string;
}

export type AnyUnitData = UnitData | UnitSocketData | UnitTimerData | UnitPathData;
