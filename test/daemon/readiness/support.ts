// A service that notifies, over a fake keeper.

import { makeForkexecConstructor } from "../../../src/daemon/definition/constructors.js";
import type { ForkexecOptions, ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { notify } from "../../../src/daemon/readiness/options.js";
import { program, rest, stateOf } from "../../support/crashes.js";
import { client, settle, type TestSystem } from "../../support/system.js";

export const socket = "notify/web";

export function web(
  options: ForkexecOptions = { readiness: notify() },
  service: Partial<ServiceDefinition> = {},
): ServiceDefinition {
  return program("web", { start: makeForkexecConstructor(["/bin/web"], options), ...service });
}

/** Begins its start, and waits until nothing more happens of itself. */
export async function begin(one: TestSystem): Promise<{ readonly outcome: Promise<boolean> }> {
  const outcome = one.system.supervisor.start("web", [], client());
  await settle();
  return { outcome };
}

/** Its main process says something. */
export function say({ keeper }: TestSystem, text: string, descriptors = 0): void {
  const pid = keeper.children.find(({ state }) => state !== "ended")?.pid ?? 0;
  keeper.datagram(socket, text, pid, 0, descriptors);
}

export async function running(one: TestSystem): Promise<void> {
  const { outcome } = await begin(one);
  say(one, "READY=1");
  await outcome;
  await rest(one);
}

export const conditionOf = (one: TestSystem) => stateOf(one, "web").condition;
