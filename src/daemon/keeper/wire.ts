// The codec of docs/keeper-protocol.md §4 to §7: typed requests to frames, frames to typed results, events and records.

import { encodeFields as encodeFieldsOf } from "../../protocol/fields.js";
import { FieldReader, type Frame, FrameWriter, frameKind, stopAtFirstFailure, WireError } from "./frame.js";
import type {
  ChildRecord,
  DescriptorRecord,
  DescriptorSource,
  EventHeader,
  KeeperEvent,
  KeeperRecord,
  MountAction,
  Name,
  Request,
  ResourceLimit,
  Result,
  SetupFailure,
  SpawnSpec,
  Successor,
  TimerRecord,
} from "./types.js";

// The numbers. A field's number means the same in requests, results, events and records.

const tag = {
  errno: 1,
  text: 2,
  version: 10,
  id: 10,
  spec: 11,
  pid: 12,
  start: 13,
  alive: 14,
  signal: 15,
  scope: 16,
  name: 20,
  uid: 21,
  gid: 22,
  family: 23,
  address: 24,
  path: 24,
  port: 25,
  type: 26,
  backlog: 27,
  mode: 28,
  reusePort: 29,
  v6Only: 30,
  slot: 31,
  daemon: 32,
  directoryMode: 33,
  peer: 34,
  size: 35,
  flags: 36,
  unlink: 37,
  on: 38,
  watched: 38,
  connection: 39,
  local: 40,
  remote: 41,
  remotePort: 42,
  through: 43,
  data: 44,
  key: 45,
  value: 46,
  clock: 47,
  at: 48,
  kill: 49,
  event: 50,
  store: 51,
  silence: 52,
  culprit: 53,
  orphans: 54,
  grace: 55,
  deaths: 56,
  window: 57,
  deadline: 58,
  how: 59,
  code: 60,
  reason: 61,
  init: 62,
  initial: 63,
  generation: 64,
  rescue: 65,
  manager: 66,
  release: 67,
  stdio: 68,
  bootId: 69,
  reaped: 70,
  state: 71,
  cgroup: 72,
  adopted: 73,
  kind: 74,
  status: 75,
  user: 76,
  system: 77,
  memory: 78,
  stage: 79,
  lost: 80,
  descriptors: 81,
  truncated: 82,
  count: 83,
  restartReason: 84,
  freeBind: 85,
  transparent: 86,
  interface: 87,
  protocol: 88,
  fifo: 89,
  level: 90,
  option: 91,
  amount: 92,
  ownMark: 93,
  inode: 94,
  modified: 95,
  changed: 96,
  absent: 97,
  timers: 98,
  child: 99,
  after: 100,
  place: 101,
  alone: 110,
  successor: 111,
  successorPid: 112,
  successorStart: 113,
  standsBy: 114,
} as const;

const limitTag = { resource: 1, soft: 2, hard: 3 } as const;
const schedulerTag = { policy: 1, priority: 2, resetOnFork: 3 } as const;
const terminalTag = { name: 1, path: 2 } as const;
const descriptorTag = { target: 1, name: 2, path: 3, flags: 4, mode: 5, own: 6 } as const;
const listenTag = { name: 1, as: 2 } as const;
const mountTag = { kind: 1, path: 2, source: 3, options: 4, optional: 5, recursive: 6 } as const;
const groupTag = { group: 7, set: 8 } as const;
const slotTag = { number: 1, descriptor: 2, family: 3 } as const;
const daemonDescriptorTag = 2;

const helloType = 1;
const recordType = { keeper: 64, child: 65, descriptor: 66, note: 67, timer: 68 } as const;
const eventType = {
  childStarted: 128,
  childEnded: 129,
  orphanEnded: 130,
  readable: 131,
  datagram: 132,
  timerFired: 133,
  clockWasSet: 134,
  signal: 135,
  daemonRestarted: 136,
} as const;

