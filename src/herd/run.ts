// One run of the client, from the command line to the exit status.

import type { LostRequest } from "../protocol/launcher.js";
import { type Command, encodeCommand, type Reply } from "../protocol/messages.js";
import { defaultSocketPath } from "../protocol/socket-path.js";
import { type Invocation, type Options, parseInvocation } from "./arguments.js";
import {
  asItIs,
  type Surroundings as CommandSurroundings,
  carryOut,
  commandOf,
  type ExitStatus,
  fail,
  isUnicode,
  reporting,
  styleFor,
} from "./command.js";
import { exchange } from "./connection.js";
import { converse, requestId } from "./conversation.js";
import type { Presenter } from "./presenter.js";
import { CLEAR } from "./progress.js";
import { printableSexp } from "./render/printable.js";
import { commandErrorText, type Reporter } from "./report.js";
import { verifyUnits } from "./verify.js";

/** How long a daemon may be silent of which an answer is only welcome. */
const QUIET_FOR_MS = 5000;

/** All that a run depends on beside the daemon. */
export interface Surroundings extends CommandSurroundings {
  readonly args: readonly string[];
  readonly uid: number;
  readonly isTerminal: CommandSurroundings["isTerminal"] & { readonly input: boolean };
  /** The request that the command line is about, where the launcher has sent it already, and lost its daemon. */
  readonly lost?: LostRequest;
}

export async function run(surroundings: Surroundings): Promise<ExitStatus> {
  return await reporting(surroundings, async (report) => {
    const line = await readCommandLine(surroundings);
    if (line === undefined) return 0;
    const { invocation, words } = line;
    const { environment, isTerminal } = surroundings;
    const socket = socketPath(invocation.options, surroundings);
    if (!socket.startsWith("ssh:")) return await perform(invocation, surroundings, report);
    const { remoteOf, runThere } = await import("./remote.js");
    const remote = remoteOf(socket);
    if (remote === undefined) return await perform(invocation, surroundings, report);
    const canAsk = isTerminal.input && isTerminal.errors;
    return await runThere(
      remote,
      words,
      { canAsk, isTerminal: canAsk && isTerminal.output, environment },
      report,
    );
  });
}

interface Line {
  readonly invocation: Invocation;
  /** The line as it is for a herd elsewhere. */
  readonly words: readonly string[];
}

/** Undefined when all was to print something, such as `--help`. */
async function readCommandLine({ args, directory, output }: Surroundings): Promise<Line | undefined> {
  if (!args.some((arg) => arg.startsWith("-"))) return { invocation: parseInvocation(args, {}), words: args };
  const { parseOptions } = await import("./options.js");
  const parsed = await parseOptions(args, directory);
  if (parsed.kind === "run")
    return { invocation: parseInvocation(parsed.operands, parsed.options), words: parsed.line };
  output.write(parsed.text);
  return undefined;
}

function perform(invocation: Invocation, surroundings: Surroundings, report: Reporter): Promise<ExitStatus> {
  const { lost, directory, errors, isTerminal } = surroundings;
  const path = socketPath(invocation.options, surroundings);
  // What the launcher has drawn of its progress is still there.
  if (lost !== undefined && isTerminal.errors) errors.write(CLEAR);
  return carryOut(invocation, surroundings, report, {
    converse: (command, options) => converse(command, options, path, lost),
    id: () => lost?.id ?? requestId(),
    ...(lost === undefined ? {} : { heard: lost.shown }),
    progress: {
      ask: () => askQuietly(path, commandOf("status", "root", [], directory)),
      draw: (text) => errors.write(text),
    },
    beforehand: async (presenter) =>
      (await checkUnits(invocation, surroundings, report)) ??
      (await useConsole(invocation, surroundings, report)) ??
      (await readLogs(invocation, surroundings, presenter, report)) ??
      (await lookOn(invocation, surroundings, presenter, report)),
  });
}

/** `herd verify` where it is about systemd units; undefined for every other command. */
async function checkUnits(
  invocation: Invocation,
  surroundings: Surroundings,
  report: Reporter,
): Promise<ExitStatus | undefined> {
  const { output, directory } = surroundings;
  const path = socketPath(invocation.options, surroundings);
  return await verifyUnits(invocation, {
    directory,
    write: (text) => output.write(text),
    error: report.error,
    askQuietly: (action, service) => askQuietly(path, commandOf(action, service, [], directory, requestId())),
  });
}

