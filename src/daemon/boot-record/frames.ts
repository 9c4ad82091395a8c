// The frames of a record: what must be as it was, notes that make whatever is done of it a boot in whose midst the daemon
// has died, and the starts themselves.

import { basename } from "node:path";
import { pipeName } from "../constructors/process-spec.js";
import type { ServiceState } from "../controller/state.js";
import { dataOf } from "../definition/as-data.js";
import type { ServiceDefinition } from "../definition/types.js";
import type { Request } from "../keeper/types.js";
import { encodeRequests } from "../keeper/wire.js";
import { noteStream } from "../logs/log-notes.js";
import {
  type BootRecordNote,
  bootRecordKey,
  definitionPrefix,
  type SystemNote,
  servicePrefix,
  systemKey,
} from "../notes.js";
import { encodeNote } from "../notes-format.js";
import { type RecordedService, recordedId } from "./services.js";
import { unknownTime } from "./times.js";

export interface RecordedBoot {
  /** What the rest depends on. */
  readonly expectations: readonly Request[];
  readonly system: SystemNote;
  /** All that are in force. */
  readonly definitions: readonly ServiceDefinition[];
  /** The canonical names of what the boot starts. */
  readonly wanted: readonly string[];
  readonly groups: readonly (readonly RecordedService[])[];
  /** The directories of cgroups above those of the services. */
  readonly directories: readonly string[];
}

/** Bytes of notes in one frame, which may have a megabyte. */
const frameBudget = 256 * 1024;

/** Throws where something is too large for a frame. */
export function encodeRecord(boot: RecordedBoot): Buffer {
  const head = Buffer.alloc(12);
  head.write("SHEPBOOT");
  head.writeUInt32LE(1, 8);
  return Buffer.concat([head, ...framesOf(boot).map((requests) => encodeRequests(requests, 0, true))]);
}

export function framesOf(boot: RecordedBoot): readonly (readonly Request[])[] {
  const { expectations, system, definitions, wanted, groups, directories } = boot;
  const names = new Set([...wanted, ...groups.flat().map(({ name }) => name)]);
  const wish: Partial<ServiceState> = { wanted: "start", wantedSince: unknownTime };
  return [
    expectations,
    ...inFrames([...names].map((name) => put(servicePrefix + name, wish))),
    // As at every boot: what is wanted, then what is in force, then the definitions.
    [put(systemKey, system), boundary(false)],
    ...inFrames(definitions.map((one) => put(definitionPrefix + one.provision[0], dataOf(one)))),
    ...(directories.length === 0 ? [] : [directories.map(made)]),
    ...groups.flatMap((group) => [...group.map(startOf), [{ op: "await-started" } as const]]),
    [boundary(true)],
  ];
}

function boundary(complete: boolean): Request {
  const note: BootRecordNote = { complete };
  return put(bootRecordKey, note);
}

function put(key: string, body: object): Request & { readonly op: "put-note" } {
  return { op: "put-note", key, value: encodeNote(body) };
}

function made(path: string): Request {
  return { op: "make-directory", path };
}

/** What a service's start is to the keeper. The note comes after the spawn: where that fails, it stays wanted. */
function startOf({ name, data, spec }: RecordedService): readonly Request[] {
  const { mark: _, ...rest } = spec;
  const id = recordedId(name);
  const owner = {
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.gid === undefined ? {} : { gid: spec.gid }),
  };
  const pipe = pipeName(name);
  const { logFile } = data.options;
  const stream = {
    pipe,
    program: basename(data.command[0]),
    ...(logFile === undefined ? {} : { file: { path: logFile, ...owner } }),
  };
  const starting: Partial<ServiceState> = {
    status: "starting",
    processes: [{ id }],
    statusChanges: [{ status: "starting", time: unknownTime }],
  };
  return [
    { op: "pipe", name: pipe, ...owner },
    noteStream(name, stream),
    ...(spec.cgroup === undefined ? [] : [made(spec.cgroup)]),
    { op: "spawn", id, spec: rest, mark: `.${encodeURIComponent(id)}` },
    put(servicePrefix + name, starting),
  ];
}

function inFrames(notes: readonly (Request & { readonly op: "put-note" })[]): (readonly Request[])[] {
  const frames: Request[][] = [];
  let room = 0;
  for (const note of notes) {
    const size = note.key.length + note.value.length + 64;
    if (frames.length === 0 || size > room) {
      frames.push([]);
      room = frameBudget;
    }
    frames.at(-1)?.push(note);
    room -= size;
  }
  return frames;
}
