// What the translation of one unit may ask of all the others, and what it gives: the contract between the parts of the
// translation.

import type { UnitData } from "../../src/daemon/units/types.js";
import type { Diagnostic } from "../diagnostics.js";
import type { ServiceUnit, Unit } from "../unit.js";
import type { ConnectionNeeds } from "./closure.js";

/** What `%i` is in the data of a connection's service until there is a connection. It holds nothing that names escape. */
export const connectionInstance = "ConnectionInstance";

/** Names of units with their suffixes. Absent: none. */
export interface Dependencies {
  readonly requires?: readonly string[];
  readonly wants?: readonly string[];
  readonly after?: readonly string[];
  readonly before?: readonly string[];
  readonly conflicts?: readonly string[];
}

/** What the data of units of all types begin with. */
export type UnitDataHead = Pick<
  UnitData,
  "unit" | "files" | "conditions" | "asserts" | "notApplied" | "strict" | "refused"
>;

export interface TranslationContext {
  /** Whether a directive that cannot be applied fails the start. */
  readonly strict: boolean;
  /** A unit by any of its full names, if it has been loaded; what triggers a unit is loaded together with that one. */
  unit(name: string): Unit | undefined;
  /** What the data of this unit begin with: conditions, asserts, what is not applied, why it cannot be started. */
  head(unit: Unit): UnitDataHead;
  /** The data of a service. */
  service(unit: ServiceUnit): UnitData;
  /**
   * For a socket unit with `Accept=yes`: the data of the services of its connections, in which `%i` is
   * `connectionInstance`; undefined where there is no such template.
   */
  connection(socketUnit: string): UnitData | undefined;
  /** What the services of its connections need; undefined where that is nothing. */
  connectionNeeds(socketUnit: string): ConnectionNeeds | undefined;
}

/** What translateSocket, translateTimer and translatePath give. */
export interface TriggerTranslation<Data> {
  readonly data: Data;
  /**
   * What units of this type depend on because of their settings. The defaults of the type (`DefaultDependencies=`), the
   * order before what the unit triggers, and what [Unit] says are added by the caller.
   */
  readonly implied: Dependencies;
  /** What became of its settings that somebody should know of; logged when the unit comes into force. */
  readonly diagnostics: readonly Diagnostic[];
}
