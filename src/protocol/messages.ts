// Commands and replies, version 0 of the Shepherd's protocol, to and from s-expressions.
//
// Two additions of ours stand after the version number, `(version 0 stream (id "…"))`. A GNU shepherd passes over what
// follows the 0, so that a command needs no negotiation.
//
// Streaming: for a client that can show messages as they happen our daemon writes `(message (version 0) LINE)`
// expressions before the final reply.
//
// The id: the client's name for this request. Our daemon carries out one request of a name, however often it is sent and
// however many daemons it takes; a client whose connection ended without a reply asks what became of it, with the action
// `request-outcome` of root, and may send the same command again.
import {
  asStrings,
  fieldsOf,
  isList,
  isSymbol,
  record,
  type Sexp,
  type SexpSymbol,
  sym,
  symbolName,
  versionWords,
} from "./sexp.js";
import { writeSexp } from "./sexp-writer.js";

/** Why a well-formed s-expression is no message of this protocol. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolError";
  }
}

export interface Command {
  /** A symbol; but a client may send anything, and an error about it echoes what was sent. */
  readonly action: Sexp;
  readonly service: Sexp;
  /** Strings and keywords, normally. */
  readonly arguments: readonly Sexp[];
  /** The client's working directory, as it says. */
  readonly directory: string;
  /** Whether the client takes `(message …)` expressions before the reply. */
  readonly stream: boolean;
  /** The client's name for the request. */
  readonly id?: string;
}

/** What became of a request. */
export type RequestOutcome =
  /** It was never begun, or changes nothing: it can be sent again. */
  | "unknown"
  /** It was begun by a daemon that is no more, and is not carried out a second time. */
  | "begun"
  /** It was begun; sent again, it is taken up where it was left. */
  | "resumable"
  /** Sent again, it gets the reply that it got. */
  | "done";

const requestOutcomes: readonly string[] = [
  "unknown",
  "begun",
  "resumable",
  "done",
] satisfies RequestOutcome[];

export interface Reply {
  /** `false` with an error, and when a start failed. */
  readonly result: Sexp;
  readonly error?: CommandError;
  /** Lines for the user; those that were streamed are not repeated here. */
  readonly messages: readonly string[];
}

export type CommandError =
  | { readonly kind: "service-not-found"; readonly service: Sexp }
  | { readonly kind: "action-not-found"; readonly action: Sexp; readonly service: Sexp }
  | {
      readonly kind: "action-exception";
      readonly action: Sexp;
      readonly service: Sexp;
      /** The key and arguments of a Guile exception. */
      readonly key: Sexp;
      readonly arguments: readonly Sexp[];
    }
  | { readonly kind: "service-error" }
  /** One that this version does not know. */
  | { readonly kind: "other"; readonly error: Sexp };

/** What a daemon sends. */
export type ServerMessage =
  | { readonly kind: "message"; readonly line: string }
  | { readonly kind: "reply"; readonly reply: Reply };

const commandFields = ["action", "service", "arguments", "directory"] as const;

/** Fields after the five standard ones are allowed and passed over; a GNU shepherd refuses them. */
export function decodeCommand(expression: Sexp): Command {
  if (!isList(expression) || !isSymbol(expression[0], "shepherd-command"))
    throw new ProtocolError("cannot decode command: it is no (shepherd-command …)");
  const words = versionWords(expression[1]);
  if (words === undefined) throw new ProtocolError("cannot decode command: its version is not 0");
  const [action, service, args, directory] = commandFields.map((name, index) => {
    const value = fieldValue(expression[index + 2], name);
    if (value === undefined) throw new ProtocolError(`cannot decode command: field "${name}" is missing`);
    return value;
  });
  if (action === undefined || service === undefined || !isList(args) || typeof directory !== "string")
    throw new ProtocolError("cannot decode command: a field is of the wrong type");
  const stream = words.some((word) => isSymbol(word, "stream"));
  const id = fieldsOf(words).get("id");
  return { action, service, arguments: args, directory, stream, ...(isRequestId(id) ? { id } : {}) };
}

/** One that is not of this form is none; it becomes part of a note's key. */
export function isRequestId(id: Sexp | undefined): id is string {
  return typeof id === "string" && /^[\w-]{1,64}$/.test(id);
}

