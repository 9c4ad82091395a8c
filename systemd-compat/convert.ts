// `shepherd system convert`: systemd units as the TypeScript that a person would have written for them, ready to be edited.

import { basename, resolve } from "node:path";
import { ConversionError } from "../src/convert/error.js";
import { moduleText, type Part } from "./convert/module.js";
import { nativeService } from "./convert/native.js";
import { othersOf } from "./convert/others.js";
import { type Subject, shortcomingComments, subjectOf } from "./convert/subject.js";
import { unitSettings } from "./convert/unit-settings.js";
import { systemDirectories } from "./manager-directories.js";
import { mangleName, parseUnitName, type UnitName } from "./names.js";
import { RootedFiles } from "./rooted-files.js";
import { systemSearchPath } from "./search-path.js";
import { readSystemFacts } from "./system-facts.js";
import { UnitLoader, type UnitPlaces } from "./translate/loader.js";
import { refusalOf } from "./translate/refusal.js";
import { reservedNames } from "./translate/service-names.js";
import { translateUnits } from "./translate/translate.js";
import type { Unit } from "./unit.js";
import { indexUnits } from "./unit-index.js";
import { classifyUnit } from "./verify/classification.js";

export { ConversionError } from "../src/convert/error.js";

export interface ConvertRequest {
  /** Names of units, of which `.service` may be left out, and paths of unit files, which have a slash in them. */
  readonly units: readonly string[];
  /** The directory that is taken for `/`; default `/`. With another one no paths are taken. */
  readonly root?: string;
  /** What relative paths are relative to; absolute. */
  readonly directory: string;
}

/**
 * The text of a configuration module with these units.
 * @throws ConversionError
 */
export async function convertUnits({ units, root = "/", directory }: ConvertRequest): Promise<string> {
  const targets = units.map((given) => targetOf(given, root, directory));
  const places = await unitPlaces(root);
  const index = targets.reduce(
    (all, { name, path }) => (path === undefined ? all : all.with(name, { kind: "file", path })),
    places.index,
  );
  return await convertIn(
    { ...places, index },
    targets.map(({ name }) => name),
  );
}

/** Where units are, of the system in a directory. */
export async function unitPlaces(root: string): Promise<UnitPlaces> {
  const files = new RootedFiles(root);
  const [index, facts] = await Promise.all([indexUnits(files, systemSearchPath), readSystemFacts(root)]);
  return { files, index, facts, directories: systemDirectories };
}

/** @throws ConversionError */
export async function convertIn(places: UnitPlaces, names: readonly UnitName[]): Promise<string> {
  const loader = new UnitLoader(places);
  const loaded = new Map<string, Unit>();
  for (const name of names) {
    const unit = await loader.load(name);
    const refused = refusalOf(unit);
    if (refused !== undefined) throw new ConversionError(refused);
    loaded.set(unit.name.full, unit);
  }
  const converted = [...loaded.values()];
  const { definitions } = await translateUnits(loader, {
    asked: [...loaded.keys()],
    boots: false,
    strict: false,
    known: new Map(),
    reserved: reservedNames,
  });
  const others = await othersOf(converted, definitions, places);
  const own = new Set([...loaded.keys()].flatMap((full) => definitions.get(full)?.provision ?? []));
  const isThere = (service: string): boolean => own.has(service) || others.services.has(service);
  const parts = converted.map((unit): Part => {
    const definition = definitions.get(unit.name.full);
    const subject =
      unit.type === "service" && definition !== undefined
        ? subjectOf(unit, definition, places.index, isThere)
        : undefined;
    return { unit, ...partOf(unit, subject), left: others.left.get(unit.name.full) ?? [] };
  });
  return moduleText(parts, others.units);
}

/** A unit that can be written neither way is taken from its file. */
function partOf(unit: Unit, subject: Subject | undefined): Pick<Part, "converted" | "why"> {
  if (subject === undefined) return { why: shortcomingComments(classifyUnit(unit)) };
  const converted = nativeService(subject) ?? unitSettings(subject);
  return converted === undefined
    ? { why: ["It has what only a file can have, such as a specifier that is about this machine."] }
    : { converted };
}

interface Target {
  readonly name: UnitName;
  readonly path?: string;
}

function targetOf(given: string, root: string, directory: string): Target {
  const shown = JSON.stringify(given);
  if (!given.includes("/")) {
    const name = parseUnitName(mangleName(given) ?? "");
    if (name === undefined) throw new ConversionError(`${shown} is no name of a unit`);
    return { name };
  }
  if (root !== "/")
    throw new ConversionError(`${shown}: with --root expected the name of a unit and no path`);
  const path = resolve(directory, given);
  const name = parseUnitName(basename(path));
  if (name === undefined) throw new ConversionError(`${shown} does not end with the name of a unit`);
  return { name, path };
}
