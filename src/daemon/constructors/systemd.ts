// makeSystemdConstructor: a program that gets listening sockets, started at once or by the first connection.

import { basename } from "node:path";
import { shownCommand } from "../definition/secrets.js";
import type { RunningValue, SystemdData } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { SpawnSpec } from "../keeper/types.js";
import type { Child } from "../processes.js";
import { type Attendant, noProvisions, withProvisions } from "../readiness/attendant.js";
import { untilReady } from "../readiness/start.js";
import type { Attendance, Host, RunningContext, StartContext } from "./host.js";
import { executed, openLog, runner, spawnSpec } from "./process-spec.js";
import { socketName, socketsValue } from "./sockets.js";

export async function startSystemd(
  host: Host,
  context: StartContext,
  data: SystemdData,
): Promise<RunningValue> {
  const { name, signal } = context;
  // Of a program that is to start later, what would keep it from that is better told now.
  await runner(host, data.options);
  const endpoints = await host.sockets.open(context, data.endpoints);
  if (data.lazyStart) return socketsValue(data, endpoints);
  const { id, spec } = await prepare(host, context, data);
  signal.throwIfAborted();
  const child = context.spawn(id, spec);
  label(host, name, data, child);
  return await finishSystemd(host, context, data, child);
}

/**
 * What remains of a start once the child exists; a new daemon goes on from here.
 * @param elapsed seconds since the start began, where that was in another daemon's time
 */
export async function finishSystemd(
  host: Host,
  context: StartContext,
  { command, options }: SystemdData,
  child: Child,
  elapsed = 0,
): Promise<RunningValue> {
  await child.started;
  const main = await untilReady(host, context, { options, child, elapsed });
  return await executed(main, command, options);
}

/** Waits for the first connection, and starts the program then. */
export function attendSystemd(host: Host, context: RunningContext, data: SystemdData): Attendance {
  const { name } = context;
  const sockets = data.endpoints.map((endpoint) => socketName(name, endpoint));
  let isOver = false;
  const unwatch = (): void => {
    for (const socket of sockets) host.readables.unwatch(socket);
  };
  // The program's connections are its own. Should we die before it is there, the next daemon finds them waiting.
  const start = async (): Promise<void> => {
    unwatch();
    try {
      const { id, spec } = await prepare(host, context, data);
      if (!isOver)
        label(host, name, data, context.become(id, spec, shownCommand(data.command, data.options)));
    } catch (error) {
      if (!isOver) context.failed(errorText(error));
    }
  };
  const readable = (): void => {
    start().catch((error: unknown) => host.report(errorText(error)));
  };
  for (const socket of sockets) host.readables.watch(socket, readable);
  return {
    close: () => {
      isOver = true;
      unwatch();
    },
  };
}

async function prepare(
  host: Host,
  { name, attendant }: { readonly name: string; readonly attendant: Attendant | undefined },
  { command, endpoints, options }: SystemdData,
): Promise<{ readonly id: string; readonly spec: SpawnSpec }> {
  const identity = await runner(host, options);
  await openLog(host, name, command[0], options, identity);
  const provisions = (await attendant?.provide()) ?? noProvisions;
  const id = host.processes.nextId(name);
  const listen = [
    ...endpoints.map((endpoint) => ({ name: socketName(name, endpoint), as: endpoint.name })),
    ...provisions.listen,
  ];
  const own = withProvisions(options, provisions);
  return { id, spec: { ...spawnSpec(host, name, id, command, own, identity), ...provisions.spec, listen } };
}

function label(host: Host, name: string, { command }: SystemdData, child: Child): void {
  child.onPid = (pid) => host.logs.label(name, basename(command[0]), pid);
}
