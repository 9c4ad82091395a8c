// From one command of a unit to what the keeper is asked to spawn.

import { access, constants, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Command, Privileges } from "../../../../systemd-compat/parser/command-line.js";
import { expandArguments } from "../../../../systemd-compat/parser/variables.js";
import { type Host, markOf } from "../../constructors/host.js";
import { pipeName } from "../../constructors/process-spec.js";
import type { SpawnSpec } from "../../keeper/types.js";
import { defaultUmask } from "./defaults.js";
import {
  baseVariables,
  composeEnvironment,
  defaultPath,
  environmentStrings,
  identityVariables,
  readEnvironmentFiles,
  type Variables,
  variablesOf,
  withoutUnset,
} from "./environment.js";
import { failure, preparing } from "./failure.js";
import { inputFile } from "./prepare.js";
import { needsTerminal, type Streams, streamsOf, terminalPath, terminalType } from "./streams.js";
import type { CommandRequest, CommandSpec, Phase, Preparation } from "./types.js";

/** Bytes of a program's arguments and variables together: what the keeper is told has a bound, too. */
const mostBytes = 262_144;

const SIGPIPE = 13;
const kernelLog = "/dev/kmsg";

/**
 * What to spawn for a command, as `context.spawn(request.id, spec, step)` takes it. Files of variables are read now: a
 * command that ran before may have written them.
 *
 * @throws StartFailure that names the unit's file, the directive and the reason
 */
export async function commandSpec(
  host: Host,
  preparation: Preparation,
  request: CommandRequest,
): Promise<CommandSpec> {
  const { settings, service, scheduling } = preparation;
  const { command, phase, id } = request;
  const privileges = privilegesOf(settings, command, phase);
  const variables = await environmentOf(preparation, request);
  const argv = argumentsOf(preparation, command, variables);
  const streams = streamsFor(preparation, request, await canWrite(kernelLog));
  const confinement = confinementOf(preparation, privileges, phase);
  const root = confinement.rootDirectory;
  const listeners = listenersOf(settings, request);
  const environment = withoutUnset(
    new Map([...variables, ...listeners.variables]),
    settings.UnsetEnvironment,
  );
  const cgroup = host.cgroups.pathOf(service);
  const strings = environmentStrings(environment);
  checkSize(preparation, command, argv, strings);
  const spec: SpawnSpec = {
    umask: settings.UMask ?? defaultUmask,
    ...(settings.IgnoreSIGPIPE === false ? {} : { ignoredSignals: [SIGPIPE] }),
    ...scheduling,
    ...confinement,
    ...idsOf(preparation, privileges),
    program: await programOf(command.path, settings, root),
    arguments: argv,
    environment: strings,
    directory: await directoryOf(preparation, root),
    session: "session",
    mark: markOf(host, id),
    pidVariable: "SYSTEMD_EXEC_PID",
    descriptors: [...streams.descriptors, ...listeners.descriptors],
    ...(streams.terminal === undefined ? {} : { terminal: streams.terminal }),
    ...listeners.spec,
    ...(cgroup === undefined ? {} : { cgroup }),
  };
  return {
    spec,
    argv,
    step: streams.step,
    label: settings.SyslogIdentifier ?? basename(command.path),
  };
}

/** With PermissionsStartOnly= everything but the start itself has all rights. */
export function privilegesOf(
  { PermissionsStartOnly: only }: ServiceSettings,
  { privileges }: Pick<Command, "privileges">,
  phase: Phase,
): Exclude<Privileges, "ambient"> {
  if (only === true && phase !== "start") return "full";
  // Every kernel that we run on has ambient capabilities.
  return privileges === "ambient" ? "unit" : privileges;
}

function idsOf({ identity }: Preparation, privileges: Privileges): Partial<SpawnSpec> {
  if (privileges !== "unit") return {};
  const { uid, gid, groups } = identity;
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(groups === undefined ? {} : { groups }),
  };
}

/** Another root directory is no confinement, but where a unit's files are: it holds for all rights, too. */
function confinementOf(
  { confinement, settings }: Preparation,
  privileges: Privileges,
  phase: Phase,
): Partial<SpawnSpec> {
  const { rootDirectory, ...rest } = confinement;
  const isElsewhere =
    rootDirectory !== undefined && !(settings.RootDirectoryStartOnly === true && phase !== "start");
  const root = isElsewhere ? { rootDirectory } : {};
  return privileges === "full" ? root : { ...rest, ...root };
}

