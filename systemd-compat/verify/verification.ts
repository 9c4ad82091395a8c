// One unit, looked at from all sides: its files, what is wrong with them, its conditions as the system is now.

import { basename } from "node:path";
import type { SystemView } from "../conditions/view.js";
import { systemView } from "../conditions/view.js";
import type { Diagnostic, Position } from "../diagnostics.js";
import { findUnit } from "../load.js";
import { isTemplate, type UnitName } from "../names.js";
import type { RootedFiles } from "../rooted-files.js";
import { buildUnit, type Unit, type UnitEnvironment } from "../unit.js";
import type { UnitIndex } from "../unit-index.js";
import { type Classified, classifyUnit, matters } from "./classification.js";
import { type UnmetCondition, unmetConditions } from "./unmet-conditions.js";

export interface Verification {
  readonly unit: Unit;
  /** All that is wrong with it: with its directories, then with each of its files by lines, then with the file as a whole. */
  readonly diagnostics: readonly Diagnostic[];
  /** What becomes of each of its assignments. */
  readonly classified: readonly Classified[];
  /** What masks it, or the file that was asked for and is not there. */
  readonly place?: string;
  /** Absent where they were not looked at: those of a template, of another system, or of a unit that cannot be used. */
  readonly unmet?: readonly UnmetCondition[];
}

/** Where units are looked for, and for whom. */
export interface VerifiedSystem extends UnitEnvironment {
  readonly files: RootedFiles;
  readonly index: UnitIndex;
  /** Whether these are the files of the system that runs. */
  readonly isThisSystem: boolean;
}

/** @param path the file to be read, absolute, instead of that which the search path has for the name */
export async function verifyUnit(
  name: UnitName,
  path: string | undefined,
  system: VerifiedSystem,
): Promise<Verification> {
  const { files, facts, isThisSystem } = system;
  const index = path === undefined ? system.index : await withFile(system.index, files, name, path);
  const unit = buildUnit(await findUnit(files, index, name), system);
  const place =
    unit.state === "masked" ? index.find(name).path : unit.state === "not-found" ? path : undefined;
  const diagnostics = [...concerning(index, unit), ...unit.diagnostics].sort(byPlace(unit));
  const looks = isThisSystem && unit.state === "loaded" && !isTemplate(unit.name);
  const unmet = looks ? await unmetOf(unit, systemView({ facts })) : undefined;
  return {
    unit,
    diagnostics,
    classified: classifyUnit(unit),
    ...(place === undefined ? {} : { place }),
    ...(unmet === undefined ? {} : { unmet }),
  };
}

export function isUsable({ unit, diagnostics }: Verification): boolean {
  return unit.state === "loaded" && diagnostics.every(({ severity }) => severity !== "error");
}

/** Whether nothing of what it does, or is confined by, is left out. */
export function isWhole({ classified }: Verification): boolean {
  return !classified.some(matters);
}

async function withFile(
  index: UnitIndex,
  files: RootedFiles,
  name: UnitName,
  path: string,
): Promise<UnitIndex> {
  // An alias by its path stays one.
  if (index.entry(name.full)?.path === path) return index;
  return index.with(name, { kind: (await files.isEmpty(path)) ? "masked" : "file", path });
}

/** What was found while all units were listed, and may be about this one. */
function concerning(index: UnitIndex, { name, aliases }: Unit): readonly Diagnostic[] {
  const names = new Set([name.full, ...aliases]);
  return index.diagnostics.filter(({ file }) => index.searchPath.includes(file) || names.has(basename(file)));
}

/** Orders places as somebody reads the files. */
function byPlace({ fragment, dropIns }: Unit): (one: Position, other: Position) => number {
  const files = [fragment, ...dropIns];
  const lineOf = ({ line }: Position) => (line === 0 ? Number.MAX_SAFE_INTEGER : line);
  return (one, other) => files.indexOf(one.file) - files.indexOf(other.file) || lineOf(one) - lineOf(other);
}

async function unmetOf({ unit }: Unit, view: SystemView): Promise<readonly UnmetCondition[]> {
  const { Conditions = [], Asserts = [] } = unit;
  return [...(await unmetConditions(Conditions, view)), ...(await unmetConditions(Asserts, view))];
}
