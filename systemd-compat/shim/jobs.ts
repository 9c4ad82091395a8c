// Commands that start, stop, restart and reload units.

import { join } from "node:path";
import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { parseUnitName, type UnitName } from "../names.js";
import { hasWildcards, matchesPattern } from "../pattern.js";
import { RootedFiles } from "../rooted-files.js";
import { systemSearchPath } from "../search-path.js";
import { type Context, Failure, nameOf, statuses, tell } from "./context.js";
import { UsageError } from "./options.js";
import { canReload, skippedBecause, unitStateOf } from "./unit-state.js";

type Job = (context: Context, unit: UnitName) => Promise<number>;

/** Verbs, the old ones too. */
export const jobs: Readonly<Record<string, Job>> = {
  start: (context, unit) => start(context, unit),
  stop: (context, unit) => stop(context, unit),
  restart: (context, unit) => restart(context, unit),
  "try-restart": (context, unit) => ifRunning(context, unit, restart),
  condrestart: (context, unit) => ifRunning(context, unit, restart),
  reload: (context, unit) => reload(context, unit),
  "reload-or-restart": (context, unit) => reloadOrRestart(context, unit),
  "reload-or-try-restart": (context, unit) => ifRunning(context, unit, reloadOrRestart),
  "try-reload-or-restart": (context, unit) => ifRunning(context, unit, reloadOrRestart),
  "force-reload": (context, unit) => ifRunning(context, unit, reloadOrRestart),
  "reset-failed": (context, unit) => resetFailed(context, unit),
};

/** Carries a job out for each unit; the first status that is no success counts. */
export async function runJob(context: Context, job: Job): Promise<number> {
  if (context.words.length === 0 && context.verb !== "reset-failed")
    throw new UsageError("Too few arguments.");
  let status: number = statuses.ok;
  for (const unit of await unitsFor(context)) {
    const one = await job(context, unit);
    if (status === statuses.ok) status = one;
  }
  return status;
}

/** The units that are meant: patterns are for those that the daemon knows. */
export async function unitsFor(context: Context): Promise<readonly UnitName[]> {
  const { words, daemon } = context;
  const isForAll = words.length === 0;
  if (!isForAll && !words.some(hasWildcards)) return words.map((word) => nameOf(word));
  const known = (await daemon.services()).flatMap(({ unit }) => parseUnitName(unit) ?? []);
  if (isForAll) return known;
  return words.flatMap((word) => {
    if (!hasWildcards(word)) return [nameOf(word)];
    return known.filter(({ full }) => matchesUnit(full, word));
  });
}

/** Whether a unit's name matches a pattern, to which `.service` may be added. */
export function matchesUnit(full: string, pattern: string): boolean {
  return matchesPattern(full, pattern) || matchesPattern(full, `${pattern}.service`);
}

/** Whether a unit's own name is masked where the system's units are; another of its names is looked up by the daemon. */
async function hasMask(root: string, unit: UnitName): Promise<boolean> {
  const files = new RootedFiles(root);
  for (const directory of systemSearchPath) {
    const path = join(directory, unit.full);
    if ((await files.real(path)) !== undefined) return await files.isEmpty(path);
  }
  return false;
}

/** What the daemon knows of a unit, which is loaded if it does not. */
async function known(
  context: Context,
  unit: UnitName,
): Promise<{ readonly status: ServiceStatus } | { readonly problem: string; readonly exit: number }> {
  const { daemon, verb } = context;
  // To read what units there are takes longer than all the rest.
  const isMasked =
    context.options.scope === "system"
      ? await hasMask(context.options.root ?? "/", unit)
      : (await context.units()).index.find(unit).state === "masked";
  if (isMasked && verb !== "stop")
    return { problem: `Failed to ${verb} ${unit.full}: Unit ${unit.full} is masked.`, exit: statuses.failed };
  const why = await daemon.load(unit);
  const status = why === undefined ? await daemon.status(unit) : undefined;
  if (status !== undefined) return { status };
  const reason = why ?? `Unit ${unit.full} not found.`;
  return { problem: `Failed to ${verb} ${unit.full}: ${reason}`, exit: statuses.notLoaded };
}

async function start(context: Context, unit: UnitName): Promise<number> {
  return await withKnown(context, unit, () => perform(context, "start", unit));
}

