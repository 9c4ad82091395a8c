// The numbered lines of every life, as they arrive in the logs: each must be there once, whole and in its place, in however
// many files they are put aside, compressed or not.

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
const numbered = /(\S+) (\S+\.\S+%23\S+) (\d+) -{40};$/;
const ownLine = new RegExp(`^${stamp} ${numbered.source}`);
const mainLine = new RegExp(String.raw`^${stamp} (?:sh\[\d+\]|\[sh\]) ${numbered.source}`);
const systemLine = new RegExp(String.raw`^${stamp} localhost (\S+): (\S+\.\S+%23\S+) (\d+)$`);
const lineOf = { own: ownLine, shared: mainLine, system: systemLine } as const;
/** What is left of a numbered line when it is torn. */
const trace = /%23\S* \d+ -|-{8}|;$/;

/** Old files that are looked at; the supervisor keeps no more. */
const oldFiles = 20;

export class LogLedger {
  readonly #file: string;
  readonly #kind: keyof typeof lineOf;
  /** The file that is read now, which may have been rotated meanwhile. */
  #descriptor: number | undefined;
  #isCompressed = false;
  #offset = 0;
  #rest = "";
  /** Of each life: the number of its last line. */
  readonly lines = new Map<string, number>();
  #anomalies: string[] = [];
  total = 0;
  /** Whether it is shorter now than what was read of it. */
  isShort = false;

  /** @param kind a service's own file, one that has lines of others too, or the system's log */
  constructor(file: string, kind: keyof typeof lineOf) {
    this.#file = file;
    this.#kind = kind;
  }

  /** Reads on, through all files that were begun meanwhile; what was read is not read again. */
  read(): void {
    for (;;) {
      // Looked for first: nothing is appended to a file once there is a later one.
      const next = this.#next();
      if (this.#descriptor !== undefined) this.#readOn(this.#descriptor);
      if (next === undefined) return;
      this.close();
      this.#descriptor = next.descriptor;
      this.#isCompressed = next.isCompressed;
      this.#offset = 0;
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** Opens the file that was begun after the present one, or the first of all. */
  #next(): { readonly descriptor: number; readonly isCompressed: boolean } | undefined {
    for (;;) {
      const files = this.#files();
      const own = this.#descriptor === undefined ? undefined : fstatSync(this.#descriptor).ino;
      const there = files.findIndex(({ inode }) => inode === own);
      const at = own === undefined ? files.length : there < 0 ? this.#compressedTo(files) : there;
      if (at < 0) {
        this.#anomalies.push("a log file was removed, and no compressed one has the same lines");
        this.close();
        continue;
      }
      const next = files[at - 1];
      if (next === undefined) return undefined;
      const descriptor = openIfThere(next.path);
      if (descriptor === undefined) continue;
      if (fstatSync(descriptor).ino === next.inode)
        return { descriptor, isCompressed: next.path.endsWith(".gz") };
      // It was rotated just now.
      closeSync(descriptor);
    }
  }

  /** Which of them has what the present file had when it was removed, of which nothing may be missing. */
  #compressedTo(files: readonly { readonly path: string }[]): number {
    const present = this.#descriptor === undefined ? Buffer.alloc(0) : contentOf(this.#descriptor);
    return files.findIndex(({ path }) => {
      const descriptor = path.endsWith(".gz") ? openIfThere(path) : undefined;
      if (descriptor === undefined) return false;
      const content = gunzipSync(contentOf(descriptor));
      closeSync(descriptor);
      return content.equals(present);
    });
  }

  /** Newest first. In this order a rotation that comes in between shows one twice rather than leaving one out. */
  #files(): readonly { readonly path: string; readonly inode: number }[] {
    const seen = new Set<number>();
    return Array.from({ length: 1 + oldFiles }, (_, age) => (age === 0 ? this.#file : `${this.#file}.${age}`))
      .map((path) => {
        const plain = inodeOf(path);
        // For a moment there are both.
        return plain === 0 ? { path: `${path}.gz`, inode: inodeOf(`${path}.gz`) } : { path, inode: plain };
      })
      .filter(({ inode }) => inode !== 0 && !seen.has(inode) && seen.add(inode));
  }

  #readOn(descriptor: number): void {
    if (this.#isCompressed) {
      if (this.#offset === 0) this.#takeAll(gunzipSync(contentOf(descriptor)).toString("latin1"));
      this.#offset = fstatSync(descriptor).size;
      return;
    }
    const { size } = fstatSync(descriptor);
    // A new log writer takes back, and writes again, what its predecessor had not committed.
    this.isShort = size < this.#offset;
    const buffer = Buffer.alloc(Math.max(0, size - this.#offset));
    const length = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
    this.#offset += length;
    this.#takeAll(buffer.toString("latin1", 0, length));
  }

  #takeAll(text: string): void {
    const lines = (this.#rest + text).split("\n");
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
    const match = lineOf[this.#kind].exec(line);
    const [, , mark = "", digits] = match ?? [];
    if (match === null) {
      if (this.#kind !== "shared" || trace.test(line))
        this.#anomalies.push(`torn line ${JSON.stringify(line)}`);
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

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

function contentOf(descriptor: number): Buffer {
  const buffer = Buffer.alloc(fstatSync(descriptor).size);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0));
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
