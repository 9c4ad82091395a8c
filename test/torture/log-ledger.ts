// The numbered lines of every life, as they arrive in the logs: each must be there once, whole and in its place.

import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;
const numbered = /(\S+) (\S+\.\S+%23\S+) (\d+) -{40};$/;
const ownLine = new RegExp(`^${stamp} ${numbered.source}`);
const mainLine = new RegExp(String.raw`^${stamp} (?:sh\[\d+\]|\[sh\]) ${numbered.source}`);
/** What is left of a numbered line when it is torn. */
const trace = /%23\S* \d+ -|-{8}|;$/;

export class LogLedger {
  readonly #file: string;
  readonly #shared: boolean;
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

  /** Reads on; what was read is not read again. */
  read(): void {
    if (!existsSync(this.#file)) return;
    const descriptor = openSync(this.#file, "r");
    try {
      const { size } = fstatSync(descriptor);
      // A new log writer takes back, and writes again, what its predecessor had not committed.
      this.isShort = size < this.#offset;
      const buffer = Buffer.alloc(Math.max(0, size - this.#offset));
      const length = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
      this.#offset += length;
      const lines = (this.#rest + buffer.toString("latin1", 0, length)).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    } finally {
      closeSync(descriptor);
    }
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
