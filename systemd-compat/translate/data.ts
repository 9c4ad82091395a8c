// The data that the start of a unit's service carries.

import { encode } from "../../src/daemon/units/encoded.js";
import type { AnyUnitData, UnitData } from "../../src/daemon/units/types.js";
import type { Diagnostic } from "../diagnostics.js";
import type { ServiceSettings } from "../directives.js";
import { parseUnitName, unescapePath, withInstance } from "../names.js";
import type { ServiceUnit, Unit } from "../unit.js";
import type { Condition } from "../values/conditions.js";
import { notAppliedOf } from "../verify/classification.js";
import { type Closure, socketsOf } from "./closure.js";
import {
  connectionInstance,
  type Dependencies,
  type TranslationContext,
  type UnitDataHead,
} from "./context.js";
import type { UnitLoader } from "./loader.js";
import { translatePath } from "./path.js";
import { refusalOf } from "./refusal.js";
import { translateSocket } from "./socket.js";
import { translateTimer } from "./timer.js";
import { triggeredUnit } from "./triggers.js";

/** A unit's data, and what more came of reading its settings. */
export interface TranslatedUnit {
  readonly data: AnyUnitData;
  readonly implied: Dependencies;
  readonly diagnostics: readonly Diagnostic[];
}

export function contextOf(loader: UnitLoader, closure: Closure, strict: boolean): TranslationContext {
  const { index } = loader.places;
  const hasFile = (name: string): boolean => index.entry(name) !== undefined;
  const head = (unit: Unit): UnitDataHead => {
    const refused = refusalOf(unit);
    return {
      unit: unit.name.full,
      files: [...(unit.fragment === undefined ? [] : [unit.fragment]), ...unit.dropIns],
      conditions: unit.unit.Conditions ?? [],
      asserts: unit.unit.Asserts ?? [],
      notApplied: notAppliedOf(unit),
      strict,
      ...(refused === undefined ? {} : { refused }),
    };
  };
  const service = (unit: ServiceUnit): UnitData => ({
    kind: "unit",
    ...head(unit),
    service: encode<ServiceSettings>(unit.service),
    sockets: socketsOf(unit, closure.members.values(), hasFile),
  });
  return {
    strict,
    unit: (name) => loader.loaded(name),
    head,
    service,
    connection(socketUnit) {
      const socket = loader.loaded(socketUnit);
      const name = socket?.type === "socket" ? parseUnitName(triggeredUnit(socket)) : undefined;
      if (name === undefined) return undefined;
      const template = loader.loaded(withInstance(name, connectionInstance).full);
      return template?.type === "service" && template.state !== "not-found" ? service(template) : undefined;
    },
    connectionNeeds(socketUnit) {
      const needs = closure.connections.get(socketUnit);
      return needs === undefined || needs.requires.length + needs.wants.length === 0 ? undefined : needs;
    },
  };
}

/** A service that is up once it has been started, and has no process. */
const milestone: ServiceSettings = { Type: "oneshot", RemainAfterExit: true };

export function translateUnit(unit: Unit, context: TranslationContext): TranslatedUnit {
  const plain = (service: ServiceSettings, asserts: readonly Condition[] = []): TranslatedUnit => {
    const head = context.head(unit);
    const data: UnitData = {
      kind: "unit",
      ...head,
      asserts: [...head.asserts, ...asserts],
      service: encode<ServiceSettings>(service),
      sockets: [],
    };
    return { data, implied: {}, diagnostics: [] };
  };
  // One that cannot be started is told of by its start, whatever it would be.
  if (refusalOf(unit) !== undefined) return plain(milestone);
  switch (unit.type) {
    case "service":
      return { data: context.service(unit), implied: {}, diagnostics: [] };
    case "socket":
      return translateSocket(unit, context);
    case "timer":
      return translateTimer(unit, context);
    case "path":
      return translatePath(unit, context);
    case "mount":
      return plain(milestone, [assertion(unit, "PathIsMountPoint", unit.mount.Where)]);
    case "automount":
      return plain(milestone, [assertion(unit, "PathIsMountPoint", unit.automount.Where)]);
    case "device":
      return plain(milestone, [assertion(unit, "PathExists", undefined)]);
    default:
      return plain(milestone);
  }
}

/** What is looked at and not brought about must be there. */
function assertion(
  { name, fragment }: Unit,
  kind: "PathIsMountPoint" | "PathExists",
  path: string | undefined,
): Condition {
  const parameter = path ?? unescapePath(name.prefix) ?? "/";
  const position = { file: fragment ?? name.full, line: 0 };
  return { kind, directive: `Assert${kind}`, trigger: false, negate: false, parameter, position };
}
