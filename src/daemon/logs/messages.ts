// The messages between daemon and log writer: docs/log-writer.md §2 as TypeScript types, and their codec.

import type { SystemLogRoute } from "../definition/types.js";
import { FieldReader, FrameDecoder, FrameWriter, frameKind, WireError } from "../keeper/frame.js";
import type { Routes } from "./system-log.js";

/** A log file, and the user of the service, who may own its directory. */
export interface LogFile {
  readonly path: string;
  /** Default 0640. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
}

/** Where the lines of the daemon, and of services without a file, go. */
export interface Sink {
  readonly path?: string;
  readonly mode?: number;
  /** The keeper's standard output and error. */
  readonly outputs?: readonly (1 | 2)[];
  /** The system logger's socket. Without one behind `/dev/log` it is the kernel's log, or the console. */
  readonly syslog?: string;
  readonly format?: "text" | "json";
}

/** Whose files an order is about: a stream's, the main sink's with neither, or another program's. */
export type FileOwner = { readonly name?: string } | { readonly file: LogFile };

/** What a compressed file's name ends with. */
export type Suffix = "" | ".gz" | ".zst";

/** Orders about files rather than about streams. */
export type FileOrder =
  /** Rotate it if it has more than `larger` bytes (default: unless it is empty). */
  | {
      readonly op: "rotate";
      readonly name?: string;
      readonly keep: number;
      readonly larger?: number;
    }
  /** From now on rotate each file that has more than `larger` bytes (0: none). */
  | { readonly op: "limit"; readonly larger: number; readonly keep: number }
  /** Remove old files from before that time, in seconds since the epoch, and those beyond `keep`. */
  | { readonly op: "expire"; readonly of: FileOwner; readonly before: number; readonly keep?: number }
  /** Begin to compress an old file, or to copy another program's file if it has more than `larger` bytes. */
  | { readonly op: "claim"; readonly of: FileOwner; readonly larger?: number }
  /** Put what was made of what is claimed in its place. */
  | { readonly op: "publish"; readonly suffix: Suffix; readonly keep: number }
  | { readonly op: "abandon" };

export type Order =
  | FileOrder
  | { readonly op: "configure"; readonly sink: Sink; readonly keep: boolean }
  | {
      readonly op: "open";
      readonly name: string;
      readonly program: string;
      readonly pid?: number;
      readonly file?: LogFile;
      readonly recent?: string;
      readonly raw: boolean;
      /** Default: the pipe that goes along. */
      readonly source?: keyof typeof sources;
      /** Take the stream over even if its file cannot be opened. */
      readonly keep: boolean;
    }
  | { readonly op: "label"; readonly name: string; readonly program: string; readonly pid: number }
  | { readonly op: "drain"; readonly name?: string; readonly partial: boolean }
  | { readonly op: "close"; readonly name: string }
  | { readonly op: "reopen" }
  | { readonly op: "begin" }
  /** The system log: what goes where. `name` is the stream of its recent history, and these are those of its files. */
  | {
      readonly op: "route";
      readonly name: string;
      readonly files: readonly string[];
      readonly routes: Routes;
    }
  | { readonly op: "troubles" }
  | { readonly op: "finish" };

/** A file had grown too large, and was rotated, or could not be. */
export interface Rotated {
  readonly type: "rotated";
  /** The stream; empty for the main sink. */
  readonly name: string;
  /** 0: it was rotated. */
  readonly errno: number;
  readonly text: string;
  readonly path: string;
}

export type Message =
  | {
      readonly type: "answer";
      readonly tag: number;
      readonly errno: number;
      readonly text: string;
      /** What an order was about or, where it made or claimed a file, that one. */
      readonly path?: string;
      readonly stage?: string;
      /** How many files were removed, or how many bytes are claimed. */
      readonly count?: number;
      /** Whose the claimed file is. */
      readonly uid?: number;
      readonly gid?: number;
    }
  | Rotated
  | {
      readonly type: "trouble";
      /** The stream; empty for the main sink. */
      readonly name: string;
      /** 0: it works again. */
      readonly errno: number;
      readonly text: string;
      readonly path: string;
      readonly lost: number;
    };

const orderType = {
  configure: 1,
  open: 2,
  label: 3,
  drain: 4,
  close: 5,
  reopen: 6,
  begin: 7,
  rotate: 8,
  troubles: 9,
  finish: 10,
  limit: 11,
  expire: 12,
  claim: 13,
  publish: 14,
  abandon: 15,
  route: 16,
} as const;
const troubleType = 128;
const rotatedType = 129;

/** Where a field means what it means to the keeper it has the number it has there. */
const tag = {
  errno: 1,
  text: 2,
  pid: 12,
  name: 20,
  uid: 21,
  gid: 22,
  path: 24,
  mode: 28,
  stage: 79,
  lost: 80,
  count: 83,
  group: 128,
  recent: 129,
  raw: 130,
  program: 131,
  keep: 132,
  output: 133,
  format: 134,
  partial: 135,
  syslog: 136,
  oldFiles: 137,
  larger: 138,
  before: 139,
  suffix: 140,
  destination: 150,
  rule: 151,
  host: 152,
  burst: 153,
  seconds: 154,
  mark: 155,
  source: 156,
} as const;
const ruleTag = { facilities: 1, priorities: 2, destination: 3, stop: 4, tag: 5 } as const;

const frameHeader = 12;
const quietFlag = 2;

/** What a stream is read from: where it is not a pipe, a socket of the system log, the kernel's log, or nothing. */
const sources = { nothing: 1, socket: 2, "kernel-log": 3 } as const;

/** @param quiet whether only a failure is to be answered */
export function encodeOrder(number: number, order: Order, quiet = false): Uint8Array {
  const writer = new FrameWriter();
  writer.item(orderType[order.op], () => encodeFields(writer, order));
  return writer.finish(frameKind.request, quiet ? quietFlag : 0, number);
}

function encodeFields(writer: FrameWriter, order: Order): void {
  const text = (field: number, value: string | undefined): void => {
    if (value !== undefined && value !== "") writer.text(field, value);
  };
  const integer = (field: number, value: number | undefined): void => {
    if (value !== undefined) writer.integer(field, value);
  };
  const flag = (field: number, value: boolean): void => {
    if (value) writer.integer(field, 1);
  };
  const owner = (of: FileOwner): void => {
    if ("file" in of) file(of.file);
    else text(tag.name, of.name);
  };
  const file = ({ path, uid, gid, groups = [] }: LogFile): void => {
    text(tag.path, path);
    integer(tag.uid, uid);
    integer(tag.gid, gid);
    for (const group of groups) writer.integer(tag.group, group);
  };
  switch (order.op) {
    case "configure":
      text(tag.path, order.sink.path);
      integer(tag.mode, order.sink.mode);
      for (const output of order.sink.outputs ?? []) writer.integer(tag.output, output);
      text(tag.syslog, order.sink.syslog);
      flag(tag.format, order.sink.format === "json");
      flag(tag.keep, order.keep);
      break;
    case "open":
      text(tag.name, order.name);
      text(tag.program, order.program);
      integer(tag.pid, order.pid);
      if (order.file !== undefined) file(order.file);
      integer(tag.mode, order.file?.mode);
      text(tag.recent, order.recent);
      flag(tag.raw, order.raw);
      integer(tag.source, order.source && sources[order.source]);
      flag(tag.keep, order.keep);
      break;
    case "label":
      text(tag.name, order.name);
      text(tag.program, order.program);
      integer(tag.pid, order.pid);
      break;
    case "drain":
      text(tag.name, order.name);
      flag(tag.partial, order.partial);
      break;
    case "close":
      text(tag.name, order.name);
      break;
    case "rotate":
      text(tag.name, order.name);
      integer(tag.oldFiles, order.keep);
      integer(tag.larger, order.larger);
      break;
    case "limit":
      integer(tag.larger, order.larger);
      integer(tag.oldFiles, order.keep);
      break;
    case "expire":
      owner(order.of);
      integer(tag.before, order.before);
      integer(tag.oldFiles, order.keep);
      break;
    case "claim":
      owner(order.of);
      integer(tag.larger, order.larger);
      break;
    case "publish":
      text(tag.suffix, order.suffix);
      integer(tag.oldFiles, order.keep);
      break;
    case "route": {
      const { rules, host, rateLimit, markInterval } = order.routes;
      text(tag.name, order.name);
      for (const file of order.files) writer.text(tag.destination, file);
      for (const rule of rules) writer.fields(tag.rule, () => encodeRule(writer, rule));
      text(tag.host, host);
      integer(tag.burst, rateLimit?.messages);
      integer(tag.seconds, rateLimit?.seconds);
      integer(tag.mark, markInterval);
      break;
    }
    case "abandon":
    case "reopen":
    case "begin":
    case "troubles":
    case "finish":
      break;
  }
}

function encodeRule(
  writer: FrameWriter,
  { facilities, priorities, file, tag: word, stop }: SystemLogRoute,
): void {
  writer.integer(ruleTag.facilities, facilities);
  writer.integer(ruleTag.priorities, priorities);
  if (file !== undefined) writer.integer(ruleTag.destination, file);
  if (stop) writer.integer(ruleTag.stop, 1);
  if (word !== undefined) writer.text(ruleTag.tag, word);
}

/** Decodes one message of the log writer; throws a WireError if it is none. */
export function decodeMessage(data: Uint8Array): Message {
  const [frame, ...more] = new FrameDecoder().push(Buffer.from(data));
  const [item, ...others] = frame?.items ?? [];
  const length = item === undefined ? 0 : frameHeader + 8 + item.fields.length;
  if (frame === undefined || item === undefined || more.length + others.length > 0 || length !== data.length)
    throw new WireError("the message is not one frame with one item");
  const fields = new FieldReader(item.fields);
  if (frame.kind === frameKind.result) {
    const path = fields.optionalText(tag.path);
    const stage = fields.optionalText(tag.stage);
    const count = fields.optionalInteger(tag.count);
    const uid = fields.optionalInteger(tag.uid);
    const gid = fields.optionalInteger(tag.gid);
    return {
      type: "answer",
      tag: frame.tag,
      errno: fields.integer(tag.errno),
      text: fields.optionalText(tag.text) ?? "",
      ...(path === undefined ? {} : { path }),
      ...(stage === undefined ? {} : { stage }),
      ...(count === undefined ? {} : { count }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    };
  }
  if (frame.kind === frameKind.event && item.type === rotatedType)
    return {
      type: "rotated",
      name: fields.text(tag.name),
      errno: fields.integer(tag.errno),
      text: fields.text(tag.text),
      path: fields.text(tag.path),
    };
  if (frame.kind !== frameKind.event || item.type !== troubleType)
    throw new WireError(`a message of kind ${frame.kind} and type ${item.type} is unknown`);
  return {
    type: "trouble",
    name: fields.text(tag.name),
    errno: fields.integer(tag.errno),
    text: fields.text(tag.text),
    path: fields.text(tag.path),
    lost: fields.integer(tag.lost),
  };
}
