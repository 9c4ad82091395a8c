// What reconfiguring comes to, in words.

import { mainDocumentation, mainService } from "../daemon/main-service.js";
import type { ServiceStatus } from "../protocol/service-status.js";
import {
  type LiveService,
  type ReconfigurationPlan,
  reconfigurationPlan,
} from "../services/shepherd/upgrade.js";
import { CommandError } from "./error.js";

/** A service of a system, as the system directory describes it. */
export interface DescribedService {
  readonly provision: readonly string[];
  readonly requirement: readonly string[];
  readonly autoStart: boolean;
}

export interface Plan extends ReconfigurationPlan {
  /** What would be started, but was disabled by the user. */
  readonly disabled: readonly string[];
}

export function liveService({ provides, requires, transient, status }: ServiceStatus): LiveService {
  return { provision: provides, requirement: requires, transient, running: status !== "stopped" };
}

/** The command that the supervisor was run with is no part of any system. */
function isMainOfContainer({ provides: [name], documentation }: ServiceStatus): boolean {
  return name === mainService && documentation.startsWith(mainDocumentation);
}

/**
 * Compares what runs with what is to run. Throws CommandError where a service of the system has the names of several that
 * run, so that none of them could become it.
 */
export function planOf(live: readonly ServiceStatus[], target: readonly DescribedService[]): Plan {
  const services = live.filter((one) => !isMainOfContainer(one)).map(liveService);
  const plan = reconfigurationPlan(services, target);
  const staying = services.filter(({ provision: [name = ""] }) => !plan.unload.includes(name));
  for (const { provision } of target) {
    const holders = staying.filter((one) => one.provision.some((name) => provision.includes(name)));
    if (holders.length < 2) continue;
    const names = holders.map((one) => one.provision[0]);
    throw new CommandError(
      `service '${provision[0]}' provides names of several services that are there: ${names.join(", ")}; ` +
        "unload all but one of them first, such as with 'herd unload root NAME'",
    );
  }
  const disabled = new Set(live.filter(({ enabled }) => !enabled).flatMap(({ provides }) => provides));
  return {
    ...plan,
    start: plan.start.filter((name) => !disabled.has(name)),
    disabled: plan.start.filter((name) => disabled.has(name)),
  };
}

/** One line for each thing that is done. */
export function planText({ unload, start, restart, disabled }: Plan): readonly string[] {
  const line = (what: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`${what}: ${names.join(" ")}`];
  const lines = [
    ...line("to be unloaded", unload),
    ...line("to be started", start),
    ...line("disabled, and therefore not started", disabled),
    ...line("to be replaced when they are restarted", restart),
  ];
  return lines.length === 0 ? ["no service is to be unloaded, started or replaced"] : lines;
}

/** What a user does to finish, in the words in which Guix says it. */
export const closing = {
  restart:
    "To complete the upgrade, run 'herd restart SERVICE' to stop, upgrade, and restart each service that was not automatically restarted.",
  status: "Run 'herd status' to view the list of services on your system.",
} as const;
