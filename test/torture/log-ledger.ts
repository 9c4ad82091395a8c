// The numbered lines of every life, as they arrive in the logs: each must be there once, whole and in its place.

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
const numbered = /(\S+) (\S+\.\S+%23\S+) (\d+) -{40};$/;
const ownLine = new RegExp(`^${stamp} ${numbered.source}`);
const mainLine = new RegExp(String.raw`^${stamp} (?:sh\[\d+\]|\[sh\]) ${numbered.source}`);
/** What is left of a numbered line when it is torn. */
const trace = /%23\S* \d+ -|-{8}|;$/;

/** Old files that are looked at; the supervisor keeps no more. */
const oldFiles = 20;

export class LogLedger {
  readonly #file: string;
  readonly #shared: boolean;
  /** The file that is read now, which may have been rotated meanwhile. */
  #descriptor: number | undefined;
  #offset = 0;
  #rest = "";
  /** Of each life: the number of its last line. */
  readonly lines = new Map<string, number>();
  #anomalies: string[] = [];
  total = 0;
  /** Whether it is shorter now than what was read of it. */
  isShort = false;

  /** @param shared the file has lines of others too */
  constructor(file: string, shared: boolean) {
    this.#file = file;
    this.#shared = shared;
  }

  /** Reads on, through all files that were begun meanwhile; what was read is not read again. */
  read(): void {
    for (;;) {
      // Looked for first: nothing is appended to a file once there is a later one.
      const next = this.#next();
      if (this.#descriptor !== undefined) this.#readOn(this.#descriptor);
      if (next === undefined) return;
      this.close();
      this.#descriptor = next;
      this.#offset = 0;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Opens the file that was begun after the present one, or the first of all. */
  #next(): number | undefined {
    for (;;) {
      const files = this.#files();
      const own = this.#descriptor === undefined ? undefined : fstatSync(this.#descriptor).ino;
      const at = own === undefined ? files.length : files.findIndex(({ inode }) => inode === own);
      if (at < 0) {
        this.#anomalies.push("a log file was removed before it was read");
        this.close();
        continue;
      }
      const next = files[at - 1];
      if (next === undefined) return undefined;
      const descriptor = openIfThere(next.path);
      if (descriptor === undefined) continue;
      if (fstatSync(descriptor).ino === next.inode) return descriptor;
      // It was rotated just now.
      closeSync(descriptor);
    }
  }

  /** Newest first. In this order a rotation that comes in between shows one twice rather than leaving one out. */
  #files(): readonly { readonly path: string; readonly inode: number }[] {
    const seen = new Set<number>();
    return Array.from({ length: 1 + oldFiles }, (_, age) => (age === 0 ? this.#file : `${this.#file}.${age}`))
      .map((path) => ({ path, inode: statSync(path, { throwIfNoEntry: false })?.ino ?? 0 }))
      .filter(({ inode }) => inode !== 0 && !seen.has(inode) && seen.add(inode));
  }

  #readOn(descriptor: number): void {
    const { size } = fstatSync(descriptor);
    // A new log writer takes back, and writes again, what its predecessor had not committed.
    this.isShort = size < this.#offset;
    const buffer = Buffer.alloc(Math.max(0, size - this.#offset));
    const length = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
    this.#offset += length;
    const lines = (this.#rest + buffer.toString("latin1", 0, length)).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#take(line);
  }

  /** What was wrong since the last call. */
  anomalies(): readonly string[] {
    const found = this.#anomalies;
    this.#anomalies = [];
    return found;
  }

  #take(line: string): void {
    const match = (this.#shared ? mainLine : ownLine).exec(line);
    const [, , mark = "", digits] = match ?? [];
    if (match === null) {
      if (!this.#shared || trace.test(line)) this.#anomalies.push(`torn line ${JSON.stringify(line)}`);
      return;
    }
    const number = Number(digits);
    const last = this.lines.get(mark) ?? 0;
    this.total += 1;
    if (number <= last) this.#anomalies.push(`line ${number} of ${mark} comes again after line ${last}`);
    else if (number > last + 1) this.#anomalies.push(`line ${number} of ${mark} comes after line ${last}`);
    this.lines.set(mark, Math.max(last, number));
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
