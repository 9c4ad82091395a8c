// When persistent timers ran last: a file for each, which outlives the machine's boot.

import { constants } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "../error-text.js";

/** As `Date.prototype.toISOString` gives it: `Date.parse` also takes `tick 5` for a date. */
const stampPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n?$/;
/** Bytes that tell a stamp from anything else. */
const longestStamp = 64;

export class Stamps {
  readonly #directory: string;
  readonly #report: (message: string) => void;
  /** What is to be written next, by service; and by whom that is being done. */
  readonly #wanted = new Map<string, number>();
  readonly #writing = new Set<string>();

  /** @param directory made when it is needed */
  constructor(directory: string, report: (message: string) => void) {
    this.#directory = directory;
    this.#report = report;
  }

  /** Milliseconds since the epoch; undefined where there is no stamp, or none that can be read, which is reported. */
  async read(service: string): Promise<number | undefined> {
    const file = this.#fileOf(service);
    try {
      const text = await readStamp(file);
      const time = stampPattern.test(text) ? Date.parse(text.trim()) : Number.NaN;
      if (!Number.isNaN(time)) return time;
      this.#report(`read ${file}: expected a date, got ${JSON.stringify(text.slice(0, 40))}; it is ignored`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        this.#report(`read ${file}: ${errorText(error)}`);
    }
    return undefined;
  }

  /** Returns at once. Of several that come while one is being written, the last one counts. */
  write(service: string, time: number): void {
    this.#wanted.set(service, time);
    if (this.#writing.has(service)) return;
    this.#writing.add(service);
    this.#drain(service).catch((error: unknown) =>
      this.#report(`write ${this.#fileOf(service)}: ${errorText(error)}`),
    );
  }

  async #drain(service: string): Promise<void> {
    try {
      for (let time = this.#take(service); time !== undefined; time = this.#take(service))
        await this.#replace(this.#fileOf(service), `${new Date(time).toISOString()}\n`);
    } finally {
      this.#writing.delete(service);
    }
  }

  /** Whoever dies here leaves the old file or the new one, and no half of one. */
  async #replace(file: string, text: string): Promise<void> {
    const draft = `${file}.new`;
    await mkdir(this.#directory, { recursive: true, mode: 0o755 });
    try {
      await writeFile(draft, text, { mode: 0o644 });
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }

  #take(service: string): number | undefined {
    const time = this.#wanted.get(service);
    this.#wanted.delete(service);
    return time;
  }

  /** A service's name has no slash and at most 200 bytes (see `isName`): with any ending it is a file's name. */
  #fileOf(service: string): string {
    return join(this.#directory, `${service}.stamp`);
  }
}

/** No more than a stamp can have, and without waiting: the file may be anything, such as a pipe that nobody writes to. */
async function readStamp(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(longestStamp), 0, longestStamp, null);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}