const families = { unix: 1, ipv4: 2, ipv6: 10 } as const;
const socketTypes = { stream: 1, datagram: 2, seqpacket: 5 } as const;
const clocks = { realtime: 0, monotonic: 1, boottime: 7 } as const;
const scopes = { process: 0, group: 1, cgroup: 2 } as const;
const endings = { exit: 0, "power-off": 1, reboot: 2, halt: 3, kexec: 4 } as const;
const sessions = { none: 0, session: 1, group: 2 } as const;
const namespaces = { mount: 1, network: 2, ipc: 3, uts: 4, user: 5, cgroup: 6 } as const;
const propagations = { slave: 0, private: 1, shared: 2 } as const;
const mountKinds = {
  bind: 1,
  "read-only": 2,
  "read-write": 3,
  "no-exec": 4,
  exec: 5,
  inaccessible: 6,
  tmpfs: 7,
  proc: 8,
  mqueue: 9,
  devices: 10,
} as const;
const states = { setup: 0, running: 1, ended: 2 } as const;
const kinds = {
  other: 0,
  pipe: 1,
  listener: 2,
  notify: 3,
  connection: 4,
  memory: 5,
  "socket-pair": 6,
} as const;
const restartReasons = { died: 0, silent: 1, malformed: 2, relaunch: 3, woken: 4 } as const;
/** A resource limit with all bits set is no limit. */
const infinity = 2n ** 64n - 1n;

// Encoding

type Encoder<Value> = (writer: FrameWriter, value: Value) => void;
/** One encoder for each property, so that a property which nobody encodes is a compile error. */
type Encoders<Message> = { readonly [Key in keyof Message]-?: Encoder<NonNullable<Message[Key]>> };

const integer =
  (number: number): Encoder<number | bigint> =>
  (writer, value) =>
    writer.integer(number, value);
const text =
  (number: number): Encoder<string> =>
  (writer, value) =>
    writer.text(number, value);
const bytes =
  (number: number): Encoder<Uint8Array> =>
  (writer, value) =>
    writer.bytes(number, value);
const boolean =
  (number: number): Encoder<boolean> =>
  (writer, value) =>
    writer.integer(number, value ? 1 : 0);
/** Present or absent: `false` is not sent. */
const flag =
  (number: number): Encoder<boolean> =>
  (writer, value) => {
    if (value) writer.integer(number, 1);
  };
const choice =
  <Word extends string>(number: number, words: Readonly<Record<Word, number>>): Encoder<Word> =>
  (writer, value) =>
    writer.integer(number, words[value]);
const list =
  <Value>(encoder: Encoder<Value>): Encoder<readonly Value[]> =>
  (writer, values) => {
    for (const value of values) encoder(writer, value);
  };
/** As `list`, for lists that services have in common: what one is written as is kept for as long as the list itself. */
const shared = (encoder: Encoder<string>): Encoder<readonly string[]> => {
  const known = new WeakMap<readonly string[], Uint8Array>();
  const encode = list(encoder);
  return (writer, values) => {
    const fields = known.get(values);
    if (fields !== undefined) {
      writer.again(fields);
      return;
    }
    const start = writer.length;
    encode(writer, values);
    known.set(values, writer.since(start));
  };
};
const nested =
  <Message extends object>(number: number, encoders: Encoders<Message>): Encoder<Message> =>
  (writer, message) =>
    writer.fields(number, () => encodeFields(writer, encoders, message));

function encodeFields<Message extends object>(
  writer: FrameWriter,
  encoders: Encoders<Message>,
  message: Message,
): void {
  for (const key in encoders) {
    const value = message[key];
    if (value === undefined || value === null) continue;
    try {
      encoders[key](writer, value);
    } catch (error) {
      throw error instanceof WireError ? error.within(key) : error;
    }
  }
}

const encodeGroups: Encoder<readonly number[]> = (writer, groups) => {
  if (groups.length === 0) writer.integer(groupTag.set, 1);
  for (const group of groups) writer.integer(groupTag.group, group);
};

const encodeLimit =
  (number: number): Encoder<ResourceLimit> =>
  (writer, limit) =>
    writer.fields(number, () => {
      writer.integer(limitTag.resource, limit.resource);
      writer.integer(limitTag.soft, limit.soft ?? infinity);
      writer.integer(limitTag.hard, limit.hard ?? infinity);
    });

