// A service's console: the process that holds its terminal, which is a child of the keeper beside the service; its end,
// and what the service is spawned with.

import { constants } from "node:fs";
import type { Host } from "../constructors/host.js";
import { environmentStrings } from "../constructors/process-spec.js";
import type { ProcessOptions } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { ChildRecord, SpawnSpec } from "../keeper/types.js";
import { type Child, describeTermination } from "../processes.js";

/** What makes consoles possible. */
export interface ConsolePlaces {
  /** Where the control socket is. */
  readonly runtimeDirectory: string;
  /** The holder's bundle; our own Node runs it. */
  readonly program: string;
}

const prefix = "console/";
/** Milliseconds for a holder that was told to end. */
const patience = 3000;
/** What nearly every terminal understands. */
const terminalType = "xterm-256color";
const TERM = 15;
const KILL = 9;

/** Of the holder in the keeper: no service's process has a name like it. */
export function holderId(service: string): string {
  return `${prefix}${service}`;
}

export function hasConsole(host: Host, service: string): boolean {
  return host.processes.get(holderId(service)) !== undefined;
}

/** Has a holder's end told where it is the service's misfortune. */
export function watchHolder(host: Host, service: string, holder: Child): void {
  holder.onEnd = (end) => {
    if (end.status !== 0)
      host.report(
        `The console of service ${service} (PID ${end.pid}) ${describeTermination(end)}, which hangs its terminal up.`,
      );
  };
}

/** Resolves when a service has no console any more, and what its terminal showed is in the service's log. */
export async function closeConsole(host: Host, service: string): Promise<void> {
  const id = holderId(service);
  const holder = host.processes.get(id);
  if (holder === undefined) return;
  await host.processes.signal(id, TERM, "process");
  const timer = setTimeout(() => {
    if (holder.end === undefined)
      host.processes.signal(id, KILL, "process").catch((error: unknown) => host.report(errorText(error)));
  }, patience);
  await holder.ended;
  clearTimeout(timer);
}

/** As `closeConsole`, where nobody waits for it. */
export function leaveConsole(host: Host, service: string): void {
  if (!hasConsole(host, service)) return;
  closeConsole(host, service).catch((error: unknown) => host.report(errorText(error)));
}

/**
 * Takes over the holders of an earlier daemon, and ends those that it has left to nobody.
 * @param has whether there is such a service, or will be
 */
export function resumeConsoles(
  host: Host,
  children: readonly ChildRecord[],
  has: (service: string) => boolean,
): void {
  for (const { id } of children) {
    if (!id.startsWith(prefix)) continue;
    const service = id.slice(prefix.length);
    const holder = host.processes.get(id);
    if (holder !== undefined) watchHolder(host, service, holder);
    if (!has(service)) leaveConsole(host, service);
  }
}

/** What a service is spawned with so that the terminal is its own. */
export function onTerminal(
  path: string,
  environment: readonly string[],
  { environmentVariables = [], extraEnvironmentVariables = [] }: ProcessOptions,
): Pick<SpawnSpec, "terminal" | "descriptors" | "environment"> {
  const isType = (variable: string): boolean => variable.startsWith("TERM=");
  const isChosen = [environmentVariables, extraEnvironmentVariables].some((variables) =>
    environmentStrings(variables).some(isType),
  );
  const source = { path, flags: constants.O_RDWR | constants.O_NOCTTY };
  return {
    terminal: { path },
    descriptors: [0, 1, 2].map((target) => ({ target, source })),
    environment: isChosen
      ? environment
      : // What the supervisor's own terminal is says nothing about this one.
        [...environment.filter((variable) => !isType(variable)), `TERM=${terminalType}`],
  };
}
