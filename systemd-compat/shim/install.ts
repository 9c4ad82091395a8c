// Which links enable a unit, and which are taken away when it is disabled. Nothing is changed here.

import { join } from "node:path";
import { isTemplate, parseUnitName, type UnitName, withInstance } from "../names.js";
import { type Preset, presetOf } from "../presets.js";
import type { Unit } from "../unit.js";
import { defaultInstanceOf, isInstanceOf, lastPart, type UnitFiles } from "./unit-files.js";

/** A link that is to be there. */
export interface NewLink {
  /** Below the root. */
  readonly path: string;
  readonly target: string;
}

/** What is to be done. */
export interface InstallPlan {
  readonly links: readonly NewLink[];
  /** Why something of it cannot be done; the rest is. */
  readonly problems: readonly string[];
  /** What was left out since it makes no sense, which is no failure. */
  readonly notices: readonly string[];
  /** Whether any of the units says how it is enabled. */
  readonly hasInstructions: boolean;
}

/** What is wrong with a name that was given. */
export class InstallError extends Error {
  override readonly name = "InstallError";
}

/** More units than name each other in `Also=`. */
const mostUnits = 1000;

/** @throws InstallError where a unit does not exist or is masked */
export async function planToEnable(
  units: UnitFiles,
  names: readonly UnitName[],
  configuration: string,
  verb: string,
): Promise<InstallPlan> {
  const links: NewLink[] = [];
  const problems: string[] = [];
  const notices: string[] = [];
  let hasInstructions = false;
  for (const unit of await withAlso(units, names, verb)) {
    const { WantedBy = [], RequiredBy = [], Alias = [], Also = [] } = unit.install;
    const target = unit.fragment ?? "";
    hasInstructions ||= WantedBy.length + RequiredBy.length + Alias.length + Also.length > 0;
    for (const written of Alias) {
      const alias = aliasFor(unit.name, written);
      const problem = aliasProblem(unit.name, alias);
      if (problem === undefined) links.push({ path: join(configuration, alias), target });
      else problems.push(`Failed to ${verb} unit, ${problem}.`);
    }
    for (const [list, suffix] of [
      [WantedBy, "wants"],
      [RequiredBy, "requires"],
    ] as const)
      for (const other of list) {
        const name = isTemplate(unit.name) ? defaultInstanceOf(unit) : unit.name;
        if (name !== undefined)
          links.push({ path: join(configuration, `${other}.${suffix}`, name.full), target });
        // Instances of the one are wanted by instances of the other.
        else if (isTemplateName(other))
          links.push({ path: join(configuration, `${other}.${suffix}`, unit.name.full), target });
        else
          notices.push(
            `Failed to ${verb} ${unit.name.full}, destination unit ${other} is a non-template unit.`,
          );
      }
  }
  return { links, problems, notices, hasInstructions };
}

const isTemplateName = (text: string): boolean => {
  const name = parseUnitName(text);
  return name !== undefined && isTemplate(name);
};

/** An instance is known by the same instance of its other name. */
export function aliasFor(name: UnitName, alias: string): string {
  const other = parseUnitName(alias);
  const isOfInstance = name.instance !== undefined && name.instance !== "";
  return other !== undefined && isTemplate(other) && isOfInstance
    ? withInstance(other, name.instance ?? "").full
    : alias;
}

function aliasProblem(name: UnitName, alias: string): string | undefined {
  const other = parseUnitName(alias);
  const what = `cannot alias ${name.full} as ${alias}`;
  if (other === undefined || other.type !== name.type) return what;
  return (other.instance === undefined) === (name.instance === undefined) ? undefined : what;
}

/** The units, and those that they name in `Also=`. */
async function withAlso(
  units: UnitFiles,
  names: readonly UnitName[],
  verb: string,
): Promise<readonly Unit[]> {
  const found = new Map<string, Unit>();
  const pending = names.map((name) => ({ name, isAsked: true }));
  for (const { name, isAsked } of pending) {
    if (found.size >= mostUnits) break;
    const { state, name: own, path } = units.index.find(name);
    // What an alias stands for; an instance stays what it is.
    const unit = await units.load(name.instance === undefined ? own : name);
    if (state !== "found" || unit.fragment === undefined) {
      const why =
        state === "masked" ? `unit ${path ?? name.full} is masked` : `unit ${name.full} does not exist`;
      if (isAsked) throw new InstallError(`Failed to ${verb} unit, ${why}.`);
      continue;
    }
    if (found.has(unit.name.full)) continue;
    found.set(unit.name.full, unit);
    for (const also of unit.install.Also ?? []) {
      const other = parseUnitName(also);
      if (other !== undefined) pending.push({ name: other, isAsked: false });
    }
  }
  return [...found.values()];
}

export interface RemovalPlan {
  /** Below the root, in the order in which they go. */
  readonly paths: readonly string[];
  readonly problems: readonly string[];
}

/** The links by which units, and those that they name in `Also=`, are enabled; those to them by other names too. */
export async function planToDisable(
  units: UnitFiles,
  names: readonly UnitName[],
  configuration: string,
): Promise<RemovalPlan> {
  const gone = new Set<string>();
  const problems: string[] = [];
  const pending = [...names];
  for (const name of pending) {
    if (gone.has(name.full) || gone.size >= mostUnits) continue;
    gone.add(name.full);
    const found = units.index.find(name);
    // What an alias stands for is meant.
    if (found.name.full !== name.full && name.instance === undefined) pending.push(found.name);
    if (found.state === "not-found")
      problems.push(`Failed to disable unit, unit ${name.full} does not exist.`);
    for (const also of (await units.load(name)).install.Also ?? []) {
      const other = parseUnitName(also);
      if (other !== undefined) pending.push(other);
    }
  }
  const paths = new Set<string>();
  const links = units.links.filter(({ place }) => place === configuration);
  // A link that goes may be what another one leads to.
  for (let before = -1; before < paths.size; ) {
    before = paths.size;
    for (const { directory, name, target } of links) {
      if (target === "/dev/null") continue;
      const isOurs =
        gone.has(name) || gone.has(lastPart(target)) || [...gone].some((one) => isInstanceOf(name, one));
      if (!isOurs) continue;
      paths.add(join(configuration, directory, name));
      gone.add(name);
    }
  }
  return { paths: [...paths], problems };
}

/** What presets say of units. */
export function presetsFor(
  { rules }: UnitFiles,
  names: readonly UnitName[],
): { readonly enable: readonly UnitName[]; readonly disable: readonly UnitName[] } {
  const enable: UnitName[] = [];
  const disable: UnitName[] = [];
  for (const name of names) {
    const { action, instances }: Preset = presetOf(rules, name);
    if (action === "disable") disable.push(name);
    else if (instances.length === 0) enable.push(name);
    else
      for (const instance of instances) {
        const one = parseUnitName(`${name.prefix}@${instance}.${name.type}`);
        if (one !== undefined) enable.push(one);
      }
  }
  return { enable, disable };
}
