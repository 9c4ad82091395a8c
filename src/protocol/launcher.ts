// What herd's launcher (native/herd) and the daemon say to each other, on the socket beside the control socket. The daemon
// says hello; the launcher sends one request; the daemon answers with messages, the last of which has the exit status.
// Every length is a little-endian number of four bytes; what follows it are fields.
import { encodeFields, FieldReader, WireError } from "./fields.js";

/** What is appended to the control socket's path. */
export const launcherSuffix = ".herd";
/** A request is no longer than this, in bytes. */
export const requestLimit = 128 * 1024;

const magic = "SHEPHERD";
const version = 1;
const requestTag = {
  operand: 1,
  directory: 2,
  environment: 3,
  terminals: 4,
  json: 5,
  logHistory: 6,
  id: 7,
  columns: 8,
  rows: 9,
} as const;
/** Of `line`, the value is a streamed line with its newline, which goes to standard output as it is. */
const answerTag = { output: 1, errors: 2, shown: 3, status: 4, line: 5 } as const;
const lostTag = { id: 1, shown: 2 } as const;
const terminalBit = { output: 1, errors: 2 } as const;

/** A command line that the launcher has understood, and what surrounds it. */
export interface LauncherRequest {
  readonly id: string;
  readonly operands: readonly string[];
  readonly json: boolean;
  readonly logHistory?: number;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Which of the two are terminals. */
  readonly isTerminal: { readonly output: boolean; readonly errors: boolean };
}

/** @param zone what the time zone is known by: a launcher in another one turns to the client */
export function encodeLauncherHello(zone: string): Buffer {
  const bytes = Buffer.from(zone);
  const numbers = Buffer.allocUnsafe(8);
  numbers.writeUInt32LE(version, 0);
  numbers.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([Buffer.from(magic), numbers, bytes]);
}

/** The length of the request that these bytes begin, without that of the length itself; undefined while it is not there. */
export function requestLength(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32LE(0);
  if (length > requestLimit) throw new WireError(`request of length ${length}`);
  return length;
}

/** @param bytes what follows the length. Throws WireError. */
export function decodeLauncherRequest(bytes: Buffer): LauncherRequest {
  const reader = new FieldReader(bytes);
  const texts = (tag: number) => reader.list(tag).map((value) => value.toString());
  const terminals = reader.integer(requestTag.terminals);
  const logHistory = reader.optionalInteger(requestTag.logHistory);
  const request: LauncherRequest = {
    id: reader.text(requestTag.id),
    operands: texts(requestTag.operand),
    json: reader.flag(requestTag.json),
    ...(logHistory === undefined ? {} : { logHistory }),
    directory: reader.text(requestTag.directory),
    environment: Object.fromEntries(texts(requestTag.environment).map(variable)),
    isTerminal: {
      output: (terminals & terminalBit.output) !== 0,
      errors: (terminals & terminalBit.errors) !== 0,
    },
  };
  // The terminal's size is for commands that fit what they show to it; there is none yet.
  reader.optionalInteger(requestTag.columns);
  reader.optionalInteger(requestTag.rows);
  reader.end();
  return request;
}

function variable(text: string): readonly [name: string, value: string] {
  const end = text.indexOf("=");
  if (end < 1) throw new WireError("an environment variable without a name");
  return [text.slice(0, end), text.slice(end + 1)];
}

/** One message to the launcher, which carries it out as a whole. */
export class LauncherMessage {
  readonly #fields: (readonly [tag: number, value: Uint8Array | number])[] = [];
  #line: string | undefined;

  output(text: string): void {
    const line = this.#line;
    this.#line = undefined;
    if (text === `${line}\n`) this.#fields.pop();
    this.#fields.push([text === `${line}\n` ? answerTag.line : answerTag.output, Buffer.from(text)]);
  }

  errors(text: string): void {
    this.#line = undefined;
    this.#fields.push([answerTag.errors, Buffer.from(text)]);
  }

  /** A streamed line: should the daemon be lost, it is not shown again. */
  shown(line: string): void {
    this.#line = line;
    this.#fields.push([answerTag.shown, Buffer.from(line)]);
  }

  status(status: number): void {
    this.#fields.push([answerTag.status, status]);
  }

  /** Undefined for one that says nothing. */
  encode(): Buffer | undefined {
    if (this.#fields.length === 0) return undefined;
    const fields = encodeFields(this.#fields);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(fields.length);
    return Buffer.concat([length, fields]);
  }
}

/** A request whose daemon was lost, as the launcher leaves it to the client. */
export interface LostRequest {
  readonly id: string;
  /** The streamed lines that the user has seen. */
  readonly shown: readonly string[];
}

/** Throws WireError. */
export function decodeLostRequest(bytes: Buffer): LostRequest {
  const reader = new FieldReader(bytes);
  const lost = {
    id: reader.text(lostTag.id),
    shown: reader.list(lostTag.shown).map((line) => line.toString()),
  };
  reader.end();
  return lost;
}
