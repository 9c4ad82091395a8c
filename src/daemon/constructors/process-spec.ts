// From a constructor's options to what the keeper is asked to spawn, and the log stream that goes with it.

import { basename } from "node:path";
import { resourceNumbers } from "../definition/limits.js";
import { shownCommand, type WithSecrets } from "../definition/secrets.js";
import type {
  LimitValue,
  ProcessOptions,
  ProcessReference,
  ResourceLimitValue,
} from "../definition/types.js";
import type { ResourceLimit, SpawnSpec } from "../keeper/types.js";
import type { Child } from "../processes.js";
import { type Host, type Identity, type LogOpening, markOf } from "./host.js";
import { checkSecretFiles } from "./secret-files.js";

/** Who a program runs as. Rejects where there is nobody of that name, or a file with a secret of its is open to others. */
export async function runner(host: Host, options: ProcessOptions): Promise<Identity> {
  const identity = await host.resolveIdentity(options);
  if (options.secretFiles !== undefined) await checkSecretFiles(options.secretFiles, identity);
  return identity;
}

/** `NAME=VALUE` strings of either form of the option. */
export function environmentStrings(
  variables: readonly string[] | Readonly<Record<string, string>>,
): readonly string[] {
  if (Array.isArray(variables)) return variables as readonly string[];
  return Object.entries(variables as Readonly<Record<string, string>>).map(
    ([name, value]) => `${name}=${value}`,
  );
}

/** A program that runs as somebody finds that user's home, not ours. */
function environmentOf(account: Identity["account"], inherited: readonly string[]): readonly string[] {
  if (account === undefined) return inherited;
  const { name, home } = account;
  return [
    ...inherited.filter((variable) => !/^(HOME|USER|LOGNAME)=/.test(variable)),
    `HOME=${home}`,
    `USER=${name}`,
    `LOGNAME=${name}`,
  ];
}

/** What is in `extra` takes the place of what has the same name. */
function extended(variables: readonly string[], extra: readonly string[]): readonly string[] {
  // The same list, which is written only once then.
  if (extra.length === 0) return variables;
  const nameOf = (variable: string): string => variable.split("=", 1)[0] ?? "";
  const names = new Set(extra.map(nameOf));
  return [...variables.filter((variable) => !names.has(nameOf(variable))), ...extra];
}

function limitOf([name, value]: readonly [string, ResourceLimitValue]): ResourceLimit {
  const resource = resourceNumbers[name];
  if (resource === undefined) throw new Error(`resource limit "${name}" is unknown`);
  const number = (limit: LimitValue): number | undefined => (limit === "unlimited" ? undefined : limit);
  return typeof value === "object"
    ? { resource, soft: number(value.soft), hard: number(value.hard) }
    : { resource, soft: number(value), hard: number(value) };
}

/** The name of a service's log pipe in the keeper. */
export function pipeName(service: string): string {
  return `output/${service}`;
}

/** What to spawn; output goes to the service's pipe. */
export function spawnSpec(
  host: Host,
  service: string,
  child: string,
  command: readonly [string, ...string[]],
  options: ProcessOptions,
  identity: Identity,
): SpawnSpec {
  const pipe = { name: pipeName(service) };
  const { account, ...ids } = identity;
  const cgroup = host.cgroups.pathOf(service);
  return {
    arguments: command,
    environment: extended(
      options.environmentVariables === undefined
        ? environmentOf(account, host.environment)
        : environmentStrings(options.environmentVariables),
      environmentStrings(options.extraEnvironmentVariables ?? []),
    ),
    directory: options.directory ?? host.directory,
    session: options.createSession === false ? "none" : "session",
    mark: markOf(host, child),
    descriptors: [
      { target: 1, source: pipe },
      { target: 2, source: pipe },
    ],
    ...ids,
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(options.fileCreationMask === undefined ? {} : { umask: options.fileCreationMask }),
    ...(options.resourceLimits === undefined
      ? {}
      : { limits: Object.entries(options.resourceLimits).map(limitOf) }),
  };
}

/** Makes the service's pipe, if it has none, and has the log writer read it. */
export async function openLog(...log: Parameters<typeof beginLog>): Promise<void> {
  const { open } = await beginLog(...log);
  await open(0);
}

/**
 * As `openLog`, but resolves as soon as the program may be executed, with what has its lines read.
 * @param pid of the process, where there is one already
 */
export async function beginLog(
  host: Host,
  service: string,
  program: string,
  options: ProcessOptions,
  identity: Identity,
  pid?: number,
): Promise<LogOpening> {
  const pipe = pipeName(service);
  const owner = {
    ...(identity.uid === undefined ? {} : { uid: identity.uid }),
    ...(identity.gid === undefined ? {} : { gid: identity.gid }),
  };
  // The pipe outlives the process; one that exists already is the right one (EEXIST is no failure).
  host.outbox
    .post({ op: "pipe", name: pipe, ...owner })
    .catch((error: unknown) => host.report(String(error)));
  return await host.logs.begin({
    name: service,
    pipe,
    program: basename(program),
    ...(pid === undefined ? {} : { pid }),
    ...(options.logFile === undefined ? {} : { file: { path: options.logFile, ...owner } }),
  });
}

/** Resolves with the running value once the program is executed; rejects with a SpawnError. */
export async function executed(
  child: Child,
  command: readonly string[],
  options: WithSecrets,
): Promise<ProcessReference> {
  await child.started;
  const { id, pid, start } = child;
  return { type: "process", id, pid, start, command: shownCommand(command, options) };
}
