// The daemon's entry. It always runs under the keeper, which starts it anew whenever it ends unasked; so what must not
// be tried again, such as a bad command line, ends the keeper too.

import { rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UsageError } from "../cli/gnu-options.js";
import { defaultSocketPath } from "../protocol/socket-path.js";
import { version } from "../protocol/version.js";
import { findConfiguration } from "./configuration/defaults.js";
import { baseDirectory, stateDirectory } from "./configuration/directories.js";
import {
  ControlSocketError,
  checkSocketDirectory,
  controlDescriptor,
  launcherDescriptor,
} from "./control/socket.js";
import { Daemon } from "./daemon.js";
import { errorStack, errorText } from "./error-text.js";
import { hasSlept } from "./hibernation/note.js";
import { connectKeeper } from "./keeper/client.js";
import type { Keeper, Parting } from "./keeper/types.js";
import { holdLater } from "./later.js";
import { DaemonLog, type LogFormat } from "./log.js";
import { NewerNotesError } from "./notes-format.js";
import { type DaemonOptions, parseOptions } from "./options.js";
import { Outbox } from "./outbox.js";
import { nativePrograms } from "./programs.js";
import { answerPredecessor } from "./successor.js";

/** How long, in ms, lines of the log may wait for services to start: pino takes longer to load than one of them. */
const logPatience = 200;
/** Exit status without a keeper: nothing can be done then. */
const keeperLost = 111;

async function main(): Promise<void> {
  // Node would open its inspector on this signal.
  process.on("SIGUSR1", () => undefined);
  const canSucceed = answerPredecessor(process.argv.slice(2));
  if (canSucceed !== undefined) {
    process.exitCode = canSucceed ? 0 : 1;
    return;
  }
  const channel = Number(process.env.SHEPHERD_KEEPER_FD ?? Number.NaN);
  const underKeeper = Number.isInteger(channel);
  const parsed = await parseOptions(process.argv.slice(2)).catch((error: unknown) => {
    if (error instanceof UsageError) return error;
    throw error;
  });
  if (!underKeeper) {
    if (!(parsed instanceof UsageError) && parsed.kind === "print") process.stdout.write(parsed.text);
    else
      complain(
        parsed instanceof UsageError ? parsed : new UsageError("run it as 'shepherd': it needs its keeper"),
      );
    return;
  }

  const keeper = await connectKeeper(channel);
  keeper.onLost((reason) => {
    process.stderr.write(`shepherd: ${reason.message}\n`);
    process.exit(keeperLost);
  });
  if (parsed instanceof UsageError || parsed.kind === "print") {
    if (parsed instanceof UsageError) complain(parsed);
    else process.stderr.write(parsed.text);
    await giveUp(keeper, parsed instanceof UsageError ? 1 : 0);
    return;
  }
  await serve(keeper, parsed.options);
}

