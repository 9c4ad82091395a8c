// The daemon's own log: pino records, as JSON or as the Shepherd's text lines, written to descriptor 1, a pipe from
// which the log writer takes them. Pino is loaded after the first services are under way; lines wait for it.

import { writeSync } from "node:fs";

export type LogFormat = "text" | "json";
type Level = "info" | "warn" | "error";

interface Waiting {
  readonly level: Level;
  readonly time: number;
  readonly line: string;
}

interface Sink {
  write(entry: Waiting): void;
}

/** After how many ms a full pipe is tried again. */
const pause = 5;
/** Bytes kept while the pipe is full; what comes on top of that is counted and dropped. */
const backlogLimit = 1024 * 1024;
/** Lines of its own that `herd status root` can show. */
const recentLines = 100;

export class DaemonLog {
  readonly format: LogFormat;
  #sink: Sink | undefined;
  #opening: Promise<void> | undefined;
  #waiting: Waiting[] = [];
  #scheduled = false;
  readonly #out = new PipeOutput(1);
  readonly #recent: { readonly time: number; readonly line: string }[] = [];

  constructor(format: LogFormat) {
    this.format = format;
  }

  info(line: string): void {
    this.#add("info", line);
  }

  warn(line: string): void {
    this.#add("warn", line);
  }

  error(line: string): void {
    this.#add("error", line);
  }

  /** The last lines, newest last; times in seconds since the epoch. */
  recent(count: number): readonly { readonly time: number; readonly line: string }[] {
    return count === 0 ? [] : this.#recent.slice(-count);
  }

  /** Loads pino and writes what has waited for it; once. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    const { pino } = await import("./log-records.js");
    let time = 0;
    const logger = pino(
      { base: null, timestamp: () => `,"time":${time}` },
      { write: (record: string) => this.#out.write(this.format === "json" ? record : textOf(record)) },
    );
    const sink = {
      write: (entry: Waiting): void => {
        time = entry.time;
        logger[entry.level](entry.line);
      },
    };
    this.#sink = sink;
    this.#soon();
  }

  #add(level: Level, line: string): void {
    const entry = { level, time: Date.now(), line };
    this.#recent.push({ time: entry.time / 1000, line });
    if (this.#recent.length > recentLines) this.#recent.shift();
    this.#waiting.push(entry);
    if (this.#sink !== undefined) this.#soon();
  }

  /**
   * Writes what waits after what this turn asks of the keeper has gone out: the log never tells of a step that a crash could
   * undo. Nor does what follows at once, such as a respawn, wait for lines to be made.
   */
  #soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    turnsOver(() => {
      this.#scheduled = false;
      this.writeNow();
    });
  }

  /** Writes what waits, for what may keep this from ever being done; not before pino is loaded. */
  writeNow(): void {
    if (this.#sink === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) this.#sink.write(entry);
    this.#out.drain();
  }

  /** Whether every line is in the pipe. */
  get isFlushed(): boolean {
    return this.#waiting.length === 0 && this.#out.isEmpty;
  }

  /** Resolves when every line is in the pipe, or after `limit` ms. */
  async flushed(limit: number): Promise<void> {
    // Without pino there is nothing to write; whoever opened the log has told.
    await this.open().catch(() => undefined);
    await new Promise<void>(turnsOver);
    await this.#out.flushed(limit);
  }
}

/** Calls `body` when this turn is over, and all that has been put off to the next one. */
function turnsOver(body: () => void): void {
  setImmediate(() => setImmediate(body));
}

/** `%Y-%m-%d %H:%M:%S TEXT`, as the Shepherd's log. */
function textOf(record: string): string {
  const { time, msg, level } = JSON.parse(record) as { time: number; msg: string; level: number };
  const prefix = level >= 50 ? "error: " : level >= 40 ? "warning: " : "";
  return `${stamp(new Date(time))} ${prefix}${msg}\n`;
}

/** Local time, `2026-11-20 20:49:22`. */
export function stamp(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  );
}

/** Writes to a non-blocking pipe without ever waiting in the event loop. */
class PipeOutput {
  readonly #fd: number;
  #backlog: Buffer[] = [];
  #size = 0;
  #dropped = 0;
  #retrying = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get isEmpty(): boolean {
    return this.#backlog.length === 0;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#size + bytes.length > backlogLimit) {
      this.#dropped += 1;
      return;
    }
    this.#backlog.push(bytes);
    this.#size += bytes.length;
  }

  drain(): void {
    if (this.#retrying) return;
    while (this.#backlog.length > 0) {
      const first = Buffer.concat(this.#backlog);
      let written: number;
      try {
        written = writeSync(this.#fd, first);
      } catch (error) {
        if (
          !(error instanceof Error && "code" in error && (error.code === "EAGAIN" || error.code === "EINTR"))
        ) {
          // Nobody can be told: the log itself is what fails.
          this.#backlog = [];
          this.#size = 0;
          return;
        }
        this.#backlog = [first];
        this.#retrying = true;
        setTimeout(() => {
          this.#retrying = false;
          this.drain();
        }, pause);
        return;
      }
      this.#size -= written;
      this.#backlog = written < first.length ? [first.subarray(written)] : [];
    }
    if (this.#dropped > 0) {
      const lost = `${stamp(new Date())} ${this.#dropped} lines of the supervisor's own log lost: its pipe was full\n`;
      this.#dropped = 0;
      this.write(lost);
      this.drain();
    }
  }

  async flushed(limit: number): Promise<void> {
    const deadline = Date.now() + limit;
    while (this.#backlog.length > 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
