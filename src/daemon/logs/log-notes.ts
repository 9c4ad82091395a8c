// What a new daemon must know of the logs of an earlier one, as notes in the keeper: the sink and the open streams.
// A writer that dies after the daemon did is so told everything again, whoever runs then.

import { recordedId } from "../boot-record/services.js";
import type { Inventory, Request } from "../keeper/types.js";
import { decodeNote, encodeNote, NewerNotesError } from "../notes-format.js";
import type { LogFile, Sink } from "./messages.js";
import type { SystemLogSetup } from "./system-log.js";

export interface Stream {
  readonly pipe: string;
  readonly program: string;
  readonly pid?: number;
  readonly file?: LogFile;
}

interface Noted {
  readonly sink: Sink | undefined;
  readonly streams: Map<string, Stream>;
  /** The pid of the writer that was told everything. */
  readonly writer: number | undefined;
  readonly systemLog: SystemLogSetup | undefined;
}

const sinkKey = "log-sink";
const writerKey = "log-writer";
const systemLogKey = "log-system";
/** As short as the prefix of the pipes, so that every name which fits there fits here. */
const streamPrefix = "log:";

export function noteSink(sink: Sink): Request {
  return put(sinkKey, sink);
}

export function noteWriter(pid: number): Request {
  return put(writerKey, pid);
}

/** @param setup undefined: there is no system log any more */
export function noteSystemLog(setup: SystemLogSetup | undefined): Request {
  return setup === undefined ? { op: "delete-note", key: systemLogKey } : put(systemLogKey, setup);
}

export function noteStream(name: string, stream: Stream): Request {
  return put(streamPrefix + name, stream);
}

export function forgetStream(name: string): Request {
  return { op: "delete-note", key: streamPrefix + name };
}

export function readNotes(inventory: Inventory): Noted {
  const streams = new Map<string, Stream>();
  const pids = new Map(inventory.children.map(({ id, pid }) => [id, pid]));
  for (const key of inventory.notes.keys()) {
    const found = key.startsWith(streamPrefix) ? read(inventory, key) : undefined;
    if (found === undefined) continue;
    const name = key.slice(streamPrefix.length);
    // What the keeper has started from the record of a boot nobody has labelled yet.
    const pid = pids.get(recordedId(name));
    streams.set(name, { ...(pid === undefined ? {} : { pid }), ...(found as Stream) });
  }
  return {
    streams,
    sink: read(inventory, sinkKey) as Sink | undefined,
    writer: read(inventory, writerKey) as number | undefined,
    systemLog: read(inventory, systemLogKey) as SystemLogSetup | undefined,
  };
}

function put(key: string, body: unknown): Request {
  return { op: "put-note", key, value: encodeNote(body) };
}

function read(inventory: Inventory, key: string): unknown {
  const bytes = inventory.notes.get(key);
  if (bytes === undefined) return undefined;
  try {
    return decodeNote(key, bytes);
  } catch (error) {
    if (error instanceof NewerNotesError) throw error;
    return undefined;
  }
}
