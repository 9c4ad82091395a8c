// Commands that ask for the state of units, and of the system.

import { type Context, namesOf, say, statuses } from "./context.js";
import { NoDaemonError } from "./daemon.js";
import { enabledStates, fileStateOf } from "./file-state.js";
import { unitsFor } from "./jobs.js";
import { unitStateOf } from "./unit-state.js";

/** Succeeds where any of them is active. */
export async function isActive(context: Context): Promise<number> {
  return await anyIn(context, ["active", "reloading"], statuses.notActive);
}

/** Succeeds where any of them has failed. */
export async function isFailed(context: Context): Promise<number> {
  return await anyIn(context, ["failed"], statuses.failed);
}

async function anyIn(context: Context, wanted: readonly string[], otherwise: number): Promise<number> {
  const { daemon, options, words } = context;
  if (words.length === 0) namesOf(context);
  let isAny = false;
  for (const unit of await unitsFor(context)) {
    const { active } = unitStateOf(unit.full, await daemon.status(unit));
    isAny ||= wanted.includes(active);
    if (!options.quiet) say(context, active);
  }
  return isAny ? statuses.ok : otherwise;
}

/** Succeeds where any of them is enabled, and fails at one that does not exist. */
export async function isEnabled(context: Context): Promise<number> {
  const units = await context.units();
  let isAny = false;
  for (const name of namesOf(context)) {
    const state = await fileStateOf(units, name);
    if (state === undefined) {
      context.errors.write(`Failed to get unit file state for ${name.full}: No such file or directory\n`);
      return statuses.failed;
    }
    isAny ||= enabledStates.has(state);
    if (!context.options.quiet) say(context, state);
  }
  return isAny ? statuses.ok : statuses.failed;
}

/** `running`, `degraded` where a unit has failed, `starting` or `offline`. */
export async function isSystemRunning(context: Context): Promise<number> {
  const state = await systemState(context);
  if (!context.options.quiet) say(context, state);
  return state === "running" ? statuses.ok : statuses.failed;
}

export async function systemState({ daemon }: Pick<Context, "daemon">): Promise<string> {
  try {
    const services = await daemon.services();
    if ((await daemon.itself())?.status === "stopping") return "stopping";
    // What there is to start is not known yet.
    if (services.length === 0) return "starting";
    const states = services.map(({ unit, status }) => unitStateOf(unit, status).active);
    if (states.includes("failed")) return "degraded";
    const isStarting = services.some(
      ({ unit, status }) => unit.endsWith(".target") && status.status === "starting",
    );
    return isStarting ? "starting" : "running";
  } catch (error) {
    if (error instanceof NoDaemonError) return "offline";
    throw error;
  }
}
