// The lines that a log has by now: which of its files they are in, and those lines in order.
import { closeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { lastLines, readChunk, unpacked } from "./bytes.js";
import { LineSplitter } from "./line-splitter.js";
import type { LogQuery } from "./query.js";
import type { LogRecord, RecordParser } from "./records.js";
import { type Identity, identityOf, type OpenSegment, openNewestFirst, type Segment } from "./segments.js";

/** One log: a file with the older ones beside it. */
export interface Track {
  /** Whose lines they are, unless a line says so itself. */
  readonly label: string;
  readonly path: string;
  /** Its files as they were when they were looked for. */
  readonly found?: readonly Segment[];
  /** Whether only its last lines are kept. */
  readonly isRecent: boolean;
  /** A parser for the lines of one file from its beginning. */
  parser(): RecordParser;
}

export type Filter = Pick<LogQuery, "since" | "until" | "pattern">;

/** Where to go on after the last line that was read. */
export interface Continuation {
  /** The file that was being written; its descriptor is handed over. */
  readonly segment?: OpenSegment;
  readonly position: number;
  readonly parse: RecordParser;
  /** The newest file there was. */
  readonly newest?: Identity;
}

/** A part of a file; a compressed one is always whole. */
interface Part {
  readonly segment: OpenSegment;
  readonly from: number;
  readonly to: number;
}

export interface HistoryOptions {
  readonly filter: Filter;
  /** At most so many of the last lines that pass; absent: all. */
  readonly lines?: number;
  /** Whether lines are read on afterwards: then one that has no end yet is left for that. */
  readonly follow: boolean;
  /** Told of a file that cannot be read, and is passed over. */
  readonly onProblem: (text: string) => void;
}

export class History {
  readonly #track: Track;
  readonly #options: HistoryOptions;
  /** Oldest first. */
  readonly #parts: Part[] = [];
  #found = 0;
  #isCut = false;
  #parse: RecordParser;

  private constructor(track: Track, options: HistoryOptions) {
    this.#track = track;
    this.#options = options;
    this.#parse = track.parser();
  }

  /** Opens the files as far back as they are needed. Throws the system's error where that cannot be done. */
  static async open(track: Track, options: HistoryOptions): Promise<History> {
    const history = new History(track, options);
    try {
      await history.#open();
    } catch (error) {
      for (const { segment } of history.#parts) closeSync(segment.descriptor);
      throw error;
    }
    return history;
  }

  /** How many lines there are, where they were limited. */
  get count(): number {
    return Math.min(this.#found, this.#options.lines ?? Number.POSITIVE_INFINITY);
  }

  /** Whether lines that were asked for have been removed, since there is room for the last ones only. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The lines, oldest first, some at a time. */
  async *records(): AsyncGenerator<LogRecord[]> {
    let skip = this.#found - this.count;
    for (const part of this.#parts) {
      this.#parse = this.#track.parser();
      for await (const records of this.#recordsOf(part, this.#parse)) {
        yield skip === 0 ? records : records.slice(skip);
        skip = Math.max(0, skip - records.length);
      }
      if (part !== this.#live) closeSync(part.segment.descriptor);
    }
  }

  /** After the last of `records`. */
  continuation(): Continuation {
    const live = this.#live;
    const newest = this.#parts.at(-1)?.segment;
    return {
      ...(live === undefined ? {} : { segment: live.segment }),
      ...(newest === undefined ? {} : { newest }),
      position: live?.to ?? 0,
      parse: this.#parse,
    };
  }

  /** The file to go on with. */
  get #live(): Part | undefined {
    const newest = this.#parts.at(-1);
    return this.#options.follow && newest?.segment.packing === "plain" ? newest : undefined;
  }

  async #open(): Promise<void> {
    const { lines, filter } = this.#options;
    let wanted = lines ?? Number.POSITIVE_INFINITY;
    for (const segment of openNewestFirst(this.#track.path, this.#track.found)) {
      // The newest is where it goes on, whatever it has by now.
      if (this.#parts.length > 0 && (wanted <= 0 || isOlderThan(filter.since, segment))) {
        closeSync(segment.descriptor);
        if (wanted <= 0) return;
        continue;
      }
      const part = await this.#partOf(segment, wanted);
      this.#parts.unshift(part);
      wanted = (lines ?? wanted) - this.#found;
    }
    // There are two files of a recent history, and what was in a third is no more.
    this.#isCut = this.#track.isRecent && this.#parts.length > 1 && wanted > 0;
  }

  /** Counts, from the end, the lines that are wanted: as many as there are, or as can be told without reading them. */
  async #partOf(segment: OpenSegment, wanted: number): Promise<Part> {
    const { filter, follow, lines } = this.#options;
    if (segment.packing !== "plain") return await this.#counted({ segment, from: 0, to: 0 });
    const { size } = identityOf(segment.descriptor);
    const isNewest = this.#parts.length === 0;
    const to = follow && isNewest ? endOfLines(segment.descriptor, size) : size;
    const whole = { segment, from: 0, to };
    if (lines === undefined) return whole;
    const isFiltered =
      filter.since !== undefined || filter.until !== undefined || filter.pattern !== undefined;
    if (isFiltered || !this.#parsesAll) return await this.#counted(whole);
    const last = lastLines(segment.descriptor, to, wanted);
    this.#found += last.lines;
    return { segment, from: last.position, to };
  }

  /** In a recent history and a file of one service every line counts. */
  get #parsesAll(): boolean {
    return this.#track.parser()(Buffer.alloc(0)) !== undefined;
  }

  async #counted(part: Part): Promise<Part> {
    if (this.#options.lines === undefined) return part;
    for await (const records of this.#recordsOf(part, this.#track.parser())) this.#found += records.length;
    return part;
  }

  async *#recordsOf(part: Part, parse: RecordParser): AsyncGenerator<LogRecord[]> {
    try {
      for await (const lines of linesOf(part, part === this.#live)) {
        const records = selected(lines, parse, this.#options.filter);
        if (records.length > 0) yield records;
      }
    } catch (error) {
      this.#options.onProblem(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Whether the last line, and so every line, was written before that: seconds since the epoch. */
function isOlderThan(since: number | undefined, { changed, setBack }: OpenSegment): boolean {
  return since !== undefined && !setBack && changed < BigInt(since) * 1_000_000_000n;
}

/** The records of lines that pass the filter. */
export function selected(lines: readonly Buffer[], parse: RecordParser, filter: Filter): LogRecord[] {
  const records: LogRecord[] = [];
  for (const line of lines) {
    const record = parse(line);
    if (record !== undefined && passes(record, filter)) records.push(record);
  }
  return records;
}

export function passes({ time, text }: LogRecord, { since, until, pattern }: Filter): boolean {
  if (since !== undefined && !(time !== undefined && Math.floor(time) >= since)) return false;
  if (until !== undefined && !(time !== undefined && Math.floor(time) <= until)) return false;
  return pattern === undefined || pattern.test(text);
}

async function* linesOf({ segment, from, to }: Part, goesOn: boolean): AsyncGenerator<Buffer[]> {
  const splitter = new LineSplitter();
  if (segment.packing !== "plain") {
    for await (const chunk of unpacked(segment)) yield splitter.feed(chunk);
  } else {
    for (let position = from; position < to; ) {
      const chunk = readChunk(segment.descriptor, position, to - position);
      if (chunk.length === 0) break;
      position += chunk.length;
      yield splitter.feed(chunk);
      // Signals get their turn.
      await turn();
    }
  }
  if (!goesOn) yield splitter.end();
}

/** The end of the last whole line. */
function endOfLines(descriptor: number, size: number): number {
  if (size === 0 || readChunk(descriptor, size - 1, 1)[0] === 0x0a) return size;
  return lastLines(descriptor, size, 1).position;
}
