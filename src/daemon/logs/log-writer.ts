// The daemon's side of the log writer: which streams there are and where they go. Lines never come here.

import { rm } from "node:fs/promises";
import { constants } from "node:os";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Succession } from "../constructors/host.js";
import { errorText } from "../error-text.js";
import type { Keeper, KeeperEvent, Request } from "../keeper/types.js";
import { Outbox } from "../outbox.js";
import { type LogLine, readHistory, recentFiles } from "./history.js";
import {
  forgetStream,
  noteSink,
  noteStream,
  noteSystemLog,
  noteWriter,
  readNotes,
  type Stream,
} from "./log-notes.js";
import {
  decodeMessage,
  encodeOrder,
  type FileOrder,
  type LogFile,
  type Message,
  type Order,
  type Rotated,
  type Sink,
} from "./messages.js";
import {
  type Answer,
  type Answered,
  LogError,
  OrderQueue,
  type QueuedOrder,
  unawaited,
} from "./order-queue.js";
import { SystemLog } from "./system-log.js";
import { describeTrouble, Troubles } from "./troubles.js";
import { control, WriterProcess } from "./writer-process.js";

export type { LogLine } from "./history.js";
export type { LogFile, Sink } from "./messages.js";
export { LogError } from "./order-queue.js";
export type { SystemLogSetup } from "./system-log.js";

/** Stands where the keeper puts a pid: no name can have these bytes, which are no UTF-8. */
const unlikely = 0x1f_ff_fe_fd_fc_fb_fa;
const unlikelyBytes = Buffer.from([0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0x1f, 0]);
/** The daemon's own pipe, which the keeper made, and its stream: no service has that name. */
const daemonPipe = "log/daemon";
const daemonOrder: QueuedOrder = {
  order: { op: "open", name: daemonPipe, program: "", raw: true, keep: true },
  pipe: daemonPipe,
};
const longestFileName = 255;
const { EDQUOT, EIO, ENOSPC, ENOSYS, EROFS } = constants.errno;
/** What may pass without anybody's changing the configuration: a service is not to wait for it. */
const ofTheDisk: ReadonlySet<number> = new Set([EDQUOT, EIO, ENOSPC, EROFS]);
/** How many old files a rotation leaves. */
const oldFiles = 5;
/** How the writer's messages name the main sink, and its outputs. */
const mainSink = "";
const outputNames = { 1: "standard output", 2: "standard error" } as const;

export interface LogWriterOptions {
  readonly keeper: Keeper;
  /** The log writer's executable. */
  readonly program: string;
  /** Where recent histories are kept. */
  readonly runtimeDirectory: string;
  /** Told once for each change: a file that cannot be written, one that can again, a writer that ended. */
  readonly onTrouble: (message: string) => void;
}

export interface StreamOptions {
  readonly name: string;
  /** The pipe's name in the keeper. */
  readonly pipe: string;
  /** The program, which stands before the lines in the main sink. */
  readonly label: string;
  readonly pid?: number;
  /** Without one the lines go to the main sink, and to a recent history. */
  readonly file?: LogFile;
}

/** The size, in bytes, from which on the log writer rotates a file by itself, and how many old ones it keeps. */
export interface SizeLimit {
  readonly larger: number;
  readonly keep: number;
}

/** A file that is logged to, and the stream that it belongs to; none of the main sink's. */
export interface LoggedFile {
  readonly name?: string;
  readonly file: LogFile;
}

export class LogWriter {
  readonly #keeper: Keeper;
  readonly #outbox: Outbox;
  readonly #runtimeDirectory: string;
  readonly #onTrouble: (message: string) => void;
  readonly #process: WriterProcess;
  readonly #queue: OrderQueue;
  /** What is open, as far as is known: a next writer is told of it. */
  readonly #streams: Map<string, Stream>;
  readonly #opening = new Set<string>();
  /** Streams of which this daemon has seen that they were opened. */
  readonly #confirmed = new Set<string>();
  /** The last file of each service, also when it is closed: its tail can still be read. */
  readonly #files = new Map<string, string>();
  readonly #troubles = new Troubles();
  /** What it reads besides the services' pipes. */
  readonly systemLog: SystemLog;
  #sink: Sink | undefined;
  /** Whether writers are told to begin, and the one that was. */
  #begun: boolean;
  #told: number | undefined;
  #pid: number | undefined;
  #runs = false;
  #limit: SizeLimit | undefined;
  /** Told of each file that a size limit has rotated, or failed to. */
  onRotated: ((rotated: Rotated) => void) | undefined;

