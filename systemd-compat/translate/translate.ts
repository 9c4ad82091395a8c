// Units, with all that comes along with them, as definitions of services.

import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { type Diagnostic, formatDiagnostic } from "../diagnostics.js";
import type { Unit } from "../unit.js";
import { type Closure, closureOf, type Member } from "./closure.js";
import { contextOf, type TranslatedUnit, translateUnit } from "./data.js";
import { definitionOfUnit } from "./definition.js";
import { addDependencies } from "./dependencies.js";
import type { UnitLoader } from "./loader.js";
import { type LoosenedRequirement, orderRequirements } from "./requirements.js";
import { provisions, serviceNameOf } from "./service-names.js";

export interface TranslationOptions {
  /** Full names of units; they are started when the configuration is. */
  readonly asked: readonly string[];
  /** Whether milestones start what they consist of. */
  readonly boots: boolean;
  /** Whether a directive that cannot be applied fails the start. */
  readonly strict: boolean;
  /** Units, by their own names, that are there already and stay what they are: the names of their services. */
  readonly known: ReadonlyMap<string, readonly string[]>;
  /** Names of services that are taken. */
  readonly reserved: readonly string[];
}

export interface Translation {
  /** By the units' own names: those that are new. */
  readonly definitions: ReadonlyMap<string, ServiceDefinition>;
  /** Own names of those that were asked for, new or not. */
  readonly asked: readonly string[];
  /** Own names of those of them that have no file. */
  readonly missing: readonly string[];
  /** Lines for the log. */
  readonly notices: readonly string[];
}

export async function translateUnits(loader: UnitLoader, options: TranslationOptions): Promise<Translation> {
  const { asked, boots, strict, known, reserved } = options;
  const closure = await closureOf(loader, { asked, boots });
  const context = contextOf(loader, closure, strict);
  const fresh = [...closure.members.values()].filter(({ unit }) => !known.has(unit.name.full));
  const translated = new Map(
    fresh.map(({ unit }) => [unit.name.full, translateUnit(unit, context)] as const),
  );
  for (const { unit, dependencies } of fresh)
    addDependencies(dependencies, translated.get(unit.name.full)?.implied ?? {});
  const loosened = orderRequirements(closure.members);
  const names = provisions(
    fresh.map(({ unit }) => ({ full: unit.name.full, aliases: unit.aliases })),
    [...reserved, ...[...known.values()].flat()],
  );
  const isAsked = new Set(asked.map((name) => loader.ownName(name)));
  const serviceOf = (unit: string): string => {
    const own = loader.ownName(unit);
    return names.get(own)?.[0] ?? known.get(own)?.[0] ?? serviceNameOf(own);
  };
  const definitions = new Map<string, ServiceDefinition>();
  const unnamed: string[] = [];
  for (const { unit, dependencies } of fresh) {
    const { full } = unit.name;
    const provision = names.get(full) ?? [];
    const data = translated.get(full)?.data;
    if (data === undefined || provision.length === 0) unnamed.push(full);
    else {
      const autoStart = isAsked.has(full);
      definitions.set(full, definitionOfUnit({ unit, data, provision, dependencies, serviceOf, autoStart }));
    }
  }
  return {
    definitions,
    asked: [...isAsked],
    missing: [...isAsked].filter((name) => loader.loaded(name)?.state === "not-found"),
    notices: [
      ...diagnosticsOf(loader, fresh, translated).map(formatDiagnostic),
      ...loosened.filter(({ unit }) => definitions.has(unit)).map(loosenedText),
      ...unnamed.map((name) => `${name}: its name is too long or is taken, the unit is left out`),
      ...closureNotices(closure),
    ],
  };
}

/** All that is wrong with the units, and with links by their names. */
function diagnosticsOf(
  { places: { index } }: UnitLoader,
  members: readonly Member[],
  translated: ReadonlyMap<string, TranslatedUnit>,
): readonly Diagnostic[] {
  const names = new Set(members.flatMap(({ unit }) => [unit.name.full, ...unit.aliases]));
  const ofLinks = index.diagnostics.filter(({ file }) => names.has(file.slice(file.lastIndexOf("/") + 1)));
  const ofUnits = members.flatMap(({ unit }: { readonly unit: Unit }) => [
    ...unit.diagnostics,
    ...(translated.get(unit.name.full)?.diagnostics ?? []),
  ]);
  return [...ofLinks, ...ofUnits];
}

function loosenedText({ unit, requires, circle }: LoosenedRequirement): string {
  const done = `${unit} only wants ${requires}, and stops with it`;
  if (circle === undefined) return `${unit} requires ${requires}, but is to come before it: ${done}`;
  return `units require each other in a circle, ${circle.join(" -> ")}: ${done}`;
}

function closureNotices({ left, cut }: Closure): readonly string[] {
  return [
    ...(left.length === 0 ? [] : [`left to the machine, and taken as done: ${left.join(", ")}`]),
    ...(cut ? ["there are too many units that want each other; the last of them are left out"] : []),
  ];
}