/** The answer to `request-outcome ID`; undefined for what is none. */
export function decodeOutcome(result: Sexp): RequestOutcome | undefined {
  const name = isList(result) ? symbolName(result[0]) : undefined;
  return isOutcome(name) ? name : undefined;
}

function isOutcome(name: string | undefined): name is RequestOutcome {
  return name !== undefined && requestOutcomes.includes(name);
}

/** The text to send, with no newline after it: GNU Shepherd sends none. */
export function encodeCommand(command: Command): string {
  const version: Sexp[] = [sym("version"), 0];
  if (command.stream) version.push(sym("stream"));
  if (command.id !== undefined) version.push([sym("id"), command.id]);
  return writeSexp([
    sym("shepherd-command"),
    version,
    [sym("action"), command.action],
    [sym("service"), command.service],
    [sym("arguments"), command.arguments],
    [sym("directory"), command.directory],
  ]);
}

export function encodeReply(reply: Reply): string {
  return writeSexp(
    record("reply", [
      ["result", reply.result],
      ["error", reply.error === undefined ? false : encodeError(reply.error)],
      ["messages", reply.messages],
    ]),
  );
}

/** One streamed line; only for a client that asked for a stream. */
export function encodeMessage(line: string): string {
  return `${writeSexp([sym("message"), versionZero, line])}\n`;
}

export function decodeServerMessage(expression: Sexp): ServerMessage {
  if (isList(expression) && versionWords(expression[1]) !== undefined) {
    const [head, , third] = expression;
    if (isSymbol(head, "message") && typeof third === "string") return { kind: "message", line: third };
    if (isSymbol(head, "reply")) return { kind: "reply", reply: decodeReply(expression) };
  }
  throw new ProtocolError("cannot decode reply: it is neither a (reply (version 0) …) nor a (message …)");
}

/** The error of an action that threw: shown to the user as `text`. */
export function actionException(action: Sexp, service: Sexp, text: string): CommandError {
  return {
    kind: "action-exception",
    action,
    service,
    key: sym("misc-error"),
    arguments: [false, "~A", [text], false],
  };
}

function decodeReply(expression: readonly Sexp[]): Reply {
  const result = fieldValue(expression[2], "result");
  const error = fieldValue(expression[3], "error");
  const messages = asStrings(fieldValue(expression[4], "messages"));
  if (result === undefined || error === undefined || messages === undefined)
    throw new ProtocolError("cannot decode reply: its result, error or messages are missing or malformed");
  return { result, messages, ...(error === false ? {} : { error: decodeError(error) }) };
}

const versionZero: Sexp = [sym("version"), 0];

function encodeError(error: CommandError): Sexp {
  switch (error.kind) {
    case "service-not-found":
      return errorOf(sym(error.kind), error.service);
    case "action-not-found":
      return errorOf(sym(error.kind), error.action, error.service);
    case "action-exception":
      return errorOf(sym(error.kind), error.action, error.service, error.key, error.arguments);
    case "service-error":
      return errorOf(sym(error.kind));
    case "other":
      return error.error;
  }
}

function errorOf(kind: SexpSymbol, ...rest: readonly Sexp[]): Sexp {
  return [sym("error"), versionZero, kind, ...rest];
}

function decodeError(error: Sexp): CommandError {
  if (!isList(error) || !isSymbol(error[0], "error") || versionWords(error[1]) === undefined)
    return { kind: "other", error };
  const [, , kind, first, second, key, args] = error;
  switch (symbolName(kind)) {
    case "service-not-found":
      if (first !== undefined) return { kind: "service-not-found", service: first };
      break;
    case "action-not-found":
      if (first !== undefined && second !== undefined)
        return { kind: "action-not-found", action: first, service: second };
      break;
    case "action-exception":
      if (first !== undefined && second !== undefined && key !== undefined && isList(args))
        return { kind: "action-exception", action: first, service: second, key, arguments: args };
      break;
    case "service-error":
      return { kind: "service-error" };
  }
  return { kind: "other", error };
}

/** VALUE of `(name VALUE)`. */
function fieldValue(field: Sexp | undefined, name: string): Sexp | undefined {
  return isList(field) && field.length === 2 && isSymbol(field[0], name) ? field[1] : undefined;
}
