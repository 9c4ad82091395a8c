// A command's request and what is shown of its reply: the same in the client and, for the launcher, in the daemon.

import { UsageError } from "../cli/gnu-options.js";
import { type Command, type CommandError, ProtocolError, type Reply } from "../protocol/messages.js";
import { type Sexp, sym } from "../protocol/sexp.js";
import type { Invocation, Options } from "./arguments.js";
import { ConnectionError } from "./connection-error.js";
import { endsShepherd } from "./ending.js";
import type { Output } from "./output.js";
import { jsonPresenter, type Presenter, textPresenter } from "./presenter.js";
import { isUndertaking, Progress, type ProgressMeans, type Undertaking } from "./progress.js";
import { DEFAULT_HISTORY } from "./render/detail.js";
import { errorToJson } from "./render/json.js";
import { printableSexp } from "./render/printable.js";
import { colourful, plain, type Style } from "./render/style.js";
import { commandErrorText, hintFor, type Reporter, reporter } from "./report.js";
import { type Selection, selectView } from "./views/select.js";
import { isRoot, type Subject } from "./views/view.js";

/** What a command's outcome depends on beside the command line and the daemon. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly output: Output;
  readonly errors: Output;
  /** Which of the two are terminals. */
  readonly isTerminal: { readonly output: boolean; readonly errors: boolean };
  /** Seconds since the epoch. */
  readonly now: () => number;
}

export type ExitStatus = 0 | 1;

/** How the daemon is spoken with. */
export interface ConversationOptions {
  /** Whether the daemon may end before it answers. */
  readonly ending: boolean;
  /** Applied to each expression that comes in. */
  readonly cleanse: (expression: Sexp) => Sexp;
  /** Called with each line that is streamed before the reply. */
  readonly message: (line: string) => void;
  /** Called with what is done on the user's behalf, such as sending the request again. */
  readonly tell: (text: string) => void;
}

export interface Means {
  /** The reply; undefined where the daemon ended instead, as it was told. Throws a ConnectionError. */
  readonly converse: (command: Command, options: ConversationOptions) => Promise<Reply | undefined>;
  /** The name of the request. */
  readonly id: () => string;
  /** The lines that were streamed already. */
  readonly heard?: readonly string[];
  /** How to tell how far a start or stop is. */
  readonly progress: ProgressMeans;
  /** Carries out what is not the daemon's; undefined where the daemon is to do it. */
  readonly beforehand?: (presenter: Presenter) => Promise<ExitStatus | undefined>;
}

/** Runs `body`, and tells what is wrong with the command line, or with standard output. */
export async function reporting(
  surroundings: Surroundings,
  body: (report: Reporter) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  const { environment, output, errors, isTerminal } = surroundings;
  const report = reporter(errors, isTerminal.errors, styleFor(isTerminal.errors, environment));
  const status = await withoutMistake(report, body);
  if (output.failure === undefined) return status;
  report.error(output.failure);
  return 1;
}

async function withoutMistake(
  report: Reporter,
  body: (report: Reporter) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  try {
    return await body(report);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (error.bare) report.line(error.message);
    else report.error(error.message);
    if (error.hint !== undefined) report.hint(error.hint);
    return 1;
  }
}

export async function carryOut(
  invocation: Invocation,
  surroundings: Surroundings,
  report: Reporter,
  { converse, id, heard, progress: means, beforehand }: Means,
): Promise<ExitStatus> {
  const selection = selectView(invocation);
  const presenter = presenterFor(invocation.options, surroundings, heard);
  try {
    const status = await beforehand?.(presenter);
    if (status !== undefined) return status;
    const { service, arguments: args } = invocation;
    const command = commandOf(selection.action, service ?? "root", args, surroundings.directory, id());
    const { isTerminal } = surroundings;
    const ending = endsTheDaemon(invocation);
    const isWatched = isTerminal.output && isTerminal.errors;
    const progress = new Progress(isWatched ? undertakingOf(invocation, ending) : undefined, means);
    const reply = await converse(command, {
      ending,
      cleanse: isTerminal.output ? printableSexp : asItIs,
      message: (line) => progress.aside(() => presenter.message(line)),
      tell: (text) => progress.aside(() => report.notice(text)),
    }).finally(() => progress.end());
    return conclude(reply, invocation, selection, presenter, report);
  } catch (error) {
    if (!(error instanceof ConnectionError || error instanceof ProtocolError)) throw error;
    const kind = error instanceof ConnectionError ? error.kind : "connection";
    presenter.error({ kind, message: error.message });
    report.error(error.message);
    return 1;
  }
}

export const asItIs = (expression: Sexp): Sexp => expression;

export function commandOf(
  action: string,
  service: string,
  args: readonly Sexp[],
  directory: string,
  id?: string,
): Command {
  const request = { action: sym(action), service: sym(service), arguments: args, directory, stream: true };
  return id === undefined ? request : { ...request, id };
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

/** Shows the error of a reply, with what the user may have meant. */
export function fail(
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

function presenterFor(
  options: Options,
  { output, isTerminal, environment, now }: Surroundings,
  heard: readonly string[] | undefined,
): Presenter {
  if (options.json === true) return jsonPresenter(output, heard);
  return textPresenter(output, {
    style: styleFor(isTerminal.output, environment),
    now: now(),
    history: options.logHistory ?? DEFAULT_HISTORY,
    unicode: isUnicode(environment),
    reasons: isTerminal.output,
  });
}

function subjectOf({ action, service, arguments: args }: Invocation): Subject {
  const words = args.filter((argument) => typeof argument === "string");
  return { action, service: service ?? "root", words };
}

/** What can take long, since other services are started or stopped too. */
function undertakingOf({ action, service = "root" }: Invocation, ending: boolean): Undertaking | undefined {
  if (ending) return { action: "stop", service: "root" };
  return isUndertaking(action) && !isRoot(service) ? { action, service } : undefined;
}

function endsTheDaemon({ action, service, words }: Invocation): boolean {
  return service !== undefined && isRoot(service) && endsShepherd(action, words);
}

export function styleFor(isTerminal: boolean, environment: Surroundings["environment"]): Style {
  return isTerminal && environment.NO_COLOR === undefined ? colourful : plain;
}

/** Whether the locale's encoding is UTF-8. */
export function isUnicode({ LC_ALL, LC_CTYPE, LANG }: Surroundings["environment"]): boolean {
  return /\.utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}
