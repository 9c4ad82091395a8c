// The daemon's side of the log writer: which streams there are and where they go. Lines never come here.

import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { errorText } from "../error-text.js";
import type { Keeper, KeeperEvent, Request } from "../keeper/types.js";
import { type LogLine, readHistory, recentFiles } from "./history.js";
import { forgetStream, noteSink, noteStream, noteWriter, readNotes, type Stream } from "./log-notes.js";
import { decodeMessage, type LogFile, type Order, type Sink } from "./messages.js";
import { OrderQueue, type QueuedOrder } from "./order-queue.js";
import { control, WriterProcess } from "./writer-process.js";

export type { LogLine } from "./history.js";
export type { LogFile, Sink } from "./messages.js";
export { LogError } from "./order-queue.js";

/** The daemon's own pipe, which the keeper made, and its stream: no service has that name. */
const daemonPipe = "log/daemon";
const daemonOrder: QueuedOrder = {
  order: { op: "open", name: daemonPipe, program: "", raw: true, keep: true },
  pipe: daemonPipe,
};
const longestFileName = 255;

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

export class LogWriter {
  readonly #keeper: Keeper;
  readonly #runtimeDirectory: string;
  readonly #onTrouble: (message: string) => void;
  readonly #process: WriterProcess;
  readonly #queue: OrderQueue;
  /** What is open, as far as is known: a next writer is told of it. */
  readonly #streams: Map<string, Stream>;
  /** Streams of which this daemon has seen that they were opened. */
  readonly #confirmed = new Set<string>();
  /** The last file of each service, also when it is closed: its tail can still be read. */
  readonly #files = new Map<string, string>();
  #sink: Sink | undefined;
  /** Whether writers are told to begin, and the one that was. */
  #begun: boolean;
  #told: number | undefined;
  #pid: number | undefined;

  constructor({ keeper, program, runtimeDirectory, onTrouble }: LogWriterOptions) {
    this.#keeper = keeper;
    this.#runtimeDirectory = runtimeDirectory;
    this.#onTrouble = onTrouble;
    this.#queue = new OrderQueue(keeper, control);
    this.#process = new WriterProcess(keeper, program, {
      running: (pid, fresh) => this.#running(pid, fresh),
      ended: () => this.#queue.close(),
      trouble: onTrouble,
    });
    const { sink, streams, writer } = readNotes(keeper.inventory);
    this.#sink = sink;
    this.#streams = streams;
    this.#told = writer;
    this.#begun = writer !== undefined;
    for (const [name, { file }] of streams) if (file !== undefined) this.#files.set(name, file.path);
  }

  /** Takes over what an earlier daemon left, or starts a writer. Orders may be given before this resolves. */
  async start(): Promise<void> {
    await this.#process.start();
  }

  /** True if the event was the log writer's; it is acknowledged then. */
  handleEvent(event: KeeperEvent): boolean {
    if (this.#process.handleEvent(event)) return true;
    if (event.type !== "datagram" || event.name !== control) return false;
    this.#send({ op: "acknowledge", event: event.event });
    try {
      const message = decodeMessage(event.data);
      if (message.type === "answer") this.#queue.settle(message);
      else this.#onTrouble(describeTrouble(message.text, message.errno, message.lost));
    } catch (error) {
      this.#onTrouble(`read the log writer's message: ${String(error)}`);
    }
    return true;
  }

  /** Where the daemon's lines go, and those of services without a file. With the first that succeeds the writer begins. */
  async configureSink(sink: Sink): Promise<void> {
    // On an error the old sink stays in force; without one no line is read before there is somewhere to put it.
    await this.#order({ op: "configure", sink, keep: false });
    if (!this.#begun) {
      this.#begun = true;
      for (const queued of this.#beginning())
        this.#queue.add(queued).catch((error: unknown) => this.#report(error));
    }
    this.#sink = sink;
    this.#send(noteSink(sink));
  }

  /** Starts, or goes on with, reading a pipe. Rejects with a LogError such as "open /x/y.log: Permission denied". */
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
    await this.#queue.add({ order: this.#openOrder(name, stream, false), pipe });
    this.#streams.set(name, stream);
    this.#confirmed.add(name);
    if (file === undefined) this.#files.delete(name);
    else this.#files.set(name, file.path);
    this.#send(noteStream(name, stream));
  }

  /** Whether a stream of that name is open. */
  has(name: string): boolean {
    return this.#streams.has(name);
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
    this.#send(forgetStream(name));
  }

  /** Opens every file anew by its path. */
  reopen(): Promise<void> {
    return this.#order({ op: "reopen" });
  }

  /** The last lines of a service, newest last, also when service, daemon or writer have ended. */
  recent(name: string, count: number): Promise<LogLine[]> {
    return readHistory(this.#files.get(name), this.#recentOf(name), count);
  }

  /** The files that a service logs to. */
  files(name: string): string[] {
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
    // A writer that an earlier daemon had told everything needs nothing from us.
    const known = !fresh && this.#told === pid;
    this.#queue.open(known ? [] : this.#introduction(), (error) => this.#report(error));
  }

  /** Everything a new writer must know before it reads the first pipe. */
  #introduction(): QueuedOrder[] {
    if (!this.#begun) return [];
    const streams = [...this.#streams].map(([name, stream]) => ({
      order: this.#openOrder(name, stream, true),
      pipe: stream.pipe,
    }));
    const sink = this.#sink;
    const configure: QueuedOrder[] =
      sink === undefined ? [] : [{ order: { op: "configure", sink, keep: true } }];
    return [...configure, ...streams, ...this.#beginning()];
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

  #order(order: Order): Promise<void> {
    return this.#queue.add({ order });
  }

  #send(...requests: readonly Request[]): void {
    this.#keeper.send(requests).catch((error: unknown) => this.#report(error));
  }

  #report(error: unknown): void {
    this.#onTrouble(errorText(error));
  }
}

function sameDestination(a: Stream, b: Stream): boolean {
  return a.pipe === b.pipe && isDeepStrictEqual(a.file, b.file);
}

function describeTrouble(text: string, errno: number, lost: number): string {
  return errno === 0 && lost > 0 ? `${text}; ${lost} ${lost === 1 ? "line was" : "lines were"} lost` : text;
}
