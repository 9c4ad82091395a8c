// One run of herd, from the command line to the exit status.

import { UsageError } from "../cli/gnu-options.js";
import {
  type Command,
  type CommandError,
  encodeCommand,
  ProtocolError,
  type Reply,
} from "../protocol/messages.js";
import { type Sexp, sym } from "../protocol/sexp.js";
import { defaultSocketPath } from "../protocol/socket-path.js";
import { type Invocation, type Options, parseInvocation } from "./arguments.js";
import { ConnectionError, exchange } from "./connection.js";
import { converse, requestId } from "./conversation.js";
import { endsShepherd } from "./ending.js";
import type { Output } from "./output.js";
import { jsonPresenter, type Presenter, textPresenter } from "./presenter.js";
import { DEFAULT_HISTORY } from "./render/detail.js";
import { errorToJson } from "./render/json.js";
import { printableSexp } from "./render/printable.js";
import { colourful, plain, type Style } from "./render/style.js";
import { commandErrorText, hintFor, type Reporter, reporter } from "./report.js";
import { verifyUnits } from "./verify.js";
import { type Selection, selectView } from "./views/select.js";
import { isRoot, type Subject } from "./views/view.js";

/** How long a daemon may be silent of which an answer is only welcome. */
const QUIET_FOR_MS = 5000;

/** All that a run depends on beside the daemon. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly directory: string;
  readonly output: Output;
  readonly errors: Output;
  /** Which of the two are terminals. */
  readonly isTerminal: { readonly output: boolean; readonly errors: boolean };
  /** Seconds since the epoch. */
  readonly now: () => number;
}

export type ExitStatus = 0 | 1;

export async function run(surroundings: Surroundings): Promise<ExitStatus> {
  const { environment, output, errors, isTerminal } = surroundings;
  const report = reporter(errors, isTerminal.errors, styleFor(isTerminal.errors, environment));
  const status = await attempt(surroundings, report);
  if (output.failure === undefined) return status;
  report.error(output.failure);
  return 1;
}

async function attempt(surroundings: Surroundings, report: Reporter): Promise<ExitStatus> {
  try {
    const invocation = await readCommandLine(surroundings);
    return invocation === undefined ? 0 : await perform(invocation, surroundings, report);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (error.bare) report.line(error.message);
    else report.error(error.message);
    if (error.hint !== undefined) report.hint(error.hint);
    return 1;
  }
}

/** Undefined when all was to print something, such as `--help`. */
async function readCommandLine({ args, directory, output }: Surroundings): Promise<Invocation | undefined> {
  if (!args.some((arg) => arg.startsWith("-"))) return parseInvocation(args, {});
  const { parseOptions } = await import("./options.js");
  const parsed = await parseOptions(args, directory);
  if (parsed.kind === "run") return parseInvocation(parsed.operands, parsed.options);
  output.write(parsed.text);
  return undefined;
}

async function perform(
  invocation: Invocation,
  surroundings: Surroundings,
  report: Reporter,
): Promise<ExitStatus> {
  const selection = selectView(invocation);
  const presenter = presenterFor(invocation.options, surroundings);
  try {
    const status =
      (await checkUnits(invocation, surroundings, report)) ??
      (await readLogs(invocation, surroundings, presenter, report));
    if (status !== undefined) return status;
    const reply = await ask(invocation, selection, surroundings, presenter, report);
    return conclude(reply, invocation, selection, presenter, report);
  } catch (error) {
    if (!(error instanceof ConnectionError || error instanceof ProtocolError)) throw error;
    const kind = error instanceof ConnectionError ? error.kind : "connection";
    presenter.error({ kind, message: error.message });
    report.error(error.message);
    return 1;
  }
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
    askQuietly: (action, service) => askQuietly(path, commandOf(action, service, [], surroundings)),
  });
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
    commandOf(action, service, args, surroundings);
  // The names of files are taken as they are; what is shown of them is made harmless then.
  const cleanse = asItIs;
  return await log.readLogs(invocation, {
    output: surroundings.output,
    isTerminal: surroundings.isTerminal.output,
    report,
    now: surroundings.now(),
    ask: (action, args, service = "root") =>
      converse(command(action, args, service), {
        path,
        ending: false,
        cleanse,
        message: () => undefined,
        tell: report.notice,
      }),
    askQuietly: (action, args, service = "root") => askQuietly(path, command(action, args, service)),
    fail: (error) => fail(error, invocation, presenter, report),
  });
}

