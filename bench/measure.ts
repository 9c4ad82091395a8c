// What the benches share: a system with many services, and when it answers.

import { configuration, sleeper } from "../test/support/configuration.js";
import { bootSystem, type Scope, type System } from "../test/support/harness.js";
import { exchange, gnuRequest } from "../test/support/wire.js";

export function sleepers(count: number): string {
  return configuration(Array.from({ length: count }, (_, index) => sleeper(`s${index}`)));
}

/** Boots a system of `count` services and waits until all of them run. */
export async function bootSleepers(scope: Scope, count: number): Promise<System> {
  const system = await bootSystem(scope, {
    config: sleepers(count),
    // The deaths are our own: they must not add up to pauses and rescue mode.
    keeperOptions: ["--deaths=0", "--window=1"],
  });
  await system.waitFor("all services run", () => processesOf(system).length === count);
  return system;
}

/** The services' processes, by their numbers inside. */
export function processesOf(system: System): readonly number[] {
  return system
    .processes()
    .filter(({ command, state }) => command[0] === "/bin/sleep" && state !== "Z")
    .map(({ inner }) => inner)
    .sort((a, b) => a - b);
}

/** Milliseconds until `herd status`, on the wire, is answered with every service. */
export async function untilAnswered(system: System, services: number): Promise<number> {
  const begin = performance.now();
  for (;;) {
    const { text } = await exchange(system.socket, gnuRequest("status", "root")).catch(() => ({ text: "" }));
    const running = text.match(/\(status running\)/g)?.length ?? 0;
    if (running > services) return performance.now() - begin;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export const ms = (value: number): string => `${value.toFixed(0)} ms`;