async function environmentOf(
  preparation: Preparation,
  { variables = {}, attendantEnvironment = [] }: CommandRequest,
): Promise<Variables> {
  const { data, settings, identity, inherited, credentials } = preparation;
  const isSystem = (process.geteuid?.() ?? 0) === 0;
  const path = terminalPath(settings);
  const own = new Map([
    ...identityVariables(identity),
    ["INVOCATION_ID", preparation.invocation] as const,
    ...Object.entries(preparation.directories),
    ...(credentials === undefined ? [] : [["CREDENTIALS_DIRECTORY", credentials] as const]),
    ...(settings.PIDFile === undefined ? [] : [["PIDFILE", settings.PIDFile] as const]),
    ...(needsTerminal(settings) ? [["TERM", terminalType(path, inherited.get("TERM"))] as const] : []),
    ...Object.entries(variables),
    ...variablesOf(attendantEnvironment),
  ]);
  const files = await preparing(
    data,
    "EnvironmentFile=",
    readEnvironmentFiles(settings.EnvironmentFile ?? [], (line) => preparation.warn(line)),
  );
  return composeEnvironment(settings, {
    base: baseVariables(inherited, preparation.locale, isSystem),
    inherited,
    own,
    files,
  });
}

function argumentsOf(
  { data }: Preparation,
  { argv, expandVariables, path }: Command,
  variables: Variables,
): readonly [string, ...string[]] {
  const [own, ...rest] = argv;
  if (!expandVariables) return argv;
  // The name that the program is told is no argument, and stays where it would vanish.
  const [name = own, ...more] = expandArguments([own], variables);
  const words = [name, ...more, ...expandArguments(rest, variables)] as const;
  if (words.some((word) => word.includes("\0"))) throw failure(data, `${path}: an argument has a NUL byte`);
  return words;
}

/** @throws StartFailure where no program could be told so much */
function checkSize({ data }: Preparation, { path }: Command, ...lists: readonly (readonly string[])[]): void {
  const bytes = lists.flat().reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (bytes > mostBytes)
    throw failure(
      data,
      `${path}: its arguments and variables have ${bytes} bytes; at most ${mostBytes} can be given`,
    );
}

function streamsFor(preparation: Preparation, request: CommandRequest, hasKernelLog: boolean): Streams {
  const { data, settings, places, service } = preparation;
  try {
    return streamsOf(settings, {
      ...request,
      log: pipeName(service),
      inputFile: inputFile(places, service),
      kernelLog: hasKernelLog,
    });
  } catch (error) {
    throw failure(data, error instanceof Error ? error.message : String(error));
  }
}

/** Descriptors from here on are the unit's. */
const firstListener = 3;

interface Listeners {
  readonly spec: Pick<SpawnSpec, "listen" | "pidVariable">;
  readonly descriptors: NonNullable<SpawnSpec["descriptors"]>;
  readonly variables: Variables;
}

/** The unit's sockets: made blocking by the helper, unless NonBlocking= says to leave them as the keeper has them. */
function listenersOf(settings: ServiceSettings, { listen = [] }: CommandRequest): Listeners {
  if (listen.length === 0) return { spec: {}, descriptors: [], variables: new Map() };
  if (settings.NonBlocking !== true) return { spec: { listen }, descriptors: [], variables: new Map() };
  return {
    spec: { pidVariable: "LISTEN_PID" },
    descriptors: listen.map(({ name }, index) => ({ target: firstListener + index, source: { name } })),
    variables: new Map([
      ["LISTEN_FDS", String(listen.length)],
      ["LISTEN_FDNAMES", listen.map(({ as }) => as).join(":")],
    ]),
  };
}

/** A program without a directory is looked for, as the unit sees the file system; the kernel tells of one that is nowhere. */
async function programOf(path: string, settings: ServiceSettings, root: string | undefined): Promise<string> {
  if (isAbsolute(path)) return path;
  const { ExecSearchPath: own } = settings;
  const directories = own === undefined || own.length === 0 ? defaultPath.split(":") : own;
  for (const directory of directories) {
    const file = join(directory, path);
    if (await isProgram(join(root ?? "/", file))) return file;
  }
  return join(directories[0] ?? "/usr/bin", path);
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function canWrite(file: string): Promise<boolean> {
  return await access(file, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Where the process starts; `/` instead of one that need not be there and is not. */
async function directoryOf(
  { settings, identity, inherited }: Preparation,
  root: string | undefined,
): Promise<string> {
  const isSystem = (process.geteuid?.() ?? 0) === 0;
  const home = identity.home ?? inherited.get("HOME") ?? "/";
  const { WorkingDirectory: wanted } = settings;
  if (wanted === undefined) return isSystem ? "/" : home;
  const path = wanted.path === "~" ? (identity.home ?? (isSystem ? "/root" : home)) : wanted.path;
  if (!wanted.optional) return path;
  const isThere = await stat(join(root ?? "/", path)).then(
    (status) => status.isDirectory(),
    () => false,
  );
  return isThere ? path : "/";
}
