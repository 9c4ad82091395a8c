// Log files for the client's tests: written, rotated and compressed as the log writer and the rotation do it.
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import type { Track } from "../../src/herd/log/history.js";
import { recordParser } from "../../src/herd/log/records.js";

export class LogFiles {
  readonly path: string;
  readonly directory: string;
  #changed = Math.floor(Date.now() / 1000);

  constructor(context: TestContext) {
    this.directory = mkdtempSync(join(tmpdir(), "herd-log-"));
    this.path = join(this.directory, "web.log");
    context.after(() => rmSync(this.directory, { recursive: true }));
  }

  track(label = "web", path = this.path): Track {
    return { label, path, isRecent: false, parser: () => recordParser("stamped") };
  }

  /** Lines of these numbers, one a second. */
  append(from: number, to: number): void {
    appendFileSync(this.path, lines(from, to));
  }

  rotate(): void {
    let last = 0;
    for (
      let number = 1;
      ["", ".gz", ".zst"].some((suffix) => existsSync(`${this.path}.${number}${suffix}`));
    )
      last = number++;
    for (let number = last; number > 0; number -= 1)
      for (const suffix of ["", ".gz", ".zst"])
        if (existsSync(`${this.path}.${number}${suffix}`))
          renameSync(`${this.path}.${number}${suffix}`, `${this.path}.${number + 1}${suffix}`);
    renameSync(this.path, `${this.path}.1`);
    // Here it goes faster than the kernel's clock for files; a compressed file is known by this.
    this.#changed += 1;
    utimesSync(`${this.path}.1`, this.#changed, this.#changed);
    writeFileSync(this.path, "", { flag: "wx" });
  }

  /** @param keep whether the plain file stays, as between the two steps */
  gzip(number: number, keep = false): void {
    const plain = `${this.path}.${number}`;
    writeFileSync(`${this.path}.compressing`, gzipSync(readFileSync(plain)));
    this.#publish(plain, ".gz", keep);
  }

  zstd(number: number): void {
    const plain = `${this.path}.${number}`;
    spawnSync("zstd", ["-q", plain, "-o", `${this.path}.compressing`], { stdio: "inherit" });
    this.#publish(plain, ".zst", false);
  }

  #publish(plain: string, suffix: string, keep: boolean): void {
    // The program, since a Date has no nanoseconds.
    spawnSync("touch", ["-r", plain, `${this.path}.compressing`], { stdio: "inherit" });
    renameSync(`${this.path}.compressing`, `${plain}${suffix}`);
    if (!keep) rmSync(plain);
  }

  /** Sets the time of change. */
  age(name: string, seconds: number): void {
    utimesSync(join(this.directory, name), seconds, seconds);
  }

  size(): number {
    return statSync(this.path).size;
  }
}

const begin = Date.UTC(2026, 10, 21) / 1000;

/** The time of a line. */
export function timeOf(number: number): number {
  return begin + number;
}

export function lines(from: number, to: number): string {
  let text = "";
  for (let number = from; number <= to; number += 1)
    text += `${new Date(timeOf(number) * 1000).toISOString().slice(0, 19).replace("T", " ")} ${number}\n`;
  return text;
}

/** The texts of lines with these numbers. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}
