// Whether a unit is enabled, by the links that are there: the states that systemctl is-enabled prints.

import { isTemplate, type UnitName } from "../names.js";
import { presetOf } from "../presets.js";
import type { Unit } from "../unit.js";
import { aliasFor } from "./install.js";
import {
  defaultInstanceOf,
  isInstanceOf,
  lastPart,
  type Preset,
  type UnitFiles,
  type UnitLink,
} from "./unit-files.js";

export type FileState =
  | "enabled"
  | "enabled-runtime"
  | "linked"
  | "linked-runtime"
  | "alias"
  | "masked"
  | "masked-runtime"
  | "static"
  | "indirect"
  | "disabled"
  | "generated"
  | "transient"
  | "bad";

/** States with which is-enabled succeeds. */
export const enabledStates: ReadonlySet<FileState> = new Set<FileState>([
  "enabled",
  "enabled-runtime",
  "static",
  "alias",
  "indirect",
  "generated",
]);

/** Undefined where there is no such unit. */
export async function fileStateOf(units: UnitFiles, name: UnitName): Promise<FileState | undefined> {
  const found = units.index.find(name);
  if (found.state === "not-found" || found.path === undefined) return undefined;
  if (found.state === "masked") return units.isVolatile(found.path) ? "masked-runtime" : "masked";
  const isAlias = found.name.full !== name.full;
  const isOfInstance = name.instance !== undefined && name.instance !== "";
  if (isAlias && !isOfInstance) return "alias";
  if (/^\/run\/systemd\/generator(?:\.early|\.late)?\//.test(found.path)) return "generated";
  if (found.path.startsWith("/run/systemd/transient/")) return "transient";
  const unit = await units.load(name);
  const state = stateByLinks(units, name, unit, found.path);
  if (state !== undefined) return state;
  const { WantedBy = [], RequiredBy = [], Alias = [], Also = [] } = unit.install;
  if (isTemplate(name) && hasInstances(units, name)) return "indirect";
  if (WantedBy.length + RequiredBy.length + Alias.length > 0) return "disabled";
  return Also.length > 0 ? "indirect" : "static";
}

function stateByLinks(units: UnitFiles, name: UnitName, unit: Unit, path: string): FileState | undefined {
  const usual = defaultInstanceOf(unit)?.full;
  const aliases = (unit.install.Alias ?? []).map((alias) => aliasFor(name, alias));
  const isKnown = (link: string): boolean => link === name.full || aliases.includes(link) || link === usual;
  const sameName = new Set<string>();
  let isEnabledForNow = false;
  let isEnabledElsewhere = false;
  for (const link of units.links) {
    const isOurs =
      link.directory === ""
        ? (link.target === path || lastPart(link.target) === name.full) && isKnown(link.name)
        : isKnown(link.name);
    if (!isOurs) continue;
    if (link.directory === "" && link.name === name.full && lastPart(link.target) === name.full)
      sameName.add(link.place);
    else if (link.place === units.persistent) return "enabled";
    else if (units.isVolatile(`${link.place}/`)) isEnabledForNow = true;
    else isEnabledElsewhere = true;
  }
  if (isEnabledForNow) return "enabled-runtime";
  if (isEnabledElsewhere && name.instance !== undefined && name.instance !== "") return "static";
  if (sameName.has(units.persistent)) return "linked";
  return sameName.has(units.volatile) ? "linked-runtime" : undefined;
}

function hasInstances({ links, persistent, volatile }: UnitFiles, { full }: UnitName): boolean {
  const isOurs = ({ place, name }: UnitLink): boolean =>
    (place === persistent || place === volatile) && isInstanceOf(name, full);
  return links.some(isOurs);
}

/** What presets say of it; undefined where they say nothing, since it cannot be enabled. */
export function presetFor({ rules }: UnitFiles, name: UnitName, state: FileState): Preset | undefined {
  if (["alias", "static", "generated", "transient", "bad"].includes(state)) return undefined;
  return presetOf(rules, name).action === "enable" ? "enabled" : "disabled";
}
