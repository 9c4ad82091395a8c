// The system log: its sockets and the kernel's log are the keeper's, and the log writer reads them; the daemon only says so.

import { constants as fileConstants } from "node:fs";
import { readlink, stat } from "node:fs/promises";
import { constants } from "node:os";
import { consoleFile } from "../definition/system-log.js";
import type { Endpoint, Json, RunningValue, SystemLogData } from "../definition/types.js";
import { describeErrno } from "../keeper/errno.js";
import type { Name } from "../keeper/types.js";
import type { SystemLogSetup } from "../logs/system-log.js";
import { type Host, type StartContext, StartFailure } from "./host.js";
import { socketName } from "./sockets.js";

const kernelLogFile = "/proc/kmsg";
/** The keeper's name of it: there is one system log. */
const kernelLog: Name = "system-log/kernel";
/** The numbers that the kernel gives to the namespaces that are there from the beginning. */
const initialNamespaces = { pid: "pid:[4026531836]", user: "user:[4026531837]" } as const;

/** The running value of the system log; what it is on the wire is the control socket's business. */
export interface SystemLogValue {
  readonly type: "system-log";
  readonly endpoints: readonly Endpoint[];
  /** Null where it is not read. */
  readonly kernelLogFile: string | null;
}

export function isSystemLogValue(value: RunningValue | undefined): value is SystemLogValue & Json {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "system-log" &&
    "endpoints" in value &&
    "kernelLogFile" in value
  );
}

/** Whatever of this an interrupted start had done is done again, to the same effect. */
export async function startSystemLog(
  host: Host,
  context: StartContext,
  data: SystemLogData,
): Promise<RunningValue> {
  const { name, signal } = context;
  const other = host.logs.systemLogOf();
  if (other !== undefined && other !== name)
    throw new StartFailure(`service ${other} is the system log already; stop it first`);
  const endpoints = await host.sockets.open(context, data.endpoints);
  const kernel = await openKernelLog(host, data.kernelLogFile);
  if (kernel.trouble !== undefined) context.say(`${kernel.trouble}; the system log goes on without it.`);
  signal.throwIfAborted();
  const setup: SystemLogSetup = {
    service: name,
    sockets: data.endpoints.map((endpoint) => socketName(name, endpoint)),
    ...(kernel.path === undefined ? {} : { kernelLog }),
    ...((await hasConsole()) ? destinationsOf(data) : withoutConsole(data)),
    ...(kernel.trouble === undefined ? {} : { trouble: kernel.trouble }),
  };
  await host.logs.openSystemLog(setup);
  const value: SystemLogValue = { type: "system-log", endpoints, kernelLogFile: kernel.path ?? null };
  return value as SystemLogValue & Json;
}

type Destinations = Pick<SystemLogSetup, "files" | "routes">;

const destinationsOf = ({ files, routes }: SystemLogData): Destinations => ({ files, routes });

/** Containers have none, or something else under that name, and a file there is not what anybody wants. */
async function hasConsole(): Promise<boolean> {
  try {
    return (await stat(consoleFile)).isCharacterDevice();
  } catch {
    return false;
  }
}

/** What is for the console is in the recent messages, as everything is. */
export function withoutConsole({ files, routes }: SystemLogData): Destinations {
  const rest = files.filter((file) => file !== consoleFile);
  const rules = routes.rules.map(({ file, ...rule }) => {
    const index = file === undefined ? -1 : rest.indexOf(files[file] ?? "");
    return index < 0 ? rule : { ...rule, file: index };
  });
  return { files: rest, routes: { ...routes, rules } };
}

/** What is read, and why nothing is where something should be. */
interface KernelLog {
  readonly path?: string;
  readonly trouble?: string;
}

async function openKernelLog(host: Host, chosen: string | false | undefined): Promise<KernelLog> {
  const path = chosen ?? ((await isOfTheMachine()) ? kernelLogFile : false);
  if (path === false) return {};
  const [, opened] = await host.outbox.post(
    { op: "close", name: kernelLog },
    { op: "open", name: kernelLog, path, flags: fileConstants.O_RDONLY | fileConstants.O_NONBLOCK },
  );
  const errno = opened?.errno ?? constants.errno.EIO;
  return errno === 0 ? { path } : { trouble: `read kernel log ${path}: ${describeErrno(errno)}` };
}

/** A container's root could read it too, where it is permitted to, and the machine's own logger would miss what it takes. */
async function isOfTheMachine(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  try {
    const [pid, user] = await Promise.all([readlink("/proc/self/ns/pid"), readlink("/proc/self/ns/user")]);
    return pid === initialNamespaces.pid && user === initialNamespaces.user;
  } catch {
    return false;
  }
}