async function serve(keeper: Keeper & Parting, options: DaemonOptions): Promise<void> {
  holdLater();
  const uid = process.getuid?.() ?? 0;
  const { init, terminals, generation } = keeper.inventory.keeper;
  const socket = resolve(options.socket ?? defaultSocketPath(process.env, uid));
  const outbox = new Outbox(keeper);
  let descriptor: number;
  try {
    if (options.insecure !== true) await checkSocketDirectory(socket, options.socket === undefined);
    descriptor = await controlDescriptor(socket, keeper.inventory, outbox);
  } catch (error) {
    // A later daemon inherits the socket; only the first one can be in the wrong place.
    if (!(error instanceof ControlSocketError) || generation > 0) throw error;
    process.stderr.write(`shepherd: error: ${error.message}\n`);
    await giveUp(keeper, 1);
    return;
  }

  const config =
    options.config ?? (options.command === undefined ? await findConfiguration(process.env, uid) : undefined);
  const logFile = options.logFile ?? (init ? undefined : defaultLogFile(process.env));
  const log = new DaemonLog(logFormat(options, logFile, terminals[1]));
  const isWoken = hasSlept(keeper.inventory);
  if (!isWoken)
    log.info(`shepherd-ts ${version} (Node ${process.versions.node}, ${process.arch}-${process.platform})`);
  // What user code left to itself, and let fail, is no reason for the daemon to die.
  // Node would print its warnings to whichever client's request is being served.
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => log.warn(`${name}: ${message}`));
  process.on("unhandledRejection", (reason) => {
    log.error(`a promise was rejected and nobody handled it: ${errorStack(reason)}`);
  });
  const { bootRecord, ...rest } = options;
  const record = bootRecord === true ? join(stateDirectory(process.env, uid), "boot-record") : bootRecord;
  const make = (): Daemon =>
    new Daemon(
      keeper,
      {
        ...rest,
        ...(record === undefined ? {} : { bootRecord: resolve(record) }),
        ...(config === undefined ? {} : { config: resolve(config) }),
        ...(logFile === undefined ? {} : { logFile: resolve(logFile) }),
      },
      {
        socket,
        keeper: join(nativePrograms(programs()), "keeper"),
        logWriter: join(nativePrograms(programs()), "logwriter"),
        compiler: join(programs(), "compile.cjs"),
        compressor: join(programs(), "compress.cjs"),
        console: join(programs(), "console.cjs"),
      },
      log,
    );
  let daemon: Daemon;
  try {
    daemon = make();
  } catch (error) {
    if (!(error instanceof NewerNotesError)) throw error;
    // The keeper tries again and again: whoever installs the right program need not do more.
    process.stderr.write(`shepherd: ${error.message}\n`);
    process.exit(1);
  }
  // Without it the launcher turns to the client.
  const launchers = launcherDescriptor(socket, keeper.inventory, outbox).catch((error: unknown) => {
    log.warn(`no socket for herd's launcher: ${errorText(error)}`);
    return undefined;
  });
  const running = daemon.run(descriptor, launchers);
  Promise.race([running.catch(() => undefined), delay(logPatience)])
    .then(() => log.open())
    .catch((error: unknown) => process.stderr.write(`shepherd: cannot log: ${String(error)}\n`));
  await daemon.ready;
  if (options.pid !== undefined && !isWoken) await writePid(options.pid, keeper.inventory.keeper.pid, log);
  await running;
}

/** The folder of this bundle, in which the other programs are. */
function programs(): string {
  return dirname(process.argv[1] ?? "");
}

/** Text where people read it, JSON where programs do: a container's standard output. */
function logFormat(
  { logFormat: format, syslog }: DaemonOptions,
  logFile: string | undefined,
  terminal: boolean,
): LogFormat {
  if (format !== "auto") return format;
  return terminal || logFile !== undefined || syslog !== undefined ? "text" : "json";
}

/** As GNU Shepherd's, where it is not PID 1. */
function defaultLogFile(environment: NodeJS.ProcessEnv): string {
  return join(baseDirectory(environment, "XDG_STATE_HOME", ".local/state"), "shepherd", "shepherd.log");
}

/** Whole or not at all, since others poll for it. The pid is the keeper's: it never changes. */
async function writePid(target: string | true, pid: number, log: DaemonLog): Promise<void> {
  if (target === true) {
    log.info(String(pid));
    return;
  }
  try {
    const temporary = `${target}.new`;
    await writeFile(temporary, `${pid}\n`);
    await rename(temporary, target);
  } catch (error) {
    log.error(`write pid file ${target}: ${errorText(error)}`);
  }
}

function complain(error: UsageError): void {
  process.stderr.write(error.bare ? `${error.message}\n` : `shepherd: error: ${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`shepherd: hint: ${error.hint}\n`);
  process.exitCode = 1;
}

/** Ends the keeper as well: starting us again would not help. */
async function giveUp(keeper: Keeper, code: number): Promise<void> {
  await keeper.send([{ op: "finish", how: "exit", code, grace: 0 }]);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `shepherd: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
