// makeInetdConstructor: for each connection a program, as a service of its own.

import { setTimeout as delay } from "node:timers/promises";
import { carrying } from "../definition/as-data.js";
import { usualStop } from "../definition/constructors.js";
import type {
  ConnectionData,
  InetdData,
  ProcessReference,
  RunningValue,
  ServiceDefinition,
} from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { Name, Request } from "../keeper/types.js";
import type { Attendance, Host, RunningContext, StartContext } from "./host.js";
import { executed, runner, spawnSpec } from "./process-spec.js";
import { socketName, socketsValue } from "./sockets.js";

/** How long, in ms, connections wait where one could not be served: the next one would fare no better at once. */
const pause = 1000;

export async function startInetd(host: Host, context: StartContext, data: InetdData): Promise<RunningValue> {
  // Better told now than at the first connection.
  await runner(host, data.options);
  const endpoints = await host.sockets.open(context, data.endpoints);
  return socketsValue(data, endpoints);
}

/** Serves connections until it is closed; those that are being served then are not its business. */
export function attendInetd(host: Host, context: RunningContext, data: InetdData): Attendance {
  const { name } = context;
  const { readables, offspring } = host;
  const sockets = data.endpoints.map((endpoint) => socketName(name, endpoint));
  const over = new AbortController();
  let last = 0;

  /** None that was given before, or by an earlier daemon to a connection that is still there. */
  const nextName = (): string => {
    do last += 1;
    while (offspring.has(`${data.stem}-${last}`));
    return `${data.stem}-${last}`;
  };
  const serve = async (socket: Name): Promise<boolean> => {
    const { requirements, maxConnections } = data;
    if (!offspring.areRunning(requirements)) {
      // That can take its time, and an event that nobody acknowledges is taken for a daemon that hangs.
      readables.unwatch(socket);
      if (!(await offspring.startAll(requirements))) return await refuse(host, name, socket);
    }
    if (offspring.count(name) < maxConnections)
      return await offspring.start(connectionService(nextName(), name, socket, data));
    host.report(`service ${name} serves ${maxConnections} connections already: one more is closed`);
    return await refuse(host, name, socket);
  };
  const attend = async (socket: Name): Promise<void> => {
    const served = await serve(socket).catch((error: unknown) => {
      host.report(`service ${name}: ${errorText(error)}`);
      return false;
    });
    if (over.signal.aborted) return;
    if (!served) {
      readables.unwatch(socket);
      await delay(pause, undefined, { signal: over.signal });
    }
    watch(socket);
  };
  const handlers = new Map(
    sockets.map((socket) => {
      const handler = (): void => {
        // It rejects where the service stopped while a connection had to wait.
        attend(socket).catch(() => undefined);
      };
      return [socket, handler];
    }),
  );
  const watch = (socket: Name): void => {
    const handler = handlers.get(socket);
    if (handler !== undefined && !over.signal.aborted) readables.watch(socket, handler);
  };
  for (const socket of sockets) watch(socket);
  return {
    close: () => {
      over.abort();
      for (const socket of sockets) readables.unwatch(socket);
    },
  };
}

/** Accepts a connection and closes it; resolves with whether there was one. */
async function refuse(host: Host, service: string, socket: Name): Promise<boolean> {
  const connection = connectionName(service);
  const [accepted] = await host.outbox.post(
    { op: "accept", name: socket, connection },
    { op: "close", name: connection },
    ...host.readables.acknowledgement(socket),
  );
  return accepted?.errno === 0;
}

/** What the keeper calls a connection, between its acceptance and its closing in the same step. */
function connectionName(service: string): Name {
  return `connection/${service}`;
}

/** All of it data: the next daemon reads it where the keeper keeps it. */
function connectionService(
  name: string,
  of: string,
  socket: Name,
  { command, options, requirements }: InetdData,
): ServiceDefinition {
  const data: ConnectionData = { kind: "connection", of, socket, command, options };
  return {
    provision: [name],
    requirement: requirements,
    oneShot: false,
    transient: true,
    respawn: false,
    respawnLimit: false,
    respawnDelay: 0,
    start: carrying(data),
    stop: usualStop,
    retryable: false,
    actions: [],
    autoStart: false,
    singleStart: true,
    documentation: `One connection of service ${of}.`,
  };
}

/**
 * Accepts the connection and spawns the program, in one step with the note that tells of it: a daemon that dies before has
 * not touched the connection, and one that dies afterwards leaves it served.
 */
export async function startConnection(
  host: Host,
  context: StartContext,
  { socket, command, options }: ConnectionData,
): Promise<ProcessReference> {
  const { name } = context;
  const identity = await runner(host, options);
  context.signal.throwIfAborted();
  const id = host.processes.nextId(name);
  const connection = connectionName(name);
  const descriptors = [0, 1, 2].map((target) => ({ target, source: { name: connection } }));
  const accept: Request = { op: "accept", name: socket, connection };
  const unwatch = host.readables.withdrawal(socket);
  const child = context.spawn(
    id,
    {
      ...spawnSpec(host, name, id, command, options, identity),
      descriptors,
      socketEnvironment: connection,
    },
    {
      before: [accept],
      after: [{ op: "close", name: connection }, ...host.readables.acknowledgement(socket)],
    },
  );
  child.answered
    .then(() => {
      // At once: it is readable still, and would be served in vain as fast as the keeper can refuse.
      if (child.pid === 0) unwatch();
    })
    .catch((error: unknown) => host.report(errorText(error)));
  return await executed(child, command, options);
}
