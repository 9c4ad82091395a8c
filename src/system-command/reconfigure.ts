// Makes another system the one that runs: its generation, its activation, and its services.

import { join } from "node:path";
import type { ServiceStatus } from "../protocol/service-status.js";
import { CommandError, reason } from "./error.js";
import { currentNumber, type Generation, useGeneration } from "./generations.js";
import { pointLink, targetOf } from "./links.js";
import { compiledModule, type Places } from "./places.js";
import { closing, type DescribedService, type Plan, planOf, planText } from "./plan.js";
import { type Supervisor, SupervisorError } from "./supervisor.js";

export interface Reconfiguration {
  readonly places: Places;
  readonly supervisor: Supervisor;
  /** For the user, on standard output. */
  readonly print: (line: string) => void;
  /** What has failed, on standard error. */
  readonly complain: (text: string) => void;
  /** Carries out the activation of a system; gives the names of what has failed, which was told. */
  readonly activate: (system: string) => Promise<readonly string[]>;
}

/** A system, and what its directory says of its services. */
export interface Target {
  readonly system: string;
  readonly services: readonly DescribedService[];
}

/** What would have to be done for `services` to be those in force. Throws CommandError and SupervisorError. */
export async function plan(
  { places, supervisor }: Pick<Reconfiguration, "places" | "supervisor">,
  services: readonly DescribedService[],
): Promise<{ readonly plan: Plan; readonly live: readonly ServiceStatus[] }> {
  const live = await supervisor.status();
  if ((await targetOf(places.current)) === undefined)
    throw new CommandError(
      `the supervisor runs no system, or ${places.current} would say which: boot one with 'shepherd system boot'`,
    );
  return { plan: planOf(live, services), live };
}

/**
 * Brings a system into use on the running machine. Gives what has failed, by name; nothing that has failed keeps the rest
 * from being done, but where the system cannot be activated at all, or the supervisor cannot load its services: then the
 * former system stays in use.
 *
 * @param enter makes the generation that is in use from now on
 */
export async function reconfigure(
  target: Target,
  enter: () => Promise<Generation>,
  setup: Reconfiguration,
): Promise<readonly string[]> {
  const { places, supervisor, print, complain, activate } = setup;
  const { plan: steps, live } = await plan(setup, target.services);
  for (const line of planText(steps)) print(line);
  const former = { number: await currentNumber(places), system: await targetOf(places.current) };
  const { number } = await enter();
  print(`activating generation ${number}`);
  const failed: string[] = [];
  try {
    failed.push(...(await activate(target.system)));
    failed.push(...(await unloadAll(steps.unload, setup)));
    // Activation has done so, unless it could not: what is loaded must be the target all the same.
    await pointLink(places.current, target.system);
    await supervisor.load(join(places.current, compiledModule));
  } catch (error) {
    complain(reason(error));
    await goBack(former, steps.unload, setup);
    throw new CommandError("the system could not be brought into use, and the former one stays", {
      cause: error,
    });
  }
  failed.push(...(await startAll(steps.start, live, setup)));
  if (steps.restart.length > 0) print(closing.restart);
  print(closing.status);
  return failed;
}

/** Gives the names of those that are still there. */
async function unloadAll(
  names: readonly string[],
  { supervisor, complain }: Reconfiguration,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await supervisor.unload(name);
    } catch (error) {
      if (!(error instanceof SupervisorError)) throw error;
      // A transient service that requires it may have ended, and gone, by itself; so may it have been unloaded by others.
      const isThere = (await supervisor.status()).some(({ provides }) => provides.includes(name));
      if (!isThere) continue;
      complain(`unload ${name}: ${error.message}`);
      failed.push(name);
    }
  }
  return failed;
}

/** Gives the names of those that could not be started. Loading has begun to start those that are new. */
async function startAll(
  names: readonly string[],
  before: readonly ServiceStatus[],
  { supervisor, complain }: Reconfiguration,
): Promise<readonly string[]> {
  const now = await supervisor.status();
  const failed: string[] = [];
  for (const name of names) {
    const service = now.find(({ provides: [canonical] }) => canonical === name);
    const former = before.find(({ provides }) => provides.includes(name));
    if (service === undefined || hasFailedSince(service, former)) {
      complain(`service ${name} could not be started`);
      failed.push(name);
    } else if (!isUp(service) && !hasRunSince(service, former)) {
      try {
        await supervisor.start(name);
      } catch (error) {
        if (!(error instanceof SupervisorError)) throw error;
        complain(error.message);
        failed.push(name);
      }
    }
  }
  return failed;
}

const isUp = ({ status }: ServiceStatus): boolean => status === "running" || status === "starting";

function hasFailedSince({ startupFailures }: ServiceStatus, former: ServiceStatus | undefined): boolean {
  const [latest] = startupFailures;
  const before = former?.startupFailures ?? [];
  return latest !== undefined && (latest !== before[0] || startupFailures.length !== before.length);
}

/** A one-shot service that has succeeded is stopped again. Loading starts what nobody has started or disabled before. */
function hasRunSince({ oneShot, statusChanges }: ServiceStatus, former: ServiceStatus | undefined): boolean {
  const isFresh = former === undefined || (former.statusChanges.length === 0 && former.enabled);
  return oneShot && isFresh && statusChanges.length > 0;
}

/** The former system is in use again, with what was unloaded. */
async function goBack(
  former: { readonly number: number | undefined; readonly system: string | undefined },
  unloaded: readonly string[],
  { places, supervisor, complain, activate }: Reconfiguration,
): Promise<void> {
  if (former.number !== undefined) await useGeneration(places, former.number);
  if (former.system === undefined) return;
  try {
    await activate(former.system);
    await pointLink(places.current, former.system);
    if (unloaded.length > 0) await supervisor.load(join(places.current, compiledModule));
  } catch (error) {
    const lost = unloaded.length === 0 ? "" : `; these may have to be loaded again: ${unloaded.join(" ")}`;
    complain(`go back to the former system: ${reason(error)}${lost}`);
  }
}
