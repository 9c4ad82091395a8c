// What is said on a console's socket: between its holder, its viewers and the supervisor. Frames of a type, a length and
// bytes; those that are no raw bytes of the terminal are JSON objects.

import { createHash } from "node:crypto";
import { join } from "node:path";

export const frameTypes = {
  hello: 1,
  input: 2,
  resize: 3,
  welcome: 16,
  output: 17,
  notice: 18,
  end: 19,
} as const;

export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export interface Frame {
  readonly type: number;
  readonly bytes: Buffer;
}

/**
 * What a connection is for. `viewer` and `reader` see what is written, and the first viewer may type; `drop` ends all of
 * these; the supervisor asks for the `terminal` that a service is to get, and says that it is `taken`.
 */
export type Role = "viewer" | "reader" | "drop" | "terminal" | "taken";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Hello extends Partial<Size> {
  readonly role: Role;
}

/** The answer to a hello: who of the viewers may type, and, for the supervisor, where the terminal is. */
export interface Welcome {
  readonly terminal: string;
  /** Whether what this viewer types arrives. */
  readonly writes: boolean;
}

/** Why a conversation is over. */
export type EndReason = "ended" | "detached" | "slow" | "refused" | "failed" | "done";

export interface End {
  readonly reason: EndReason;
  readonly text?: string;
  /** To `drop`: how many viewers there were. */
  readonly dropped?: number;
}

const headerLength = 5;
/** What one frame may hold: a screen full of output, or what somebody pastes, comes in several. */
export const longestFrame = 65_536;
/** The widest and highest that a terminal is taken to be. */
export const mostCells = 10_000;
/** Bytes of output that are kept for who attaches later, at most. */
export const mostScrollback = 1 << 20;
/** sun_path without its NUL. */
const longestSocketPath = 107;
const longestPlainName = 40;
const roles: readonly string[] = ["viewer", "reader", "drop", "terminal", "taken"] satisfies readonly Role[];

export class ConsoleProtocolError extends Error {
  override readonly name = "ConsoleProtocolError";
}

export function encodeFrame(type: FrameType, content: Uint8Array | object): Buffer {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  const frame = Buffer.allocUnsafe(headerLength + bytes.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32LE(bytes.length, 1);
  frame.set(bytes, headerLength);
  return frame;
}

/** Bytes as frames that are not too long. */
export function* encodeBytes(type: FrameType, bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += longestFrame)
    yield encodeFrame(type, bytes.subarray(at, at + longestFrame));
}

/** Takes frames out of what arrives in any pieces. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Throws where a frame is longer than any may be. */
  feed(chunk: Buffer): Frame[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (rest.length >= headerLength) {
      const length = rest.readUInt32LE(1);
      if (length > longestFrame) throw new ConsoleProtocolError(`a frame of ${length} bytes is too long`);
      if (rest.length < headerLength + length) break;
      frames.push({ type: rest.readUInt8(0), bytes: rest.subarray(headerLength, headerLength + length) });
      rest = rest.subarray(headerLength + length);
    }
    this.#rest = rest;
    return frames;
  }
}

/** The object that a frame holds; throws where it holds none. */
export function decodeObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw new ConsoleProtocolError("a frame is no JSON");
  }
  if (typeof value !== "object" || value === null) throw new ConsoleProtocolError("a frame holds no object");
  return value as Readonly<Record<string, unknown>>;
}

/** The size that somebody's terminal has, where it is one. */
export function decodeSize({ columns, rows }: Readonly<Record<string, unknown>>): Size | undefined {
  return isCells(columns) && isCells(rows) ? { columns, rows } : undefined;
}

export function isCells(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= mostCells;
}

export function decodeHello(bytes: Uint8Array): Hello {
  const object = decodeObject(bytes);
  const { role } = object;
  if (typeof role !== "string" || !roles.includes(role))
    throw new ConsoleProtocolError("a hello has no role");
  return { role: role as Role, ...decodeSize(object) };
}

export function decodeWelcome(bytes: Uint8Array): Welcome {
  const { terminal, writes } = decodeObject(bytes);
  if (typeof terminal !== "string" || typeof writes !== "boolean")
    throw new ConsoleProtocolError("a welcome is not complete");
  return { terminal, writes };
}

export function decodeEnd(bytes: Uint8Array): End {
  const { reason, text, dropped } = decodeObject(bytes);
  return {
    // One that a later holder knows is an end all the same.
    reason: (typeof reason === "string" ? reason : "done") as EndReason,
    ...(typeof text === "string" ? { text } : {}),
    ...(typeof dropped === "number" ? { dropped } : {}),
  };
}

/** A service's name as one of a file: no slash, no leading dot, and no two names alike. */
export function consoleFileName(service: string): string {
  const escaped = [...Buffer.from(service)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const plain = /[A-Za-z0-9_@-]/.test(character) || (character === "." && index > 0);
      return plain ? character : `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
    })
    .join("");
  if (escaped.length <= longestPlainName) return escaped;
  // `~` is in no escaped name.
  const digest = createHash("sha256").update(service).digest("hex").slice(0, 24);
  return `${escaped.slice(0, longestPlainName - 25)}~${digest}`;
}

/** Where a service's console listens; throws where no socket can be there. */
export function consoleSocket(runtimeDirectory: string, service: string): string {
  const path = join(runtimeDirectory, "consoles", consoleFileName(service));
  if (Buffer.byteLength(path) > longestSocketPath)
    throw new ConsoleProtocolError(`${path}: too long for a socket's name`);
  return path;
}
