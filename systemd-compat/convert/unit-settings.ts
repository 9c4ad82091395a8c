// Any service unit as `unitService(…)`: its directives in camelCase, with their values as they are written, but for those that
// later ones take back.

import { block, type Code, call, type Entry, text, texts } from "../../src/convert/code.js";
import type { Json, ServiceDefinition } from "../../src/daemon/definition/types.js";
import { unitOf } from "../../src/daemon/units/of-definition.js";
import type { UnitData } from "../../src/daemon/units/types.js";
import type { FoundDirective } from "../directives.js";
import { stemOf } from "../names.js";
import { parseBoolean } from "../parser/number.js";
import type { JudgedAssignment } from "../settings.js";
import { camelCase } from "../translate/camel-case.js";
import { dependencyKinds } from "../translate/dependencies.js";
import { unitNameOf } from "../translate/service-names.js";
import { type UnitServiceSettings, unitService } from "../translate/unit-service.js";
import { boolean, vitalBoolean } from "../values/basic.js";
import type { Condition } from "../values/conditions.js";
import type { ValueType } from "../values/type.js";
import type { Converted } from "./native.js";
import { ownComments, type Subject, shortcomingComments } from "./subject.js";

/** What a definition's own fields say. */
const relational: ReadonlySet<string> = new Set<string>([
  ...dependencyKinds,
  "defaultDependencies",
  "sockets",
]);

type Values = Map<string, readonly string[]>;

/** Undefined where the unit is not the same when it is written so, as with specifiers that only files have. */
export function unitSettings(subject: Subject): Converted | undefined {
  const { unit, data, classified } = subject;
  const name = stemOf(unit.name);
  const given = valuesOf(unit.assignments);
  const wanted = meaningOf(subject.definition, data);
  const isSame = (values: Values): boolean => madeMeaning(name, values) === wanted;
  if (!isSame(given)) return undefined;
  const least = tidied(withLeast(given, isSame), isSame);
  const entries = entriesOf(unit.assignments, least).map(({ key, values, found }): Entry => {
    const own = classified.filter(({ assignment }) => keyOf(assignment) === key);
    const canBe = (one: string): boolean => isSame(new Map(least).set(key, [one]));
    return { key, value: valueCode(values, found, canBe), comments: ownComments(own) };
  });
  const isGeneral = ({ key }: Entry): boolean => key === "description" || key === "documentation";
  return {
    code: call(
      "unitService",
      text(name),
      block([
        ...entries.filter(isGeneral),
        ...dependenciesOf(subject),
        ...entries.filter((entry) => !isGeneral(entry)),
      ]),
    ),
    comments: shortcomingComments(classified.filter(({ assignment }) => !least.has(keyOf(assignment)))),
    uses: [],
  };
}

interface Setting {
  readonly key: string;
  readonly values: readonly string[];
  readonly found: FoundDirective;
}

function entriesOf(assignments: readonly JudgedAssignment[], values: Values): readonly Setting[] {
  const directives = new Map(
    assignments.flatMap(({ found }) =>
      found === undefined ? [] : [[camelCase(found.name), found] as const],
    ),
  );
  return [...values].flatMap(([key, list]): Setting[] => {
    const found = directives.get(key);
    return found === undefined ? [] : [{ key, values: list, found }];
  });
}

/** What is said of others, as the definition has it: what is the machine's is left out. */
function dependenciesOf({ relations }: Subject): readonly Entry[] {
  const { requirement, ...others } = relations;
  const lists = { ...(requirement === undefined ? {} : { requires: requirement }), ...others };
  return Object.entries(lists).map(([key, names]) => {
    const units = names.map(unitNameOf);
    return { key, value: units.length === 1 ? text(units[0] ?? "") : texts(units) };
  });
}

function keyOf({ found, name }: JudgedAssignment): string {
  return found === undefined ? name : camelCase(found.name);
}

/** The texts that count, in order, by the names of directives. */
function valuesOf(assignments: readonly JudgedAssignment[]): Values {
  const values = new Map<string, readonly string[]>();
  for (const assignment of assignments) {
    const { found, outcome, value } = assignment;
    if (outcome !== "used" || found === undefined || found.section === "Install") continue;
    const key = keyOf(assignment);
    if (!relational.has(key)) values.set(key, [...(values.get(key) ?? []), value]);
  }
  return values;
}

/** Of each directive as few assignments as do. */
function withLeast(values: Values, isSame: (values: Values) => boolean): Values {
  let least = values;
  for (const [key, list] of values) {
    const reset = list.lastIndexOf("");
    if (list.length === 1 && reset < 0) continue;
    for (const shorter of [[], list.slice(-1), list.slice(reset + 1)]) {
      const candidate = new Map(least).set(key, shorter);
      if (shorter.length === 0) candidate.delete(key);
      if (shorter.length === list.length || !isSame(candidate)) continue;
      least = candidate;
      break;
    }
  }
  return least;
}

/** Blanks that only come from a line that went on in the next one are gone. */
function tidied(values: Values, isSame: (values: Values) => boolean): Values {
  let tidy = values;
  for (const [key, list] of values) {
    const candidate = new Map(tidy).set(
      key,
      list.map((value) => value.replace(/[ \t]{2,}/g, " ")),
    );
    if (list.some((value) => /[ \t]{2}/.test(value)) && isSame(candidate)) tidy = candidate;
  }
  return tidy;
}

/** All that a unit says, as a text that is the same for units that say the same. */
function meaningOf(definition: ServiceDefinition, { service, conditions, asserts, files }: UnitData): string {
  const { oneShot, respawn, respawnDelay, respawnLimit, relations, cgroup, documentation } = definition;
  return JSON.stringify([
    ...[sorted(service), withoutPlaces(conditions), withoutPlaces(asserts)],
    ...[oneShot, respawn, respawnDelay, respawnLimit, relations?.stopWhenUnneeded, cgroup],
    // Its last lines tell where it comes from.
    documentation.split("\n").slice(0, -Math.max(1, files.length)),
  ]);
}

function madeMeaning(name: string, values: Values): string | undefined {
  try {
    const made = unitService(name, Object.fromEntries(values) as UnitServiceSettings);
    const data = unitOf(made);
    return data?.kind === "unit" ? meaningOf(made, data) : undefined;
  } catch {
    return undefined; // It has something that only a file can have.
  }
}

/** The settings with their names in order; those that say what the definition says are no part of it. */
function sorted(service: UnitData["service"]): Json {
  const { Sockets: _sockets, ...settings } = service as Readonly<Record<string, Json>>;
  return Object.entries(settings).sort(([one], [other]) => (one < other ? -1 : 1));
}

function withoutPlaces(conditions: readonly Condition[]): readonly string[] {
  return conditions.map(({ position: _position, ...rest }) => JSON.stringify(rest)).sort();
}

/** @param canBe whether another text means the same */
function valueCode(
  values: readonly string[],
  { section, directive }: FoundDirective,
  canBe: (text: string) => boolean,
): Code {
  const [only = "", ...more] = values;
  if (more.length > 0) return texts(values);
  if (/^(?:0|[1-9]\d{0,14})$/.test(only) && !isBoolean(directive.type)) return only;
  const truth = parseBoolean(only);
  const isTruth =
    truth !== undefined &&
    section === "Service" &&
    (isBoolean(directive.type) || canBe(truth ? "yes" : "no"));
  return isTruth || (truth !== undefined && isBoolean(directive.type)) ? String(truth) : text(only);
}

function isBoolean(type: ValueType<unknown>): boolean {
  return type === boolean || type === vitalBoolean;
}