async function withKnown(
  context: Context,
  unit: UnitName,
  use: (status: ServiceStatus) => Promise<number>,
): Promise<number> {
  const found = await known(context, unit);
  if ("status" in found) return await use(found.status);
  context.errors.write(`${found.problem}\n`);
  return found.exit;
}

async function stop(context: Context, unit: UnitName): Promise<number> {
  const status = await context.daemon.status(unit);
  if (status !== undefined) {
    return unitStateOf(unit.full, status).active === "inactive"
      ? statuses.ok
      : await perform(context, "stop", unit);
  }
  // A unit that nobody has loaded does not run.
  const found = (await context.units()).index.find(unit);
  if (found.state !== "not-found") return statuses.ok;
  context.errors.write(`Failed to ${context.verb} ${unit.full}: Unit ${unit.full} not loaded.\n`);
  return statuses.notLoaded;
}

async function restart(context: Context, unit: UnitName): Promise<number> {
  return await withKnown(context, unit, (status) =>
    perform(context, status.status === "stopped" ? "start" : "restart", unit),
  );
}

async function reload(context: Context, unit: UnitName): Promise<number> {
  return await withKnown(context, unit, async (status) => {
    const { active } = unitStateOf(unit.full, status);
    const cannot = !canReload(status)
      ? `Failed to reload ${unit.full}: Job type reload is not applicable for unit ${unit.full}.`
      : active !== "active" && active !== "reloading"
        ? `${unit.full} is not active, cannot reload.`
        : undefined;
    if (cannot === undefined) return await perform(context, "reload", unit);
    context.errors.write(`${cannot}\n`);
    return statuses.failed;
  });
}

async function reloadOrRestart(context: Context, unit: UnitName): Promise<number> {
  return await withKnown(context, unit, async (status) =>
    status.status === "running" && canReload(status)
      ? await perform(context, "reload", unit)
      : await restart(context, unit),
  );
}

/** Nothing is done, and that is no failure, where the unit does not run. */
async function ifRunning(context: Context, unit: UnitName, job: Job): Promise<number> {
  const status = await context.daemon.status(unit);
  return status === undefined || status.status === "stopped" ? statuses.ok : await job(context, unit);
}

/** Forgets how often it has been started: it may be started again. */
async function resetFailed(context: Context, unit: UnitName): Promise<number> {
  const status = await context.daemon.status(unit);
  if (status === undefined) {
    if (context.words.length === 0) return statuses.ok;
    context.errors.write(
      `Failed to reset failed state of unit ${unit.full}: Unit ${unit.full} not loaded.\n`,
    );
    return statuses.failed;
  }
  // One that somebody has disabled stays so, unless it was named.
  const isFailed = unitStateOf(unit.full, status).active === "failed";
  return isFailed ? await perform(context, "enable", unit) : statuses.ok;
}

async function perform(context: Context, action: string, unit: UnitName): Promise<number> {
  const { daemon, options, errors } = context;
  const { succeeded, lines } = await daemon.perform(action, unit, { wait: !options.noBlock });
  if (succeeded) {
    await tellSkipped(context, action, unit);
    return statuses.ok;
  }
  for (const line of lines) errors.write(`${line}\n`);
  errors.write(`Job for ${unit.full} failed.\n`);
  tell(context, `See "systemctl status ${unit.full}" and "herd log ${unit.full}" for details.`);
  return statuses.failed;
}

async function tellSkipped(context: Context, action: string, unit: UnitName): Promise<void> {
  if (action !== "start" || context.options.noBlock || context.options.quiet) return;
  const status = await context.daemon.status(unit);
  const why = status === undefined ? undefined : skippedBecause(status);
  if (why !== undefined && status?.status === "stopped")
    tell(context, `${unit.full} was not started: ${why}`);
}

/** For `enable --now` and its like. */
export async function runNow(
  context: Context,
  verb: "start" | "stop",
  names: readonly UnitName[],
): Promise<number> {
  const job = jobs[verb];
  if (job === undefined) throw new Failure(`Unknown command verb ${verb}.`);
  let status: number = statuses.ok;
  for (const unit of names) {
    const one = await job({ ...context, verb }, unit);
    if (status === statuses.ok) status = one;
  }
  return status;
}
