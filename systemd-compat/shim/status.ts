// systemctl status and cat: a unit as a person reads it, and its files.

import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { printable } from "../diagnostics.js";
import type { UnitName } from "../names.js";
import { FileError } from "../rooted-files.js";
import type { Unit } from "../unit.js";
import { type Context, namesOf, say, statuses } from "./context.js";
import { fileStateOf, presetFor } from "./file-state.js";
import { unitsFor } from "./jobs.js";
import { listUnits } from "./lists.js";
import { statusOrNone, timestamp } from "./properties.js";
import { skippedBecause, type UnitState, unitStateOf } from "./unit-state.js";

/** The exit status is that of the last unit that is no success: 3 where it is not active, 4 where it does not exist. */
export async function status(context: Context): Promise<number> {
  if (context.words.length === 0) return await listUnits(context);
  let worst: number = statuses.ok;
  let isFirst = true;
  for (const name of await unitsFor(context)) {
    if (!isFirst && !context.options.quiet) say(context, "");
    isFirst = false;
    const one = await statusOf(context, name);
    if (one !== statuses.ok) worst = one;
  }
  return worst;
}

async function statusOf(context: Context, name: UnitName): Promise<number> {
  const units = await context.units();
  const known = await statusOrNone(context, name);
  const unit = await units.load(name);
  if (known === undefined && unit.state === "not-found") {
    context.errors.write(`Unit ${name.full} could not be found.\n`);
    return statuses.noSuchUnit;
  }
  const state = unitStateOf(name.full, known);
  if (!context.options.quiet) {
    const fileState = await fileStateOf(units, name);
    const preset = fileState === undefined ? undefined : presetFor(units, name, fileState);
    const words = [
      ...(fileState === undefined ? [] : [fileState]),
      ...(preset === undefined ? [] : [`preset: ${preset}`]),
    ];
    for (const line of linesOf(name, unit, known, state, words, context.options.lines))
      say(context, printable(line));
  }
  return state.active === "active" || state.active === "reloading" ? statuses.ok : statuses.notActive;
}

function* linesOf(
  name: UnitName,
  unit: Unit,
  known: ServiceStatus | undefined,
  state: UnitState,
  words: readonly string[],
  most: number,
): Generator<string> {
  const own = unit.state === "not-found" ? name.full : unit.name.full;
  const description = unit.unit.Description ?? known?.documentation.split("\n", 1)[0] ?? own;
  yield `${markOf(state)} ${own}${description === own || description === "" ? "" : ` - ${description}`}`;
  const file = [unit.fragment, ...words].filter((one) => one !== undefined).join("; ");
  yield `     Loaded: ${unit.state === "not-found" ? "loaded" : unit.state}${file === "" ? "" : ` (${file})`}`;
  for (const dropIn of unit.dropIns) yield `    Drop-In: ${dropIn}`;
  const reason = state.active === "failed" ? `Result: ${state.result}` : state.sub;
  const since = state.since === 0 ? "" : ` since ${timestamp(state.since)}`;
  yield `     Active: ${state.active} (${reason})${since}`;
  const skipped = known === undefined ? undefined : skippedBecause(known);
  if (skipped !== undefined) yield `  Condition: start condition failed: ${skipped}`;
  const failure = known?.extra.get("failure");
  if (typeof failure === "string") yield `    Failure: ${failure}`;
  for (const one of unit.unit.Documentation ?? []) yield `       Docs: ${one}`;
  if (state.mainPid > 0) yield `   Main PID: ${state.mainPid}`;
  const text = known?.extra.get("status-text");
  if (typeof text === "string" && text !== "") yield `     Status: "${text}"`;
  const messages = [...(known?.recentMessages ?? [])]
    .reverse()
    .slice(most === 0 ? Number.POSITIVE_INFINITY : -most);
  if (messages.length > 0) yield "";
  for (const { time, line } of messages) yield `${timestamp(time)} ${line}`;
}

function markOf({ active }: UnitState): string {
  if (active === "active") return "●";
  if (active === "failed") return "×";
  return active === "inactive" ? "○" : "●";
}

/** Prints the files of units. */
export async function cat(context: Context): Promise<number> {
  const units = await context.units();
  let isFirst = true;
  for (const name of namesOf(context)) {
    const unit = await units.load(name);
    const files = [...(unit.fragment === undefined ? [] : [unit.fragment]), ...unit.dropIns];
    if (unit.state === "masked") {
      context.errors.write(`Unit ${name.full} is masked.\n`);
      continue;
    }
    if (files.length === 0) {
      context.errors.write(`No files found for ${name.full}.\n`);
      return statuses.failed;
    }
    for (const file of files) {
      if (!isFirst) say(context, "");
      isFirst = false;
      say(context, `# ${file}`);
      const text = await textOf(context, file);
      context.output.write(text.endsWith("\n") ? text : `${text}\n`);
    }
  }
  return statuses.ok;
}

async function textOf(context: Context, file: string): Promise<string> {
  try {
    return Buffer.from((await (await context.units()).files.read(file)) ?? []).toString("utf8");
  } catch (error) {
    if (error instanceof FileError) return `# it cannot be read: ${error.message}`;
    throw error;
  }
}
