// Loads units by their names, each once, whatever it is called.

import { findUnit } from "../load.js";
import { parseUnitName, type UnitName } from "../names.js";
import type { RootedFiles } from "../rooted-files.js";
import { buildUnit, type Unit, type UnitEnvironment } from "../unit.js";
import type { UnitIndex } from "../unit-index.js";
import { standardTarget } from "./standard-targets.js";

/** Where units are looked for, and for whom. */
export interface UnitPlaces extends UnitEnvironment {
  readonly files: RootedFiles;
  readonly index: UnitIndex;
}

export class UnitLoader {
  readonly places: UnitPlaces;
  /** By every name that was asked for. */
  readonly #asked = new Map<string, Promise<Unit>>();
  /** By the units' own names, and by their aliases. */
  readonly #units = new Map<string, Unit>();

  constructor(places: UnitPlaces) {
    this.places = places;
  }

  /** The unit of a full name. One that has no file is given too, as what it is: not found. */
  load(name: UnitName): Promise<Unit> {
    let unit = this.#asked.get(name.full);
    if (unit === undefined) {
      unit = this.#read(name);
      this.#asked.set(name.full, unit);
    }
    return unit;
  }

  /** The same by a text, which comes from where only names of units are. */
  async loadNamed(full: string): Promise<Unit | undefined> {
    const name = parseUnitName(full);
    return name === undefined ? undefined : await this.load(name);
  }

  /** What has been loaded, by any of its names. */
  loaded(name: string): Unit | undefined {
    return this.#units.get(name);
  }

  /** The unit's own name where it has been loaded, else the name as it is. */
  ownName(name: string): string {
    return this.#units.get(name)?.name.full ?? name;
  }

  async #read(name: UnitName): Promise<Unit> {
    const { files, index } = this.places;
    const source = await findUnit(files, index, name);
    const known = this.#units.get(source.name.full);
    if (known !== undefined) {
      this.#units.set(name.full, known);
      return known;
    }
    const unit = withStandard(buildUnit(source, this.places));
    // Another of its names may have led here meanwhile.
    const first = this.#units.get(unit.name.full) ?? unit;
    for (const one of [unit.name.full, name.full, ...unit.aliases]) this.#units.set(one, first);
    return first;
  }
}

/** A standard target needs no file; what drop-ins of one say is added. */
function withStandard(unit: Unit): Unit {
  if (unit.type !== "target" || unit.state === "masked" || unit.fragment !== undefined) return unit;
  const standard = standardTarget(unit.name.full);
  if (standard === undefined) return unit;
  const { Wants = [], Requires = [], After = [], ...rest } = unit.unit;
  return {
    ...unit,
    state: unit.state === "not-found" ? "loaded" : unit.state,
    unit: {
      ...standard,
      ...rest,
      Wants: [...(standard.Wants ?? []), ...Wants],
      Requires: [...(standard.Requires ?? []), ...Requires],
      After: [...(standard.After ?? []), ...After],
    },
  };
}