const encodeTerminal =
  (number: number): Encoder<NonNullable<SpawnSpec["terminal"]>> =>
  (writer, terminal) =>
    writer.fields(number, () => {
      if ("name" in terminal) writer.text(terminalTag.name, terminal.name);
      else writer.text(terminalTag.path, terminal.path);
    });

const encodeDescriptor =
  (number: number): Encoder<{ readonly target: number; readonly source: DescriptorSource }> =>
  (writer, { target, source }) =>
    writer.fields(number, () => {
      writer.integer(descriptorTag.target, target);
      if ("name" in source) writer.text(descriptorTag.name, source.name);
      else if ("own" in source) writer.integer(descriptorTag.own, source.own);
      else {
        writer.text(descriptorTag.path, source.path);
        writer.integer(descriptorTag.flags, source.flags);
        if (source.mode !== undefined) writer.integer(descriptorTag.mode, source.mode);
      }
    });

/** Every property that some kind of mount has. */
interface AnyMount {
  readonly kind: MountAction["kind"];
  readonly path?: string;
  readonly source?: string;
  readonly options?: string;
  readonly optional?: boolean;
  readonly recursive?: boolean;
}

const encodeMount: Encoder<AnyMount> = nested<AnyMount>(68, {
  kind: choice(mountTag.kind, mountKinds),
  path: text(mountTag.path),
  source: text(mountTag.source),
  options: text(mountTag.options),
  optional: flag(mountTag.optional),
  recursive: flag(mountTag.recursive),
});

const specEncoders: Encoders<SpawnSpec> = {
  program: text(1),
  arguments: list(text(2)),
  environment: shared(text(3)),
  directory: text(4),
  uid: integer(5),
  gid: integer(6),
  groups: encodeGroups,
  umask: integer(9),
  limits: list(encodeLimit(10)),
  nice: integer(11),
  scheduler: nested<NonNullable<SpawnSpec["scheduler"]>>(12, {
    policy: integer(schedulerTag.policy),
    priority: integer(schedulerTag.priority),
    resetOnFork: flag(schedulerTag.resetOnFork),
  }),
  ioPriority: integer(13),
  oomScoreAdjustment: integer(14),
  noNewPrivileges: flag(15),
  boundingCapabilities: integer(16),
  ambientCapabilities: integer(17),
  inheritableCapabilities: integer(18),
  secureBits: integer(19),
  session: choice(20, sessions),
  terminal: encodeTerminal(21),
  descriptors: list(encodeDescriptor(22)),
  listen: list(nested(23, { name: text(listenTag.name), as: text(listenTag.as) })),
  cgroup: text(24),
  parentDeathSignal: integer(25),
  mark: text(26),
  socketEnvironment: text(27),
  ignoredSignals: list(integer(28)),
  processors: list(integer(29)),
  pidVariable: text(30),
  namespaces: list(choice(64, namespaces)),
  networkNamespacePath: text(65),
  ipcNamespacePath: text(66),
  mountPropagation: choice(67, propagations),
  mounts: list(encodeMount),
  rootDirectory: text(69),
  personality: integer(70),
  systemCallFilters: list(bytes(71)),
};

type Operation = Request["op"];
type RequestTable = {
  readonly [Op in Operation]: {
    readonly type: number;
    readonly fields: Encoders<Omit<Extract<Request, { readonly op: Op }>, "op">>;
  };
};

