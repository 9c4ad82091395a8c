// Commands that change links: enable, disable, reenable, preset, mask, unmask, set-default.

import { join } from "node:path";
import { PlaceError } from "../../src/services/activation/directory.js";
import { parseUnitName, type UnitName } from "../names.js";
import { type Context, Failure, nameOf, namesOf, say, statuses, tell } from "./context.js";
import { NoDaemonError } from "./daemon.js";
import { type InstallPlan, planToDisable, planToEnable, presetsFor } from "./install.js";
import { runNow } from "./jobs.js";
import { makeLink, removeLink, whatIsAt } from "./links.js";
import type { UnitFiles } from "./unit-files.js";

const noInstructions = (verb: string): string =>
  `The units have no section [Install] by which they could be ${verb}d: no WantedBy=, RequiredBy=, Also= or Alias=.\n` +
  "Such units are started by others, by a socket, timer or path unit, or by hand.";

function configurationOf(units: UnitFiles, { options }: Context): string {
  return options.runtime ? units.volatile : units.persistent;
}

export async function enable(context: Context): Promise<number> {
  const names = namesOf(context);
  const units = await context.units();
  const plan = await planToEnable(units, names, configurationOf(units, context), context.verb);
  const status = await carryOut(context, units, plan);
  if (!plan.hasInstructions) tell(context, noInstructions("enable"));
  return await afterwards(context, "start", names, status);
}

export async function disable(context: Context): Promise<number> {
  const names = namesOf(context);
  const status = await takeAway(context, names);
  return await afterwards(context, "stop", names, status);
}

export async function reenable(context: Context): Promise<number> {
  await takeAway(context, namesOf(context));
  return await enable(context);
}

async function takeAway(context: Context, names: readonly UnitName[]): Promise<number> {
  const units = await context.units();
  const configuration = configurationOf(units, context);
  const { paths, problems } = await planToDisable(units, names, configuration);
  for (const path of paths) tell(context, await removeLink(units.root, path, configuration));
  for (const problem of problems) context.errors.write(`${problem}\n`);
  // Below another root there may be nothing that could run, and packages are removed there.
  return problems.length === 0 || context.options.root !== undefined ? statuses.ok : statuses.failed;
}

async function carryOut(
  context: Context,
  units: UnitFiles,
  { links, problems, notices }: InstallPlan,
): Promise<number> {
  let hasFailed = problems.length > 0;
  for (const { path, target } of links) {
    try {
      const made = await makeLink(units.root, path, target, context.options);
      if (made !== undefined) tell(context, made);
    } catch (error) {
      if (!(error instanceof PlaceError)) throw error;
      hasFailed = true;
      context.errors.write(`Failed to ${context.verb} unit, ${error.message}.\n`);
    }
  }
  for (const line of [...notices, ...problems]) context.errors.write(`${line}\n`);
  return hasFailed ? statuses.failed : statuses.ok;
}

/** The daemon reads units anew, and with `--now` they are started or stopped. */
async function afterwards(
  context: Context,
  verb: "start" | "stop",
  names: readonly UnitName[],
  status: number,
): Promise<number> {
  if (context.options.root !== undefined || context.options.scope === "global") return status;
  await reloadQuietly(context);
  if (!context.options.now) return status;
  const outcome = await runNow(context, verb, names);
  return status === statuses.ok ? outcome : status;
}

/** Where no daemon runs nobody needs to know. */
async function reloadQuietly({ daemon, options }: Context): Promise<void> {
  if (options.noReload) return;
  try {
    await daemon.manage("daemon-reload", [], "systemd");
  } catch (error) {
    if (!(error instanceof NoDaemonError)) throw error;
  }
}

export async function preset(context: Context): Promise<number> {
  return await presetUnits(context, namesOf(context));
}

/** All units that have a file. */
export async function presetAll(context: Context): Promise<number> {
  const { index } = await context.units();
  const names = index.names.flatMap((full) => {
    const name = parseUnitName(full);
    return name === undefined || index.entry(full)?.kind !== "file" ? [] : [name];
  });
  return await presetUnits(context, names);
}

const presetModes = ["full", "enable-only", "disable-only"];

async function presetUnits(context: Context, names: readonly UnitName[]): Promise<number> {
  const { presetMode } = context.options;
  if (!presetModes.includes(presetMode)) throw new Failure(`Failed to parse preset mode: ${presetMode}.`);
  const units = await context.units();
  const wanted = presetsFor(units, names);
  const isMasked = wanted.enable.find((name) => units.index.find(name).state === "masked");
  if (isMasked !== undefined && context.verb === "preset")
    throw new Failure(`Failed to preset unit, unit ${units.index.find(isMasked).path ?? ""} is masked.`);
  let status: number = statuses.ok;
  if (presetMode !== "enable-only" && wanted.disable.length > 0)
    status = await takeAway(context, wanted.disable);
  if (presetMode !== "disable-only") {
    const there = wanted.enable.filter((name) => units.index.find(name).state !== "masked");
    const plan = await planToEnable(units, there, configurationOf(units, context), "preset");
    status = Math.max(status, await carryOut(context, units, plan));
  }
  return await afterwards(
    { ...context, options: { ...context.options, now: false } },
    "start",
    names,
    status,
  );
}

export async function mask(context: Context): Promise<number> {
  const names = namesOf(context);
  const units = await context.units();
  let status: number = statuses.ok;
  for (const { full } of names) {
    const path = join(configurationOf(units, context), full);
    try {
      const made = await makeLink(units.root, path, "/dev/null", context.options);
      if (made !== undefined) tell(context, made);
    } catch (error) {
      if (!(error instanceof PlaceError) || error.code !== "EEXIST") throw error;
      context.errors.write(`Failed to mask unit, file "${join(units.root, path)}" already exists.\n`);
      status = statuses.failed;
    }
  }
  return await afterwards(context, "stop", names, status);
}

export async function unmask(context: Context): Promise<number> {
  const units = await context.units();
  const configuration = configurationOf(units, context);
  for (const { full } of namesOf(context)) {
    const path = join(configuration, full);
    if ((await whatIsAt({ root: units.root }, path)) === "/dev/null" || (await units.files.isEmpty(path)))
      tell(context, await removeLink(units.root, path, configuration));
  }
  return await afterwards(
    { ...context, options: { ...context.options, now: false } },
    "start",
    [],
    statuses.ok,
  );
}

const defaultTarget = parseUnitName("default.target");

export async function getDefault(context: Context): Promise<number> {
  const units = await context.units();
  const found = defaultTarget === undefined ? undefined : units.index.find(defaultTarget);
  if (found === undefined || found.state !== "found")
    throw new Failure("Failed to get default target: No such file or directory");
  say(context, found.name.full);
  return statuses.ok;
}

export async function setDefault(context: Context): Promise<number> {
  const [word] = context.words;
  if (word === undefined || context.words.length > 1) throw new Failure("Expected the name of one target.");
  const name = nameOf(word, "target");
  const units = await context.units();
  const { fragment } = await units.load(name);
  if (name.type !== "target") throw new Failure(`Failed to set default unit, ${name.full} is no target.`);
  if (fragment === undefined)
    throw new Failure(`Failed to set default unit, unit ${name.full} does not exist.`);
  const options = { ...context.options, force: true };
  const path = join(units.persistent, "default.target");
  const made = await makeLink(units.root, path, fragment, options);
  if (made !== undefined) tell(context, made);
  return await afterwards({ ...context, options: { ...options, now: false } }, "start", [], statuses.ok);
}
