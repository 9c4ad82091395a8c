// A socket unit that starts, runs and stops: its sockets are open as long as it runs, whatever becomes of its service.

import { access, mkdir, readlink, symlink, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { SocketSettings } from "../../../systemd-compat/directives.js";
import {
  type Attendance,
  type Host,
  type RunningContext,
  type StartContext,
  StartFailure,
} from "../constructors/host.js";
import type { SocketsValue } from "../constructors/sockets.js";
import type { Json, RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { attendAccepting } from "./accepting.js";
import { admit } from "./admission.js";
import { decode } from "./encoded.js";
import { attendListening } from "./listening.js";
import { runSocketCommands, tidySocket } from "./socket-commands.js";
import { endpointsOf, listenerNames, listenersOf, type SocketFacts } from "./socket-listeners.js";
import { triggeredService } from "./triggered.js";
import type { UnitSocketData } from "./types.js";

/** As `socketsValue` has it. */
export type UnitSocketValue = SocketsValue & {
  /** With Accept=yes: how many connections there were. */
  readonly accepted?: number;
};

/** Begins a start, or goes on with one of an earlier daemon: what is open is left open. */
export async function startUnitSocket(
  host: Host,
  context: StartContext,
  data: UnitSocketData,
): Promise<RunningValue> {
  const { name, signal } = context;
  const settings = decode(data.socket);
  await admit(host, data);
  checkService(host, name, data);
  const facts = await factsOf(host, settings);
  try {
    await runSocketCommands(context, data, "start-pre");
    signal.throwIfAborted();
    await host.sockets.hold(context, listenersOf(name, data, facts));
    await makeSymlinks(settings, context.say);
    await runSocketCommands(context, data, "start-post");
  } catch (error) {
    await tidySocket(host, context, data, false);
    throw error;
  }
  const { Accept = false } = settings;
  const value: UnitSocketValue = {
    type: Accept ? "inetd-service" : "systemd-service",
    endpoints: endpointsOf(data, facts),
    ...(Accept ? { accepted: 0 } : {}),
  };
  return value as UnitSocketValue & Json;
}

export function attendUnitSocket(host: Host, context: RunningContext, data: UnitSocketData): Attendance {
  const { Accept = false } = decode(data.socket);
  return Accept ? attendAccepting(host, context, data) : attendListening(host, context, data);
}

/**
 * What a stop does, again where an earlier daemon has begun it. Sockets stay open for a start that is to follow. A command
 * that fails is told, and keeps nothing from being stopped.
 */
export async function stopUnitSocket(host: Host, context: StartContext, data: UnitSocketData): Promise<void> {
  const { name, say } = context;
  const restarting = host.states.of(name)?.state.wanted !== undefined;
  const tell = (error: unknown): void => say(`Service ${name}: ${errorText(error)}`);
  await runSocketCommands(context, data, "stop").catch(tell);
  if (!restarting) await closeSockets(host, name, decode(data.socket));
  await runSocketCommands(context, data, "stop-post").catch(tell);
  await tidySocket(host, context, data, restarting);
}

async function closeSockets(host: Host, name: string, settings: SocketSettings): Promise<void> {
  const { RemoveOnStop = false, Symlinks = [] } = settings;
  host.sockets.close(name);
  await host.sockets.closing(name);
  if (RemoveOnStop) for (const link of Symlinks) await removeLink(link, targetOf(settings));
}

/** A service that runs already has no use for sockets that it did not get at its start. */
function checkService(host: Host, name: string, data: UnitSocketData): void {
  const { Accept = false } = decode(data.socket);
  if (Accept || listenerNames(name, data).some((socket) => host.sockets.has(name, socket))) return;
  const service = triggeredService(host, data.service);
  if (host.states.of(service)?.state.status === "running")
    throw new StartFailure(`service ${service} runs already, without this socket: stop it first`);
}

async function factsOf(host: Host, settings: SocketSettings): Promise<SocketFacts> {
  const { SocketUser: user, SocketGroup: group } = settings;
  const { uid, gid } =
    user === undefined && group === undefined
      ? {}
      : await host.resolveIdentity({
          ...(user === undefined ? {} : { user }),
          ...(group === undefined ? {} : { group }),
        });
  const hasIpv6 = await access("/proc/net/if_inet6").then(
    () => true,
    () => false,
  );
  return {
    hasIpv6,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

/** The one file that there is to link to: systemd allows no links where there are several. */
function targetOf({ Listen = [] }: SocketSettings): string | undefined {
  const files = Listen.flatMap((listening) => {
    if (listening.kind === "fifo") return [listening.path];
    return "address" in listening && listening.address.family === "unix" ? [listening.address.path] : [];
  });
  return files.length === 1 ? files[0] : undefined;
}

/** A link that cannot be made keeps nobody from listening. */
async function makeSymlinks(settings: SocketSettings, say: (line: string) => void): Promise<void> {
  const { Symlinks = [], RemoveOnStop = false, DirectoryMode = 0o755 } = settings;
  const target = targetOf(settings);
  if (target === undefined) return;
  for (const link of Symlinks) {
    try {
      await mkdir(dirname(link), { recursive: true, mode: DirectoryMode });
      await makeLink(link, target, RemoveOnStop);
    } catch (error) {
      say(`Link ${link} to ${target} cannot be made: ${errorText(error)}`);
    }
  }
}

async function makeLink(link: string, target: string, replace: boolean): Promise<void> {
  try {
    await symlink(target, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const found = await readlink(link).catch(() => undefined);
    if (found === target) return;
    if (!replace || found === undefined) throw error;
    await unlink(link);
    await symlink(target, link);
  }
}

async function removeLink(link: string, target: string | undefined): Promise<void> {
  // What has become something else meanwhile is not ours to remove.
  if ((await readlink(link).catch(() => undefined)) === target) await unlink(link).catch(() => undefined);
}