const requests: RequestTable = {
  spawn: {
    type: 2,
    fields: { id: text(tag.id), spec: nested(tag.spec, specEncoders), mark: text(tag.ownMark) },
  },
  adopt: {
    type: 3,
    fields: {
      id: text(tag.id),
      pid: integer(tag.pid),
      start: integer(tag.start),
      cgroup: text(tag.cgroup),
    },
  },
  "signal-child": {
    type: 4,
    fields: { id: text(tag.id), signal: integer(tag.signal), scope: choice(tag.scope, scopes) },
  },
  "signal-process": {
    type: 5,
    fields: { pid: integer(tag.pid), start: integer(tag.start), signal: integer(tag.signal) },
  },
  pipe: { type: 6, fields: { name: text(tag.name), uid: integer(tag.uid), gid: integer(tag.gid) } },
  listen: {
    type: 7,
    fields: {
      name: text(tag.name),
      family: choice(tag.family, families),
      address: text(tag.address),
      port: integer(tag.port),
      type: choice(tag.type, socketTypes),
      backlog: integer(tag.backlog),
      mode: integer(tag.mode),
      uid: integer(tag.uid),
      gid: integer(tag.gid),
      reusePort: flag(tag.reusePort),
      v6Only: boolean(tag.v6Only),
      slot: integer(tag.slot),
      daemon: flag(tag.daemon),
      directoryMode: integer(tag.directoryMode),
      freeBind: flag(tag.freeBind),
      transparent: flag(tag.transparent),
      interface: text(tag.interface),
      protocol: integer(tag.protocol),
    },
  },
  "socket-pair": {
    type: 8,
    fields: { name: text(tag.name), peer: text(tag.peer), type: choice(tag.type, socketTypes) },
  },
  "memory-file": { type: 9, fields: { name: text(tag.name), size: integer(tag.size) } },
  open: {
    type: 10,
    fields: {
      name: text(tag.name),
      path: text(tag.path),
      flags: integer(tag.flags),
      mode: integer(tag.mode),
      fifo: flag(tag.fifo),
      uid: integer(tag.uid),
      gid: integer(tag.gid),
      directoryMode: integer(tag.directoryMode),
    },
  },
  "notify-socket": {
    type: 11,
    fields: {
      name: text(tag.name),
      path: text(tag.path),
      mode: integer(tag.mode),
      uid: integer(tag.uid),
      gid: integer(tag.gid),
    },
  },
  close: { type: 12, fields: { name: text(tag.name), unlink: flag(tag.unlink) } },
  watch: { type: 13, fields: { name: text(tag.name), on: boolean(tag.on) } },
  accept: { type: 14, fields: { name: text(tag.name), connection: text(tag.connection) } },
  pass: {
    type: 15,
    fields: { through: text(tag.through), names: list(text(tag.name)), data: bytes(tag.data) },
  },
  "put-note": { type: 16, fields: { key: text(tag.key), value: bytes(tag.value) } },
  "delete-note": { type: 17, fields: { key: text(tag.key) } },
  "arm-timer": {
    type: 18,
    fields: {
      id: text(tag.id),
      clock: choice(tag.clock, clocks),
      at: integer(tag.at),
      kill: text(tag.kill),
      signal: integer(tag.signal),
      scope: choice(tag.scope, scopes),
    },
  },
  "disarm-timer": { type: 19, fields: { id: text(tag.id) } },
  acknowledge: { type: 20, fields: { event: integer(tag.event), store: text(tag.store) } },
  configure: {
    type: 21,
    fields: {
      silence: integer(tag.silence),
      culprit: text(tag.culprit),
      orphans: boolean(tag.orphans),
      grace: integer(tag.grace),
      deaths: integer(tag.deaths),
      window: integer(tag.window),
    },
  },
  "begin-shutdown": {
    type: 22,
    fields: { deadline: integer(tag.deadline), how: choice(tag.how, endings), code: integer(tag.code) },
  },
  finish: {
    type: 23,
    fields: { how: choice(tag.how, endings), code: integer(tag.code), grace: integer(tag.grace) },
  },
  relaunch: { type: 24, fields: { reason: text(tag.reason) } },
  hibernate: { type: 25, fields: {} },
  "replace-keeper": { type: 26, fields: { program: text(tag.path) } },
  "tell-manager": { type: 27, fields: { data: text(tag.data) } },
  "set-option": {
    type: 28,
    fields: {
      name: text(tag.name),
      level: integer(tag.level),
      option: integer(tag.option),
      amount: integer(tag.amount),
      value: bytes(tag.value),
    },
  },
  "expect-file": {
    type: 29,
    fields: {
      path: text(tag.path),
      inode: integer(tag.inode),
      size: integer(tag.size),
      modified: integer(tag.modified),
      changed: integer(tag.changed),
      data: bytes(tag.data),
      absent: flag(tag.absent),
    },
  },
  "expect-environment": {
    type: 30,
    fields: { environment: bytes(tag.data), arguments: bytes(tag.value), directory: text(tag.path) },
  },
  "await-started": { type: 31, fields: {} },
  "end-children": {
    type: 33,
    fields: {
      ids: list(text(tag.id)),
      signal: integer(tag.signal),
      scope: choice(tag.scope, scopes),
      clock: choice(tag.clock, clocks),
      at: integer(tag.at),
      timers: text(tag.timers),
    },
  },
  "stand-by": {
    type: 34,
    fields: {
      child: text(tag.child),
      id: text(tag.id),
      spec: nested(tag.spec, specEncoders),
      through: text(tag.through),
      messages: list(bytes(tag.data)),
      after: bytes(tag.after),
      place: integer(tag.place),
    },
  },
  "stand-down": { type: 35, fields: { child: text(tag.child) } },
  "make-directory": { type: 32, fields: { path: text(tag.path), mode: integer(tag.mode) } },
};

