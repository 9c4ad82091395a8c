// makeForkexecConstructor: runs a program, and with a pid file waits for the daemon that it leaves behind.

import { basename } from "node:path";
import { onTerminal } from "../console/console.js";
import { openConsole, startedOnConsole } from "../console/opening.js";
import { shownCommand } from "../definition/secrets.js";
import type { ForkexecData, ProcessReference } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { StandBy } from "../keeper/types.js";
import type { Child } from "../processes.js";
import { describeTermination } from "../processes.js";
import { noProvisions, withProvisions } from "../readiness/attendant.js";
import { outlivesStart } from "../readiness/options.js";
import { untilReady } from "../readiness/start.js";
import { type Host, type Identity, type LogOpening, type StartContext, StartFailure } from "./host.js";
import { endProcess } from "./kill.js";
import { removePidFile, waitForPidFile } from "./pid-file.js";
import { beginLog, runner, spawnSpec } from "./process-spec.js";

/** The manual's default. */
const defaultPidFileTimeout = 5;
/** How long a process gets to end by TERM when its start failed or was cancelled. */
const cancelGrace = 5;

const ownStreams = ([0, 1, 2] as const).map((own) => ({ target: own, source: { own } }));

export async function startForkexec(
  host: Host,
  context: StartContext,
  data: ForkexecData,
): Promise<ProcessReference> {
  const { command, options } = data;
  const identity = await runner(host, options);
  const log = data.ownStreams === true ? undefined : await beginLogOf(host, context, data, identity);
  if (options.pidFile !== undefined) await removePidFile(options.pidFile);
  if (context.attendant === undefined && outlivesStart(options))
    throw new StartFailure(
      "notify(), notifyAccess, watchdog, fileDescriptorStoreMax and health need the constructor to be the service's whole start",
    );
  const provisions = (await context.attendant?.provide()) ?? noProvisions;
  context.signal.throwIfAborted();
  const { terminal = false } = options;
  const path =
    terminal === false
      ? undefined
      : await openConsole(host, context.name, terminal, identity, context.signal);

  const id = host.processes.nextId(context.name);
  const { listen } = provisions;
  const spec = {
    ...spawnSpec(host, context.name, id, command, withProvisions(options, provisions), identity),
    ...provisions.spec,
    ...(listen.length === 0 ? {} : { listen }),
  };
  const streams = data.ownStreams === true ? { descriptors: ownStreams } : {};
  const child = context.spawn(id, {
    ...spec,
    ...streams,
    ...(path === undefined ? {} : onTerminal(path, spec.environment ?? [], options)),
  });
  // Whoever awaits it below is told.
  child.onPid = () => void log?.open(child.pid).catch(() => undefined);
  return await finishForkexec(host, context, data, child, { log });
}

/** Whether a start is nothing but a spawn, which can be prepared. */
export function isMereSpawn(host: Host, name: string, { options, ownStreams }: ForkexecData): boolean {
  const { pidFile, readiness = "exec", terminal = false, secretFiles } = options;
  return (
    ownStreams !== true &&
    pidFile === undefined &&
    readiness === "exec" &&
    terminal === false &&
    secretFiles === undefined &&
    !outlivesStart(options) &&
    // Of what is in it nobody knows but the kernel, nor of what it counts.
    host.cgroups.pathOf(name) === undefined
  );
}

/**
 * What stands by for a process of the service, to take its place; undefined where a start is more than a spawn.
 * @param id the next child's
 */
export async function successorOf(
  host: Host,
  name: string,
  data: ForkexecData,
  id: string,
): Promise<Omit<StandBy, "op" | "child" | "id"> | undefined> {
  if (!isMereSpawn(host, name, data)) return undefined;
  const { command, options } = data;
  const identity = await host.resolveIdentity(options);
  const order = host.logs.successionOf(name, basename(command[0]));
  return order === undefined
    ? undefined
    : { spec: spawnSpec(host, name, id, command, options, identity), ...order };
}

/** As `finishForkexec`, for a start of an earlier daemon: the log writer may not have heard of its stream. */
export async function resumeForkexec(
  host: Host,
  context: StartContext,
  data: ForkexecData,
  child: Child,
  elapsed: number,
): Promise<ProcessReference> {
  const log =
    data.ownStreams === true
      ? undefined
      : await beginLogOf(host, context, data, await runner(host, data.options), child.pid);
  return await finishForkexec(host, context, data, child, { log, elapsed });
}

function beginLogOf(
  host: Host,
  { name }: StartContext,
  { command, options }: ForkexecData,
  identity: Identity,
  pid?: number,
): Promise<LogOpening> {
  return beginLog(host, name, command[0], options, identity, pid);
}

/**
 * What remains of a start once the child exists.
 * @param log has the child's lines read
 * @param elapsed seconds since the start began, where that was in another daemon's time
 */
async function finishForkexec(
  host: Host,
  context: StartContext,
  { command, options }: ForkexecData,
  child: Child,
  { log, elapsed = 0 }: { readonly log: LogOpening | undefined; readonly elapsed?: number },
): Promise<ProcessReference> {
  await (options.terminal === undefined || options.terminal === false
    ? child.started
    : startedOnConsole(host, context.name, child));
  const program = basename(command[0]);
  const reference = (main: Child): ProcessReference => ({
    type: "process",
    id: main.id,
    pid: main.pid,
    start: main.start,
    command: shownCommand(command, options),
  });
  const { pidFile, readiness = "exec" } = options;
  try {
    await log?.open(child.pid);
    if (pidFile === undefined && readiness === "exec") return reference(child);
    const main =
      pidFile === undefined
        ? child
        : await waitForPidFile(host.processes, {
            file: pidFile,
            // Never more than all of it, however the clock was set meanwhile.
            timeout: Math.max(0, (options.pidFileTimeout ?? defaultPidFileTimeout) - Math.max(0, elapsed)),
            launcher: child,
            cgroup: host.cgroups.pathOf(context.name),
            signal: context.signal,
          });
    const ready = await untilReady(host, context, { options, child: main, elapsed });
    if (ready !== child) host.logs.label(context.name, program, ready.pid);
    return reference(ready);
  } catch (error) {
    if (child.end === undefined) {
      if (!context.signal.aborted) context.say(`${errorText(error)}; terminating process ${child.pid}.`);
    } else if (!context.signal.aborted) {
      context.say(`${errorText(error)}; ${program} ${describeTermination(child.end)}.`);
    }
    const gentle = { signal: 15, gracePeriod: cancelGrace };
    await endProcess(host, reference(child), gentle, () => undefined);
    throw new StartFailure(errorText(error));
  }
}
