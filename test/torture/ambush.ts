// Crash points: instants between two durable effects of the daemon, by name, and the files through which the torture
// tells the interposer in the daemon at which one to die, and learns that it did.

import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Before a frame with such a request is written; with half of it written; written, and its result not read. "on" is an
 * event that was received and not handled.
 */
export type When = "before" | "half" | "after" | "on";

export interface CrashPoint {
  readonly when: When;
  /** See labels.ts; "reply" is the answer to a client, "*" is any. */
  readonly label: string;
  /** How many of these a daemon passes before the one at which it dies. */
  readonly skip: number;
}

export function pointName({ when, label }: CrashPoint): string {
  return `${when} ${label}`;
}

export interface Hit {
  readonly name: string;
  /** The daemon's number in its namespace. */
  readonly pid: number;
}

/** The files in a directory that both sides know. */
export class Ambush {
  readonly #armed: string;
  readonly #hits: string;
  readonly #seen: string;
  #read = 0;
  #passed = 0;
  #line = "";

  constructor(directory: string) {
    this.#armed = join(directory, "crash-points");
    this.#hits = join(directory, "crash-hits");
    this.#seen = join(directory, "crash-labels");
  }

  /** The next daemon that comes to the first of these dies there; then the second one is in force, and so on. */
  arm(points: readonly CrashPoint[]): void {
    this.#write(points.map(formatPoint));
  }

  disarm(): void {
    rmSync(this.#armed, { force: true });
  }

  /** Those that died since `forget`. */
  hits(): readonly Hit[] {
    return this.#allHits().slice(this.#read);
  }

  /** What was hit so far has been dealt with. @param count of `hits` */
  forget(count: number): void {
    this.#read += count;
  }

  /** Every label that ever passed. */
  seen(): ReadonlySet<string> {
    return new Set(linesOf(this.#seen));
  }

  /** In the daemon: whether it is to die here; it is written down then, since there is no later. */
  isDue(when: When, labels: readonly string[]): boolean {
    const [line = "", ...rest] = linesOf(this.#armed);
    if (line === "") return false;
    if (line !== this.#line) this.#passed = 0;
    this.#line = line;
    const point = parsePoint(line);
    const matches = point.label === "*" ? labels.length > 0 : labels.includes(point.label);
    if (point.when !== when || !matches) return false;
    this.#passed += 1;
    if (this.#passed <= point.skip) return false;
    if (rest.length === 0) this.disarm();
    else this.#write(rest);
    appendFileSync(this.#hits, `${process.pid} ${pointName(point)}\n`);
    return true;
  }

  /** In the daemon: these labels exist. */
  note(labels: readonly string[]): void {
    if (labels.length > 0) appendFileSync(this.#seen, labels.map((label) => `${label}\n`).join(""));
  }

  #allHits(): readonly Hit[] {
    return linesOf(this.#hits).map((line) => {
      const [pid = "", ...name] = line.split(" ");
      return { pid: Number(pid), name: name.join(" ") };
    });
  }

  /** Whole or not at all, since the other side reads at any time. */
  #write(lines: readonly string[]): void {
    const temporary = `${this.#armed}.new`;
    writeFileSync(temporary, lines.map((line) => `${line}\n`).join(""));
    renameSync(temporary, this.#armed);
  }
}

/** For a system that is not booted yet: the file, by its name in the system's directory. */
export function armedFile(points: readonly CrashPoint[]): Readonly<Record<string, string>> {
  return points.length === 0
    ? {}
    : { "crash-points": points.map((point) => `${formatPoint(point)}\n`).join("") };
}

function formatPoint({ when, label, skip }: CrashPoint): string {
  return `${skip} ${when} ${label}`;
}

function parsePoint(line: string): CrashPoint {
  const [skip = "0", when = "", ...label] = line.split(" ");
  return { skip: Number(skip), when: when as When, label: label.join(" ") };
}

function linesOf(file: string): readonly string[] {
  if (!existsSync(file)) return [];
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    // Consumed just now.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").filter((line) => line !== "");
}