/** The highest version of the contract that this daemon speaks. */
const highestVersion = 1;

export function encodeHello(frameTag: number): Buffer {
  const writer = new FrameWriter();
  writer.item(helloType, () => writer.integer(tag.version, highestVersion));
  return writer.finish(frameKind.request, 0, frameTag);
}

/** Encodes one frame; throws a WireError that names the request and the field which cannot be sent. */
export function encodeRequests(list: readonly Request[], frameTag: number, stopOnError: boolean): Buffer {
  const writer = new FrameWriter();
  for (const request of list) encodeRequest(writer, request.op, request);
  return writer.finish(frameKind.request, stopOnError ? stopAtFirstFailure : 0, frameTag);
}

function encodeRequest<Op extends Operation>(
  writer: FrameWriter,
  op: Op,
  request: Omit<Extract<Request, { readonly op: Op }>, "op">,
): void {
  const { type, fields } = requests[op];
  try {
    writer.item(type, () => encodeFields(writer, fields, request));
  } catch (error) {
    throw error instanceof WireError ? error.within(`encode request ${op}`) : error;
  }
}

// Decoding

export type InventoryItem =
  | { readonly type: "keeper"; readonly record: KeeperRecord }
  | { readonly type: "child"; readonly record: ChildRecord }
  | { readonly type: "descriptor"; readonly record: DescriptorRecord }
  | { readonly type: "note"; readonly key: Name; readonly value: Uint8Array }
  | { readonly type: "timer"; readonly record: TimerRecord };

/** What one frame of the keeper says. */
export type Message =
  | { readonly kind: "results"; readonly tag: number; readonly results: readonly TypedResult[] }
  | { readonly kind: "events"; readonly events: readonly KeeperEvent[] }
  | { readonly kind: "inventory"; readonly items: readonly InventoryItem[] };

export interface TypedResult {
  /** Of the request that it answers. */
  readonly type: number;
  readonly result: Result;
}

export function requestType(request: Request): number {
  return requests[request.op].type;
}

/** Throws a WireError for a frame that this version of the contract does not know. */
export function decodeMessage(frame: Frame): Message {
  const { kind, items } = frame;
  if (frame.flags !== 0) throw new WireError(`frame with flags ${frame.flags}`);
  switch (kind) {
    case frameKind.result:
      return {
        kind: "results",
        tag: frame.tag,
        results: items.map(({ type, fields }) => ({
          type,
          result:
            type === helloType
              ? read("result of hello", fields, decodeHello)
              : isSuccess(fields)
                ? success
                : read(`result of request ${type}`, fields, decodeResult),
        })),
      };
    case frameKind.event:
      return { kind: "events", events: items.map(({ type, fields }) => decodeEvent(type, fields)) };
    case frameKind.inventory:
      return { kind: "inventory", items: items.map(({ type, fields }) => decodeRecord(type, fields)) };
    default:
      throw new WireError(`frame of unknown kind ${kind}`);
  }
}

/** Decodes one item, and refuses fields that `decode` did not ask for. */
function read<Value>(what: string, fields: Buffer, decode: (reader: FieldReader) => Value): Value {
  try {
    const reader = new FieldReader(fields);
    const value = decode(reader);
    reader.end();
    return value;
  } catch (error) {
    throw error instanceof WireError ? error.within(what) : error;
  }
}

