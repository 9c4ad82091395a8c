// The file of stamps that helper.c appends to.

import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";

export interface Stamp {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly at: number;
  /** The process's number in its own namespace. */
  readonly pid: number;
  readonly name: string;
}

const recordSize = 64;

export class Stamps {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
    writeFileSync(file, "");
    chmodSync(file, 0o666);
  }

  count(): number {
    return Math.floor(statSync(this.file).size / recordSize);
  }

  read(first = 0): readonly Stamp[] {
    return readFileSync(this.file, "latin1")
      .slice(first * recordSize)
      .split("\n")
      .filter((line) => line.length === recordSize - 1)
      .map((line) => ({
        at: Number(line.slice(0, 20)),
        pid: Number(line.slice(21, 31)),
        name: line.slice(32).trim(),
      }));
  }

  find(name: string, first = 0): Stamp | undefined {
    return this.read(first).find((stamp) => stamp.name === name);
  }

  /** As `find`, for what must be there. */
  get(name: string): Stamp {
    const found = this.find(name);
    if (found === undefined) throw new Error(`read ${this.file}: no stamp ${name}`);
    return found;
  }
}
