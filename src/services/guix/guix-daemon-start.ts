// How guix-daemon is started: its command and environment, which actions change, and when it counts as started.

import { setTimeout as delay } from "node:timers/promises";
import type { RunningValue } from "../../daemon/definition/types.js";
import { errorText } from "../../daemon/error-text.js";
import { processStat } from "../../daemon/survivors.js";
import { fileAppend, filePath } from "../files/file-like.js";
import { gnuTar, gzip } from "../files/packages.js";
import { type CommandWord, makeForkexecConstructor } from "../shepherd/constructors.js";
import type { GuixConfiguration } from "./guix-daemon-record.js";
import type { StoreClient } from "./guix-store-client.js";

/** What actions have changed. They hold until they are changed again, or the configuration is loaded anew. */
export interface Overrides {
  /** `false`: that of the configuration, whatever the supervisor's environment says; undefined: as it was. */
  readonly proxy?: string | false | undefined;
  readonly discover?: boolean | undefined;
}

/** What is in force when it starts. */
export interface Settings {
  readonly proxy: string | undefined;
  readonly discover: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** As in Guix `http_proxy` and `discover` of the supervisor's own environment come before what the configuration says. */
export function settingsOf(
  { httpProxy, discover }: GuixConfiguration,
  overrides: Overrides,
  environment: Environment,
): Settings {
  const configured = httpProxy === false ? undefined : httpProxy;
  const inherited = environment.http_proxy || configured;
  return {
    proxy: overrides.proxy === undefined ? inherited : overrides.proxy || configured,
    discover: overrides.discover ?? (Boolean(environment.discover) || discover),
  };
}

/** The command, in the order of Guix. */
export function guixDaemonCommand(
  configuration: GuixConfiguration,
  { discover }: Settings,
): readonly CommandWord[] {
  const { guix, chroot, chrootDirectories, substituteUrls, useSubstitutes } = configuration;
  return [
    fileAppend(guix, "/bin/guix-daemon"),
    "--build-users-group",
    configuration.buildGroup,
    "--max-silent-time",
    String(configuration.maxSilentTime),
    "--timeout",
    String(configuration.timeout),
    "--log-compression",
    configuration.logCompression,
    ...(useSubstitutes ? [] : ["--no-substitutes"]),
    ...(chroot === false ? ["--disable-chroot"] : []),
    `--discover=${discover ? "yes" : "no"}`,
    "--substitute-urls",
    substituteUrls.join(" "),
    ...configuration.extraOptions,
    ...chrootDirectories.flatMap((directory) => ["--chroot-directory", filePath(directory)]),
  ];
}

/** The whole environment, `NAME=VALUE` each. */
export function guixDaemonEnvironment(
  { tmpdir, environment }: GuixConfiguration,
  { proxy }: Settings,
): readonly string[] {
  // It runs tar and gzip by name.
  const path = [...new Set([gnuTar, gzip].map(({ prefix }) => `${prefix}/bin`))].join(":");
  return [
    ...(tmpdir === false ? [] : [`TMPDIR=${tmpdir}`]),
    "LC_ALL=en_US.utf8",
    `PATH=${path}`,
    ...(proxy === undefined ? [] : [`http_proxy=${proxy}`, `https_proxy=${proxy}`]),
    ...environment,
  ];
}

/**
 * Starts guix-daemon, and resolves once it answers.
 *
 * @param pid a process in whose namespaces, but that of processes, it is to run: `herd start guix-daemon PID`
 * @throws where `pid` is none, and where it ends, or does not answer in time
 */
export async function startGuixDaemon(
  configuration: GuixConfiguration,
  settings: Settings,
  store: Pick<StoreClient, "reach">,
  pid?: string,
): Promise<RunningValue> {
  const command = guixDaemonCommand(configuration, settings);
  const start = makeForkexecConstructor(pid === undefined ? command : [...joining(pid), ...command], {
    environmentVariables: guixDaemonEnvironment(configuration, settings),
    logFile: configuration.logFile,
  });
  const value = (await start()) ?? true;
  await untilReached(configuration.socket, value, store);
  return value;
}

/** nsenter executes the program in its own place, so that the process stays the same. */
function joining(pid: string): readonly string[] {
  if (!/^[1-9]\d{0,9}$/.test(pid))
    throw new Error(`expected the number of a process whose namespaces guix-daemon is to join, got "${pid}"`);
  return ["nsenter", `--target=${pid}`, "--mount", "--ipc", "--uts", "--net", "--"];
}

/** As for the readiness of other services. */
const patience = 90_000;
/** Between two attempts, in milliseconds. */
const interval = 100;

async function untilReached(
  socket: string,
  value: RunningValue,
  store: Pick<StoreClient, "reach">,
): Promise<void> {
  const deadline = performance.now() + patience;
  for (;;) {
    const trouble = await store.reach(socket).then(
      () => undefined,
      (error: unknown) => errorText(error),
    );
    if (trouble === undefined) return;
    // Also where the start is given up: the process is ended then, and nobody waits for this any more.
    if (!(await isAlive(value))) throw new Error(`guix-daemon has ended without answering at ${socket}`);
    if (performance.now() > deadline)
      throw new Error(
        `guix-daemon does not answer at ${socket} (tried for ${patience / 1000} s): ${trouble}`,
      );
    await delay(interval);
  }
}

async function isAlive(value: RunningValue): Promise<boolean> {
  if (typeof value !== "object" || value === null || !("pid" in value && "start" in value)) return false;
  const { pid, start } = value;
  if (typeof pid !== "number") return false;
  return (await processStat(pid))?.start === start;
}