/** The property `key`, or no property where there is no value. */
function present<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { readonly [Property in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [Property in Key]: Value });
}

function wordOf<Word extends string>(words: Readonly<Record<Word, number>>, number: number): Word {
  for (const word in words) if (words[word] === number) return word;
  throw new WireError(`${number} is none of ${Object.keys(words).join(", ")}`);
}

/** What most requests come to, and nothing beside it. */
const success: Result = Object.freeze({ errno: 0, text: "" });
const successBytes = encodeFieldsOf([[tag.errno, 0]]);

function isSuccess(fields: Buffer): boolean {
  return fields.length === successBytes.length && fields.equals(successBytes);
}

function decodeResult(reader: FieldReader): Result {
  const alive = reader.optionalInteger(tag.alive);
  return {
    errno: reader.integer(tag.errno),
    text: reader.optionalText(tag.text) ?? "",
    ...present("pid", reader.optionalInteger(tag.pid)),
    ...present("start", reader.optionalInteger(tag.start)),
    ...present("alive", alive === undefined ? undefined : alive !== 0),
    ...present("port", reader.optionalInteger(tag.port)),
    ...present("path", reader.optionalText(tag.path)),
    ...present("local", reader.optionalText(tag.local)),
    ...present("remote", reader.optionalText(tag.remote)),
    ...present("remotePort", reader.optionalInteger(tag.remotePort)),
    ...present("uid", reader.optionalInteger(tag.uid)),
    ...present("gid", reader.optionalInteger(tag.gid)),
  };
}

function decodeHello(reader: FieldReader): Result {
  const errno = reader.integer(tag.errno);
  const version = reader.optionalInteger(tag.version);
  if (errno === 0 && version !== highestVersion)
    throw new WireError(`the keeper chose version ${version} of the contract`);
  return { errno, text: reader.optionalText(tag.text) ?? "" };
}

/** An event without the header that all of them have. */
type EventBody<Event = KeeperEvent> = Event extends KeeperEvent ? Omit<Event, keyof EventHeader> : never;

const events: ReadonlyMap<number, (reader: FieldReader) => EventBody> = new Map<
  number,
  (reader: FieldReader) => EventBody
>([
  [
    eventType.childStarted,
    (reader) => ({ type: "child-started", id: reader.text(tag.id), pid: reader.integer(tag.pid) }),
  ],
  [
    eventType.childEnded,
    (reader) => ({
      type: "child-ended",
      id: reader.text(tag.id),
      pid: reader.integer(tag.pid),
      status: reader.integer(tag.status),
      userMicroseconds: reader.integer(tag.user),
      systemMicroseconds: reader.integer(tag.system),
      peakKibibytes: reader.integer(tag.memory),
      ...present("alone", reader.optionalInteger(tag.alone) === 1 ? true : undefined),
      ...present("successor", decodeSuccessor(reader)),
      ...present("failure", decodeFailure(reader)),
    }),
  ],
  [
    eventType.orphanEnded,
    (reader) => ({
      type: "orphan-ended",
      pid: reader.integer(tag.pid),
      start: reader.integer(tag.start),
      status: reader.integer(tag.status),
      lost: reader.integer(tag.lost),
    }),
  ],
  [eventType.readable, (reader) => ({ type: "readable", name: reader.text(tag.name) })],
  [
    eventType.datagram,
    (reader) => ({
      type: "datagram",
      name: reader.text(tag.name),
      data: reader.bytes(tag.data),
      pid: reader.integer(tag.pid),
      uid: reader.integer(tag.uid),
      gid: reader.integer(tag.gid),
      start: reader.integer(tag.start),
      descriptors: reader.integer(tag.descriptors),
      truncated: reader.flag(tag.truncated),
    }),
  ],
  [eventType.timerFired, (reader) => ({ type: "timer-fired", id: reader.text(tag.id) })],
  [eventType.clockWasSet, () => ({ type: "clock-was-set" })],
  [
    eventType.signal,
    (reader) => ({
      type: "signal",
      signal: reader.integer(tag.signal),
      pid: reader.integer(tag.pid),
      uid: reader.integer(tag.uid),
      count: reader.integer(tag.count),
    }),
  ],
  [
    eventType.daemonRestarted,
    (reader) => ({
      type: "daemon-restarted",
      status: reader.integer(tag.status),
      reason: wordOf(restartReasons, reader.integer(tag.restartReason)),
      text: reader.optionalText(tag.text) ?? "",
      deaths: reader.integer(tag.deaths),
      generation: reader.integer(tag.generation),
    }),
  ],
]);

