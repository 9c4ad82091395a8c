// Commands that list units: those that the daemon knows, and those that have files.

import { printable } from "../diagnostics.js";
import { parseUnitName, type UnitName } from "../names.js";
import type { Unit } from "../unit.js";
import { type Context, say, statuses } from "./context.js";
import { type FileState, fileStateOf, presetFor } from "./file-state.js";
import { matchesUnit } from "./jobs.js";
import { unitStateOf } from "./unit-state.js";

/** The units that the daemon knows; those that do nothing only with `--all`. */
export async function listUnits(context: Context): Promise<number> {
  const { options } = context;
  const units = await context.units();
  const rows: string[][] = [];
  for (const { unit, status } of await context.daemon.services()) {
    const name = parseUnitName(unit);
    if (name === undefined || !isMeant(context, name)) continue;
    const { active, sub } = unitStateOf(unit, status);
    const loaded = await units.load(name);
    const load =
      loaded.state === "not-found" ? "loaded" : loaded.state === "refused" ? "bad-setting" : loaded.state;
    const isShown =
      options.states.length > 0
        ? [active, sub, load].some((one) => options.states.includes(one))
        : options.all || active !== "inactive";
    const description = descriptionOf(loaded) ?? status.documentation.split("\n", 1)[0] ?? unit;
    if (isShown) rows.push([unit, load, active, sub, printable(description)]);
  }
  rows.sort(byTypeAndName);
  if (rows.length > 0) table(context, ["UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"], rows, "  ");
  if (!options.noLegend) say(context, `${rows.length === 0 ? "" : "\n"}${rows.length} loaded units listed.`);
  return statuses.ok;
}

const descriptionOf = ({ unit, state }: Unit): string | undefined =>
  state === "not-found" ? undefined : unit.Description;

/** The units that have files, with what makes them be started. */
export async function listUnitFiles(context: Context): Promise<number> {
  const { options } = context;
  const units = await context.units();
  const rows: string[][] = [];
  for (const full of units.index.names) {
    const name = parseUnitName(full);
    if (name === undefined || !isMeant(context, name)) continue;
    const state: FileState = (await fileStateOf(units, name)) ?? "bad";
    if (options.states.length > 0 && !options.states.includes(state)) continue;
    rows.push([full, state, presetFor(units, name, state) ?? "-"]);
  }
  rows.sort(byTypeAndName);
  if (rows.length > 0) table(context, ["UNIT FILE", "STATE", "PRESET"], rows, "");
  if (!options.noLegend) say(context, `${rows.length === 0 ? "" : "\n"}${rows.length} unit files listed.`);
  return statuses.ok;
}

function isMeant({ words, options }: Context, name: UnitName): boolean {
  if (options.types.length > 0 && !options.types.includes(name.type)) return false;
  return words.length === 0 || words.some((pattern) => matchesUnit(name.full, pattern));
}

/** systemd's order: services first, then the other types as it counts them. */
const typeOrder = [
  "service",
  "mount",
  "swap",
  "socket",
  "target",
  "device",
  "automount",
  "timer",
  "path",
  "slice",
  "scope",
];

function byTypeAndName([a = ""]: readonly string[], [b = ""]: readonly string[]): number {
  const rank = (name: string): number => typeOrder.indexOf(parseUnitName(name)?.type ?? "");
  return rank(a) - rank(b) || (a < b ? -1 : Number(a > b));
}

function table(
  context: Context,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  indent: string,
): void {
  const { noLegend, plain } = context.options;
  const all = noLegend ? rows : [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  for (const row of all) {
    const cells = row.map((cell, column) =>
      cell.padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0)),
    );
    say(context, `${plain ? "" : indent}${cells.join(" ")}`.trimEnd());
  }
}
