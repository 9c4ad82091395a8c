// systemctl: the verbs, and which of them need a daemon.

import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { Output } from "../../src/herd/output.js";
import { defaultSocketPath } from "../../src/protocol/socket-path.js";
import { version } from "../../src/protocol/version.js";
import { PlaceError } from "../../src/services/activation/directory.js";
import { type Context, Failure, statuses } from "./context.js";
import { Daemon, NoDaemonError } from "./daemon.js";
import {
  disable,
  enable,
  getDefault,
  mask,
  preset,
  presetAll,
  reenable,
  setDefault,
  unmask,
} from "./enabling.js";
import { InstallError } from "./install.js";
import { jobs, runJob } from "./jobs.js";
import { killUnits } from "./kill.js";
import { listUnitFiles, listUnits } from "./lists.js";
import { type Options, parseLine, UsageError } from "./options.js";
import { daemonReexec, daemonReload, endSystem, powerVerbs } from "./power.js";
import { show } from "./properties.js";
import { isActive, isEnabled, isFailed, isSystemRunning } from "./queries.js";
import { cat, status } from "./status.js";
import { UnitFiles } from "./unit-files.js";

/** What a run depends on. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  readonly errors: Output;
}

interface Verb {
  readonly run: (context: Context) => Promise<number>;
  /** `never`: it is about files alone; `maybe`: it says less without a daemon. */
  readonly daemon: "needed" | "maybe" | "never";
}

const needed = (run: Verb["run"]): Verb => ({ run, daemon: "needed" });
const maybe = (run: Verb["run"]): Verb => ({ run, daemon: "maybe" });
const never = (run: Verb["run"]): Verb => ({ run, daemon: "never" });

const verbs: Readonly<Record<string, Verb>> = {
  ...Object.fromEntries(
    Object.entries(jobs).map(([verb, job]) => [verb, needed((context) => runJob(context, job))]),
  ),
  ...Object.fromEntries(powerVerbs.map((verb) => [verb, needed(endSystem)])),
  "is-active": needed(isActive),
  "is-failed": needed(isFailed),
  "is-enabled": never(isEnabled),
  "is-system-running": maybe(isSystemRunning),
  enable: never(enable),
  disable: never(disable),
  reenable: never(reenable),
  preset: never(preset),
  "preset-all": never(presetAll),
  mask: never(mask),
  unmask: never(unmask),
  "get-default": never(getDefault),
  "set-default": never(setDefault),
  "daemon-reload": needed(daemonReload),
  "daemon-reexec": needed(daemonReexec),
  status: maybe(status),
  show: maybe(show),
  cat: maybe(cat),
  kill: needed(killUnits),
  "list-units": needed(listUnits),
  "list-unit-files": never(listUnitFiles),
};

/** The version of systemd whose commands these are: scripts compare it. */
const versionText = `systemd 252 (shepherd-ts ${version})\n`;

const helpText = `systemctl [OPTIONS...] COMMAND [UNIT...]

Manage the units of this system, which shepherd runs.

Commands: ${Object.keys(verbs).sort().join(", ")}
Options: --system --user --global --root=DIRECTORY --runtime --now --no-block --no-reload --force
  -q --quiet -a --all -l --full --no-legend --no-pager --plain -t --type= --state= -p --property= -P --value
  -s --signal= --kill-whom= --preset-mode= -n --lines= -h --help --version
`;

/** @returns the exit status */
export async function systemctl(surroundings: Surroundings): Promise<number> {
  const { errors } = surroundings;
  const complain = (text: string): void => errors.write(`${text}\n`);
  try {
    return await run(surroundings);
  } catch (error) {
    if (error instanceof NoDaemonError) complain(`Failed to connect to shepherd: ${error.message}`);
    else if (
      error instanceof UsageError ||
      error instanceof InstallError ||
      error instanceof PlaceError ||
      error instanceof Failure
    )
      complain(error.message);
    else throw error;
    return error instanceof Failure ? error.status : statuses.failed;
  }
}

async function run(surroundings: Surroundings): Promise<number> {
  const { args, output, errors } = surroundings;
  const line = parseLine(args);
  if (line.kind !== "run") {
    output.write(line.kind === "version" ? versionText : helpText);
    return statuses.ok;
  }
  const { verb: name, words, options } = line;
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) throw new UsageError(`Unknown command verb ${name}.`);
  if (verb.daemon === "needed") {
    if (options.root !== undefined) throw new UsageError(`Verb '${name}' cannot be used with --root=.`);
    if (options.scope === "global") throw new UsageError(`Verb '${name}' cannot be used with --global.`);
    if (await isInChroot()) {
      if (!options.quiet) errors.write(`Running in chroot, ignoring command '${name}'\n`);
      return statuses.ok;
    }
  }
  return await verb.run(contextOf(name, words, options, surroundings));
}

function contextOf(
  verb: string,
  words: readonly string[],
  options: Options,
  { environment, output, errors }: Surroundings,
): Context {
  const socket = socketFor(options, environment);
  let units: Promise<UnitFiles> | undefined;
  return {
    verb,
    words,
    options,
    output,
    errors,
    daemon: new Daemon(socket),
    units: () => {
      // What has been changed is looked at anew.
      if (units === undefined || verb === "reenable" || verb.startsWith("preset"))
        units = UnitFiles.open(options.root ?? "/", options.scope, environment);
      return units;
    },
  };
}

/** A user who asks for the system means root's supervisor, and root who asks for a user's means a user's of its own. */
function socketFor(
  { scope, root }: Options,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (root !== undefined) return "";
  if (scope !== "user") return defaultSocketPath(environment, 0);
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return defaultSocketPath(environment, uid);
  return join(environment.XDG_RUNTIME_DIR ?? "/run/user/0", "shepherd/socket");
}

/** Whether our root is another one than that of PID 1: packages are being installed into a system that does not run. */
async function isInChroot(): Promise<boolean> {
  try {
    const [ours, theirs] = await Promise.all([lstat("/"), lstat("/proc/1/root/")]);
    return ours.ino !== theirs.ino || ours.dev !== theirs.dev;
  } catch {
    return false;
  }
}