const asItIs = (expression: Sexp) => expression;

/** The reply, where there is one soon; nothing is said where there is none. */
function askQuietly(path: string, command: Command): Promise<Reply | undefined> {
  const quietly = {
    cleanse: asItIs,
    onMessage: () => undefined,
    refusedFor: 0,
    silentFor: QUIET_FOR_MS,
  };
  return exchange(path, encodeCommand(command), quietly).catch(() => undefined);
}

/** The reply; undefined where the daemon ended instead, as it was told. */
async function ask(
  invocation: Invocation,
  { action }: Selection,
  surroundings: Surroundings,
  presenter: Presenter,
  report: Reporter,
): Promise<Reply | undefined> {
  const { service, arguments: args, options } = invocation;
  return await converse(commandOf(action, service ?? "root", args, surroundings), {
    path: socketPath(options, surroundings),
    ending: endsTheDaemon(invocation),
    cleanse: surroundings.isTerminal.output ? printableSexp : (expression) => expression,
    message: presenter.message,
    tell: report.notice,
  });
}

function socketPath({ socket }: Options, { environment, uid }: Surroundings): string {
  return socket ?? defaultSocketPath(environment, uid);
}

function commandOf(
  action: string,
  service: string,
  args: readonly Sexp[],
  { directory }: Surroundings,
): Command {
  return {
    action: sym(action),
    service: sym(service),
    arguments: args,
    directory,
    stream: true,
    id: requestId(),
  };
}

function conclude(
  received: Reply | undefined,
  invocation: Invocation,
  { view }: Selection,
  presenter: Presenter,
  report: Reporter,
): ExitStatus {
  const reply = received ?? { result: [], messages: [] };
  for (const line of reply.messages) presenter.message(line);
  if (reply.error !== undefined) return fail(reply.error, invocation, presenter, report);
  const subject = subjectOf(invocation);
  presenter.reply(reply, view, subject);
  const failure = view.failure?.(reply, subject);
  if (typeof failure === "string") report.error(failure);
  return failure === undefined ? 0 : 1;
}

function fail(
  error: CommandError,
  { action, service }: Invocation,
  presenter: Presenter,
  report: Reporter,
): 1 {
  presenter.error(errorToJson(error));
  report.error(commandErrorText(error));
  const hint = hintFor(error, action, service);
  if (hint !== undefined) report.hint(hint);
  return 1;
}

function presenterFor(options: Options, surroundings: Surroundings): Presenter {
  const { output, isTerminal, environment } = surroundings;
  if (options.json === true) return jsonPresenter(output);
  return textPresenter(output, {
    style: styleFor(isTerminal.output, environment),
    now: surroundings.now(),
    history: options.logHistory ?? DEFAULT_HISTORY,
    unicode: isUnicode(environment),
  });
}

function subjectOf({ action, service, arguments: args }: Invocation): Subject {
  const words = args.filter((argument) => typeof argument === "string");
  return { action, service: service ?? "root", words };
}

function endsTheDaemon({ action, service, words }: Invocation): boolean {
  return service !== undefined && isRoot(service) && endsShepherd(action, words);
}

function styleFor(isTerminal: boolean, environment: Surroundings["environment"]): Style {
  return isTerminal && environment.NO_COLOR === undefined ? colourful : plain;
}

/** Whether the locale's encoding is UTF-8. */
function isUnicode({ LC_ALL, LC_CTYPE, LANG }: Surroundings["environment"]): boolean {
  return /\.utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}
