// The messages between daemon and log writer: docs/log-writer.md §2 as TypeScript types, and their codec.

import { FieldReader, FrameDecoder, FrameWriter, frameKind, WireError } from "../keeper/frame.js";

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

export type Order =
  | { readonly op: "configure"; readonly sink: Sink; readonly keep: boolean }
  | {
      readonly op: "open";
      readonly name: string;
      readonly program: string;
      readonly pid?: number;
      readonly file?: LogFile;
      readonly recent?: string;
      readonly raw: boolean;
      /** Take the stream over even if its file cannot be opened. */
      readonly keep: boolean;
    }
  | { readonly op: "label"; readonly name: string; readonly program: string; readonly pid: number }
  | { readonly op: "drain"; readonly name?: string; readonly partial: boolean }
  | { readonly op: "close"; readonly name: string }
  | { readonly op: "reopen" }
  | { readonly op: "begin" }
  /** Without a name it is the main sink's file. */
  | { readonly op: "rotate"; readonly name?: string; readonly keep: number }
  | { readonly op: "troubles" }
  | { readonly op: "finish" };

export type Message =
  | {
      readonly type: "answer";
      readonly tag: number;
      readonly errno: number;
      readonly text: string;
      /** What an order was about or, of a rotation, the file that it made. */
      readonly path?: string;
      readonly stage?: string;
    }
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
} as const;
const troubleType = 128;

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
} as const;

const frameHeader = 12;

export function encodeOrder(number: number, order: Order): Uint8Array {
  const writer = new FrameWriter();
  writer.item(orderType[order.op], () => encodeFields(writer, order));
  return writer.finish(frameKind.request, 0, number);
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
      text(tag.path, order.file?.path);
      integer(tag.mode, order.file?.mode);
      integer(tag.uid, order.file?.uid);
      integer(tag.gid, order.file?.gid);
      for (const group of order.file?.groups ?? []) writer.integer(tag.group, group);
      text(tag.recent, order.recent);
      flag(tag.raw, order.raw);
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
      break;
    case "reopen":
    case "begin":
    case "troubles":
    case "finish":
      break;
  }
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
    return {
      type: "answer",
      tag: frame.tag,
      errno: fields.integer(tag.errno),
      text: fields.optionalText(tag.text) ?? "",
      ...(path === undefined ? {} : { path }),
      ...(stage === undefined ? {} : { stage }),
    };
  }
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