function decodeFailure(reader: FieldReader): SetupFailure | undefined {
  const stage = reader.optionalText(tag.stage);
  if (stage === undefined) return undefined;
  return { stage, errno: reader.integer(tag.errno), text: reader.optionalText(tag.text) ?? "" };
}

function decodeSuccessor(reader: FieldReader): Successor | undefined {
  const id = reader.optionalText(tag.successor);
  if (id === undefined) return undefined;
  return { id, pid: reader.integer(tag.successorPid), start: reader.integer(tag.successorStart) };
}

function decodeEvent(type: number, fields: Buffer): KeeperEvent {
  const decodeBody = events.get(type);
  if (decodeBody === undefined) throw new WireError(`event of unknown type ${type}`);
  return read(`event ${type}`, fields, (reader) => ({
    event: reader.big(tag.event),
    at: reader.big(tag.at),
    ...decodeBody(reader),
  }));
}

function decodeRecord(type: number, fields: Buffer): InventoryItem {
  return read(`record ${type}`, fields, (reader): InventoryItem => {
    switch (type) {
      case recordType.keeper:
        return { type: "keeper", record: decodeKeeper(reader) };
      case recordType.child:
        return {
          type: "child",
          record: {
            id: reader.text(tag.id),
            pid: reader.integer(tag.pid),
            start: reader.integer(tag.start),
            state: wordOf(states, reader.integer(tag.state)),
            spawned: reader.big(tag.at),
            ...present("cgroup", reader.optionalText(tag.cgroup)),
            adopted: reader.flag(tag.adopted),
            ...present("standsBy", reader.optionalInteger(tag.standsBy) === 1 ? true : undefined),
          },
        };
      case recordType.descriptor:
        return {
          type: "descriptor",
          record: {
            name: reader.text(tag.name),
            kind: wordOf(kinds, reader.integer(tag.kind)),
            ...present("path", reader.optionalText(tag.path)),
            watched: reader.flag(tag.watched),
            ...present("daemonDescriptor", reader.optionalInteger(daemonDescriptorTag)),
          },
        };
      case recordType.note:
        return { type: "note", key: reader.text(tag.key), value: reader.bytes(tag.value) };
      case recordType.timer:
        return {
          type: "timer",
          record: {
            id: reader.text(tag.id),
            clock: wordOf(clocks, reader.integer(tag.clock)),
            at: reader.big(tag.at),
            ...present("kill", reader.optionalText(tag.kill)),
          },
        };
      default:
        throw new WireError("the type is unknown");
    }
  });
}

function decodeKeeper(reader: FieldReader): KeeperRecord {
  reader.integer(tag.version);
  const terminals = reader.integer(tag.stdio);
  return {
    pid: reader.integer(tag.pid),
    started: reader.big(tag.at),
    init: reader.flag(tag.init),
    initial: reader.flag(tag.initial),
    generation: reader.integer(tag.generation),
    rescue: reader.flag(tag.rescue),
    slots: reader.list(tag.slot).map((fields) => read("slot", fields, decodeSlot)),
    manager: reader.flag(tag.manager),
    release: reader.text(tag.release),
    terminals: [(terminals & 1) !== 0, (terminals & 2) !== 0, (terminals & 4) !== 0],
    bootId: reader.text(tag.bootId),
    orphans: reader.integer(tag.reaped),
  };
}

function decodeSlot(reader: FieldReader): KeeperRecord["slots"][number] {
  return {
    number: reader.integer(slotTag.number),
    descriptor: reader.integer(slotTag.descriptor),
    family: wordOf(families, reader.integer(slotTag.family)),
  };
}