/** `herd attach` and `herd detach`; undefined for every other command, and where a service's own action is meant. */
async function useConsole(
  { action, service, options, words }: Invocation,
  surroundings: Surroundings,
  report: Reporter,
): Promise<ExitStatus | undefined> {
  if (service === undefined || words.length > 0 || (action !== "attach" && action !== "detach"))
    return undefined;
  const consoles = await import("./attach/attach.js");
  const { readOnly = false, detachKey = "ctrl-]" } = options;
  const controlSocket = socketPath(options, surroundings);
  const askStatus = (): Promise<Reply | undefined> =>
    askQuietly(controlSocket, commandOf("status", service, [], surroundings.directory, requestId()));
  return await consoles[action]({ service, controlSocket, askStatus, readOnly, detachKey }, report);
}

/** `herd log` where it reads files; undefined for every other command, and where the daemon is to read them. */
async function readLogs(
  invocation: Invocation,
  surroundings: Surroundings,
  presenter: Presenter,
  report: Reporter,
): Promise<ExitStatus | undefined> {
  if (invocation.action !== "log") return undefined;
  const log = await import("./log/command.js");
  if (!log.mayReadLogs(invocation)) return undefined;
  const path = socketPath(invocation.options, surroundings);
  const command = (action: string, args: readonly string[], service: string): Command =>
    commandOf(action, service, args, surroundings.directory, requestId());
  // The names of files are taken as they are; what is shown of them is made harmless then.
  const cleanse = asItIs;
  return await log.readLogs(invocation, {
    output: surroundings.output,
    isTerminal: surroundings.isTerminal.output,
    report,
    now: surroundings.now(),
    ask: (action, args, service = "root") =>
      converse(
        command(action, args, service),
        { ending: false, cleanse, message: () => undefined, tell: report.notice },
        path,
      ),
    askQuietly: (action, args, service = "root") => askQuietly(path, command(action, args, service)),
    fail: (error) => fail(error, invocation, presenter, report),
  });
}

/** `herd top`; undefined for every other command. */
async function lookOn(
  invocation: Invocation,
  surroundings: Surroundings,
  presenter: Presenter,
  report: Reporter,
): Promise<ExitStatus | undefined> {
  if (invocation.action !== "top") return undefined;
  const { showTop } = await import("./top/command.js");
  const { output, isTerminal, environment, directory } = surroundings;
  const path = socketPath(invocation.options, surroundings);
  const command = (action: string, service = "root"): Command =>
    commandOf(action, service, [], directory, requestId());
  // Names and lines are drawn among what drives the terminal.
  const cleanse = isTerminal.output ? printableSexp : asItIs;
  const quiet = { ending: false, cleanse, message: () => undefined, tell: () => undefined };
  return await showTop(invocation, {
    output,
    isTerminal: isTerminal.output,
    style: styleFor(isTerminal.output, environment),
    unicode: isUnicode(environment),
    ask: (action) => converse(command(action), quiet, path),
    askQuietly: (action, service) => askQuietly(path, command(action, service), cleanse),
    act: async (action, service, tell) => {
      const reply = await converse(command(action, service), { ...quiet, message: tell, tell }, path);
      if (reply?.error !== undefined) return commandErrorText(reply.error);
      return reply?.result === false ? `failed to ${action} service ${service}` : undefined;
    },
    fail: (error) => fail(error, invocation, presenter, report),
    error: report.error,
  });
}

/** The reply, where there is one soon; nothing is said where there is none. */
function askQuietly(path: string, command: Command, cleanse = asItIs): Promise<Reply | undefined> {
  const quietly = {
    cleanse,
    onMessage: () => undefined,
    refusedFor: 0,
    silentFor: QUIET_FOR_MS,
  };
  return exchange(path, encodeCommand(command), quietly).catch(() => undefined);
}

function socketPath({ socket }: Options, { environment, uid }: Surroundings): string {
  return socket ?? defaultSocketPath(environment, uid);
}