  constructor({ keeper, program, runtimeDirectory, onTrouble }: LogWriterOptions) {
    this.#keeper = keeper;
    this.#outbox = new Outbox(keeper);
    this.#runtimeDirectory = runtimeDirectory;
    this.#onTrouble = onTrouble;
    this.#queue = new OrderQueue(keeper, control);
    this.#process = new WriterProcess(keeper, program, {
      running: (pid, fresh) => this.#running(pid, fresh),
      ended: () => {
        this.#runs = false;
        this.#queue.close();
      },
      trouble: onTrouble,
    });
    const { sink, streams, writer, systemLog } = readNotes(keeper.inventory);
    this.#sink = sink;
    this.#streams = streams;
    this.#told = writer;
    this.#begun = writer !== undefined;
    this.systemLog = new SystemLog(
      { keeper, queue: this.#queue, recentOf: (name) => this.#recentOf(name), note: noteSystemLog },
      systemLog,
    );
    for (const [name, { file }] of streams) if (file !== undefined) this.#files.set(name, file.path);
  }

  /** Takes over what an earlier daemon left, or starts a writer. Orders may be given before this resolves. */
  async start(): Promise<void> {
    await this.#process.start();
  }

  /** Whether there is a writer, which needs nobody: one that has ended is started again from here. */
  get runs(): boolean {
    return this.#runs;
  }

  /** Grows while it carries out what it is asked. */
  get progress(): number {
    return this.#queue.answered;
  }

  /** Its process, while it lives. */
  get pid(): number | undefined {
    return this.#runs ? this.#pid : undefined;
  }

  /** True if the event was the log writer's; it is acknowledged then. */
  handleEvent(event: KeeperEvent): boolean {
    if (this.#process.handleEvent(event)) return true;
    if (event.type !== "datagram" || event.name !== control) return false;
    const message = this.#decode(event.data);
    const answered = message?.type === "answer" ? this.#queue.take(message) : undefined;
    if (message?.type === "answer" && answered?.store !== undefined) {
      this.#settleWith(message, answered, event).catch((error: unknown) => this.#report(error));
      return true;
    }
    this.#send({ op: "acknowledge", event: event.event });
    if (message?.type === "answer") answered?.settle(message);
    else if (message?.type === "rotated") this.onRotated?.(message);
    else if (message !== undefined && this.#troubles.learn(message))
      // How many lines it will be is not known while it lasts.
      this.#onTrouble(message.errno === 0 ? describeTrouble(message) : message.text);
    return true;
  }

  #decode(data: Uint8Array): Message | undefined {
    try {
      return decodeMessage(data);
    } catch (error) {
      this.#onTrouble(`read the log writer's message: ${String(error)}`);
      return undefined;
    }
  }

  /** An answer with descriptors: the keeper keeps them, or the order has failed. */
  async #settleWith(answer: Answer, { store = "", settle }: Answered, { event }: KeeperEvent): Promise<void> {
    const [result] = await this.#keeper.send([{ op: "acknowledge", event, store }]);
    if (result === undefined || result.errno === 0) {
      settle(answer);
      return;
    }
    // It was not consumed, and whatever comes after it would wait for that.
    this.#send({ op: "acknowledge", event });
    settle({ ...answer, errno: result.errno, text: result.text });
  }

  /** Where the daemon's lines go, and those of services without a file. With the first that succeeds the writer begins. */
  async configureSink(sink: Sink): Promise<void> {
    // On an error the old sink stays in force; without one no line is read before there is somewhere to put it.
    await this.#order({ op: "configure", sink, keep: false });
    if (!this.#begun) {
      this.#begun = true;
      // Services may run already whose streams no writer was ever told of: those of a boot that the keeper has repeated.
      const unopened = this.#openOrders((name) => !this.#confirmed.has(name));
      for (const queued of [...unopened, ...this.#beginning()])
        this.#queue.add(queued).catch((error: unknown) => this.#report(error));
    }
    this.#sink = sink;
    this.#send(noteSink(sink));
    this.#forgetTroubles(mainSink);
  }

  /**
   * Starts, or goes on with, reading a pipe. Rejects with a LogError such as "open /x/y.log: Permission denied"; but
   * what is wrong with a disk rather than with the path is only a trouble.
   */
  async openStream({ name, pipe, label, pid, file }: StreamOptions): Promise<void> {
    const before = this.#streams.get(name);
    const stream: Stream = {
      pipe,
      program: label,
      ...(pid === undefined ? {} : { pid }),
      ...(file === undefined ? {} : { file }),
    };
    if (before !== undefined && this.#confirmed.has(name) && sameDestination(before, stream)) {
      this.label(name, label, pid ?? 0);
      // The label must be there before what a caller spawns next can print.
      this.#queue.flush();
      return;
    }
    this.#opening.add(name);
    try {
      await this.#queue.add({ order: this.#openOrder(name, stream, false), pipe });
    } catch (error) {
      if (!(error instanceof LogError && ofTheDisk.has(error.errno))) throw error;
      await this.#queue.add({ order: this.#openOrder(name, stream, true), pipe });
    } finally {
      this.#opening.delete(name);
    }
    this.#streams.set(name, stream);
    this.#confirmed.add(name);
    if (file === undefined) this.#files.delete(name);
    else this.#files.set(name, file.path);
    this.#send(noteStream(name, stream));
    if (before !== undefined && before.file?.path !== file?.path) this.#forgetTroubles(name);
  }

  /** The names of the streams that are open, those of an earlier daemon too. */
  get services(): readonly string[] {
    return [...this.#streams.keys()];
  }

  /** Whether a stream of that name is open. */
  has(name: string): boolean {
    return this.#streams.has(name);
  }

  /** Whether a stream of that name is open, or is being opened. */
  knows(name: string): boolean {
    return this.has(name) || this.#opening.has(name);
  }

  /** Whose lines they are from now on; pid 0 is not known yet. */
  label(name: string, program: string, pid: number): void {
    const stream = this.#streams.get(name);
    if (stream === undefined || (stream.program === program && (stream.pid ?? 0) === pid)) return;
    const { pid: _, ...rest } = stream;
    const labelled: Stream = { ...rest, program, ...(pid === 0 ? {} : { pid }) };
    this.#streams.set(name, labelled);
    this.#send(noteStream(name, labelled));
    this.#order({ op: "label", name, program, pid }).catch((error: unknown) => this.#report(error));
  }

  /**
   * What tells the writer, where nobody else does, that the process of a stream has ended and another one follows: what it
   * wrote last is written, its number stands before no further line, and then the next one's does. Nobody awaits an answer.
   */
  successionOf(name: string, program: string): Succession | undefined {
    if (!this.#begun || !this.#streams.has(name)) return undefined;
    const label = { op: "label", name, program } as const;
    const encode = (order: Order): Uint8Array => encodeOrder(unawaited, order, true);
    const after = encode({ ...label, pid: unlikely });
    return {
      through: control,
      messages: [encode({ op: "drain", partial: true, name }), encode({ ...label, pid: 0 })],
      after,
      place: Buffer.from(after).indexOf(unlikelyBytes),
    };
  }

  /** Resolves when everything that is in the pipe, or in all pipes, is written, a last line without its end too. */
  async drain(name?: string, { partial = true }: { readonly partial?: boolean } = {}): Promise<void> {
    // Nothing is read before there is somewhere to put it.
    if (!this.#begun) return;
    await this.#order({ op: "drain", partial, ...(name === undefined ? {} : { name }) });
  }

  /** Drains the stream and forgets it; then its pipe may be closed. */
  async closeStream(name: string): Promise<void> {
    await this.#order({ op: "close", name });
    this.#streams.delete(name);
    this.#confirmed.delete(name);
    this.#troubles.forget(name);
    this.#send(forgetStream(name));
  }

  /** Opens every file anew by its path. */
  async reopen(): Promise<void> {
    await this.#order({ op: "reopen" });
  }

  /**
   * Begins a new file for a stream, or for the main sink, and keeps so many old ones. Resolves to the path that the
   * file has now, or to undefined where there was nothing in it. Streams that share the file go on together.
   */
  async rotate(
    name?: string,
    { keep = oldFiles, larger = 0 }: { readonly keep?: number; readonly larger?: number } = {},
  ): Promise<string | undefined> {
    const { path } = await this.#order({
      op: "rotate",
      keep,
      ...(larger === 0 ? {} : { larger }),
      ...(name === undefined ? {} : { name }),
    });
    return path;
  }

  /** Has the writer, and each one after it, rotate files by itself as they grow; undefined: it does not. */
  async limit(limit: SizeLimit | undefined): Promise<void> {
    this.#limit = limit;
    await this.#orderIfKnown(limitOrder(limit));
  }

  /** Carries out an order about files; descriptors that come with its answer are kept as `store.0`, `store.1`. */
  async order(order: FileOrder, store?: string): Promise<Answer> {
    return await this.#queue.add({ order, ...(store === undefined ? {} : { store }) });
  }

  /** Every file that is logged to; several streams may have the same one. */
  get loggedFiles(): readonly LoggedFile[] {
    const own = [...this.#streams].flatMap(([name, { file }]) =>
      file === undefined ? [] : [{ name, file }],
    );
    const path = this.#sink?.path;
    const system = this.systemLog.files.map(({ name, path }) => ({ name, file: { path } }));
    return [...own, ...system, ...(path === undefined ? [] : [{ file: { path } }])];
  }

  /** Drains every stream, and makes the writer end at once when it is told to: nothing more is to come. */
  async finish(): Promise<void> {
    await this.drain();
    await this.#orderIfKnown({ op: "finish" });
  }

  /** What keeps the lines of a stream, or of the main sink, from where they belong, at present. */
  trouble(name?: string): string | undefined {
    const troubles = this.#destinations(name).flatMap(
      ({ stream, path }) => this.#troubles.of(stream, path) ?? [],
    );
    return troubles.length === 0 ? undefined : troubles.map((trouble) => describeTrouble(trouble)).join("; ");
  }

  /** What the writer may tell a trouble of: the stream, or the main sink, and the path. */
  #destinations(name: string | undefined): { readonly stream: string; readonly path: string }[] {
    if (name === undefined) return sinkPaths(this.#sink).map((path) => ({ stream: mainSink, path }));
    if (name === this.systemLog.setup?.service)
      return this.systemLog.files.map(({ name: stream, path }) => ({ stream, path }));
    return this.files(name).map((path) => ({ stream: name, path }));
  }

  /** Where the last lines of a service are kept when they cannot be where they belong. */
  recentFile(name: string): string | undefined {
    return this.#recentOf(name);
  }

  /** The last lines of a service, newest last, also when service, daemon or writer have ended. */
  recent(name: string, count: number): Promise<LogLine[]> {
    return readHistory(this.#files.get(name), this.#recentOf(name), count);
  }

  /** The files that a service logs to. */
  files(name: string): string[] {
    const system = this.systemLog.filesOf(name);
    if (system !== undefined) return [...system];
    const file = this.#files.get(name);
    return file === undefined ? [] : [file];
  }

  /** A closed stream's service is gone for good: so goes its recent history. */
  async forget(name: string): Promise<void> {
    this.#files.delete(name);
    const recent = this.#recentOf(name);
    for (const segment of recent === undefined ? [] : recentFiles(recent)) await rm(segment, { force: true });
  }

  #running(pid: number, fresh: boolean): void {
    this.#pid = pid;
    this.#runs = true;
    // A writer that an earlier daemon had told everything needs nothing from us.
    const known = !fresh && this.#told === pid;
    this.#queue.open(known ? [] : this.#introduction(), (error) => this.#report(error));
    // A new one tells of all that is wrong by itself; what it told an earlier daemon we have not heard.
    if (known) this.#askForTroubles();
    else this.#troubles.clear();
    // Who wants a limit says so again; one that nobody wants any more must not stay.
    if (known && this.#limit === undefined)
      this.limit(undefined).catch((error: unknown) => this.#report(error));
  }

  #askForTroubles(): void {
    this.#orderIfKnown({ op: "troubles" }).catch((error: unknown) => this.#report(error));
  }

  /** The lines have another destination now: what was said of an earlier one must not come back with it. */
  #forgetTroubles(name: string): void {
    this.#troubles.forget(name);
    this.#askForTroubles();
  }

  /** For orders that a writer of an earlier release, which goes on until it ends, does not know and can do without. */
  async #orderIfKnown(order: Order): Promise<void> {
    try {
      await this.#order(order);
    } catch (error) {
      if (!(error instanceof LogError && error.errno === ENOSYS)) throw error;
    }
  }

  /** Everything a new writer must know before it reads the first pipe. */
  #introduction(): QueuedOrder[] {
    if (!this.#begun) return [];
    const streams = this.#openOrders(() => true);
    const sink = this.#sink;
    const configure: QueuedOrder[] =
      sink === undefined ? [] : [{ order: { op: "configure", sink, keep: true } }];
    const limit: QueuedOrder[] = this.#limit === undefined ? [] : [{ order: limitOrder(this.#limit) }];
    return [...configure, ...limit, ...streams, ...this.systemLog.introduction(), ...this.#beginning()];
  }

  #openOrders(isMeant: (name: string) => boolean): QueuedOrder[] {
    return [...this.#streams]
      .filter(([name]) => isMeant(name))
      .map(([name, stream]) => ({ order: this.#openOrder(name, stream, true), pipe: stream.pipe }));
  }

  #beginning(): QueuedOrder[] {
    const along = this.#pid === undefined ? [] : [noteWriter(this.#pid)];
    return [daemonOrder, { order: { op: "begin" }, along }];
  }

  #openOrder(name: string, { program, pid, file }: Stream, keep: boolean): Order {
    const recent = this.#recentOf(name);
    return {
      op: "open",
      name,
      program,
      ...(pid === undefined ? {} : { pid }),
      ...(file === undefined ? {} : { file }),
      ...(recent === undefined ? {} : { recent }),
      raw: false,
      keep,
    };
  }

  /** Undefined where the name is too long for a file's. */
  #recentOf(name: string): string | undefined {
    const recent = join(this.#runtimeDirectory, `${encodeURIComponent(Buffer.from(name).toString())}.recent`);
    return recentFiles(basename(recent)).every((file) => file.length <= longestFileName) ? recent : undefined;
  }

  #order(order: Order): Promise<Answer> {
    return this.#queue.add({ order });
  }

  /** In one frame with what else is sent so at once, and before what anybody asks of the keeper who waits for us. */
  #send(...requests: readonly Request[]): void {
    this.#outbox.post(...requests).catch((error: unknown) => this.#report(error));
    queueMicrotask(() => this.#outbox.flush());
  }

  #report(error: unknown): void {
    this.#onTrouble(errorText(error));
  }
}

function limitOrder(limit: SizeLimit | undefined): Order {
  return limit === undefined ? { op: "limit", larger: 0, keep: oldFiles } : { op: "limit", ...limit };
}

function sameDestination(a: Stream, b: Stream): boolean {
  return a.pipe === b.pipe && isDeepStrictEqual(a.file, b.file);
}

/** The destinations of the main sink, as the writer calls them. */
function sinkPaths({ path, outputs = [], syslog }: Sink = {}): string[] {
  return [
    ...(path === undefined ? [] : [path]),
    ...outputs.map((output) => outputNames[output]),
    ...(syslog === undefined ? [] : ["system log"]),
  ];
}
