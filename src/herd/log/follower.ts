// Reads on in one log: from file to file as they are rotated and compressed, each line once.
import { closeSync } from "node:fs";
import { unpacked } from "./bytes.js";
import { Cursor, type Cut } from "./cursor.js";
import { type Continuation, type Filter, selected, type Track } from "./history.js";
import { LineSplitter } from "./line-splitter.js";
import type { LogRecord, RecordParser } from "./records.js";
import { type Identity, identityAt, identityOf, type OpenSegment, openNewer, sameFile } from "./segments.js";

/** Files that are held open for a reader that is slower than the rotation. */
const mostOpen = 64;

export interface Progress {
  readonly records: readonly LogRecord[];
  /** Whether there may be more already. */
  readonly more: boolean;
}

export interface FollowerOptions {
  readonly filter: Filter;
  /** Told of lines that are missing. */
  readonly onProblem: (text: string) => void;
}

export class Follower {
  readonly track: Track;
  readonly #options: FollowerOptions;
  /** The file that is read. */
  #cursor: Cursor | undefined;
  /** A compressed one, instead. */
  #unpacking: AsyncIterator<Buffer[]> | undefined;
  /** Newer files, oldest first. */
  readonly #queue: OpenSegment[] = [];
  /** The newest file that was seen. */
  #newest: Identity | undefined;
  #parse: RecordParser;

  constructor(track: Track, { segment, position, parse, newest }: Continuation, options: FollowerOptions) {
    this.track = track;
    this.#options = options;
    this.#parse = parse;
    this.#newest = newest;
    if (segment !== undefined) this.#cursor = new Cursor(segment, position);
  }

  /** The lines that came, some at a time. Throws the system's error where a file cannot be read. */
  async read(): Promise<Progress> {
    // Before anything is read: once there is a newer file, nothing is added to this one.
    this.#lookForNewer();
    if (this.#unpacking !== undefined) return await this.#readPacked(this.#unpacking);
    if (this.#cursor === undefined) return { records: [], more: this.#goToNext() };
    const { lines, more, cut } = this.#cursor.read();
    if (cut !== undefined) this.#tellOfCut(cut);
    const records = this.#select(lines);
    if (more || this.#queue.length === 0) return { records, more };
    return { records: [...records, ...this.#select(this.#cursor.close())], more: this.#leave() };
  }

  /** Gives the files back. */
  close(): void {
    for (const { descriptor } of this.#queue.splice(0)) closeSync(descriptor);
    this.#cursor?.close();
    this.#cursor = undefined;
  }

  #lookForNewer(): void {
    const { path, label, isRecent } = this.track;
    const now = identityAt(path);
    const newest = this.#newestNow();
    if (now === undefined || this.#queue.length >= mostOpen) return;
    if (newest !== undefined && sameFile(newest, now)) return;
    const newer = openNewer(path, newest, mostOpen - this.#queue.length);
    if (newer === undefined) return;
    this.#queue.push(...newer.segments);
    this.#newest = newer.segments.at(-1) ?? newest;
    if (newer.gap)
      this.#options.onProblem(
        isRecent
          ? `lines of ${label} are missing here: it has no log file, and only its last lines are kept`
          : `lines of ${label} may be missing here: files of ${path} were removed before they were read`,
      );
  }

  /** With the time at which it was changed last, by which it is known again when it is compressed. */
  #newestNow(): Identity | undefined {
    const queued = this.#queue.at(-1);
    if (queued !== undefined) return identityOf(queued.descriptor);
    return this.#cursor?.identity ?? this.#newest;
  }

  async #readPacked(unpacking: AsyncIterator<Buffer[]>): Promise<Progress> {
    try {
      const { done, value } = await unpacking.next();
      if (done !== true) return { records: this.#select(value), more: true };
    } catch (error) {
      this.#options.onProblem(error instanceof Error ? error.message : String(error));
    }
    return { records: [], more: this.#leave() };
  }

  /** The file is read to its end, and will have nothing more. */
  #leave(): true {
    this.#cursor = undefined;
    this.#unpacking = undefined;
    this.#goToNext();
    return true;
  }

  /** Whether there is one. */
  #goToNext(): boolean {
    const next = this.#queue.shift();
    if (next === undefined) return false;
    this.#parse = this.track.parser();
    if (next.packing === "plain") this.#cursor = new Cursor(next, 0);
    else this.#unpacking = packedLines(next);
    return true;
  }

  #tellOfCut(cut: Cut): void {
    const { label, path, isRecent } = this.track;
    if (isRecent)
      this.#options.onProblem(
        `lines of ${label} are missing here: it has no log file, and they came faster than they could be read`,
      );
    else if (cut === "emptied")
      this.#options.onProblem(`${path} was cut: its lines are shown from the beginning`);
    else this.#options.onProblem(`the last lines of ${path} were taken back: what stands there now follows`);
  }

  #select(lines: readonly Buffer[]): LogRecord[] {
    return selected(lines, this.#parse, this.#options.filter);
  }
}

async function* packedLines(segment: OpenSegment): AsyncGenerator<Buffer[]> {
  const splitter = new LineSplitter();
  try {
    for await (const chunk of unpacked(segment)) yield splitter.feed(chunk);
    yield splitter.end();
  } finally {
    closeSync(segment.descriptor);
  }
}
