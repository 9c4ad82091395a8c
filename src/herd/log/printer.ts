// How the lines of logs look: text for people, with the service before the line where there are several, or one JSON
// object for each line. herd(1) documents both.
import type { Output } from "../output.js";
import { printable } from "../render/printable.js";
import type { Labelled } from "./merge.js";

export interface PrinterOptions {
  readonly output: Output;
  readonly json: boolean;
  /** Whether lines of several services come. */
  readonly labels: boolean;
  /** Whether control characters must be made harmless. */
  readonly isTerminal: boolean;
}

/** Characters that are written at once. */
const mostAtOnce = 64 * 1024;

export class Printer {
  readonly #options: PrinterOptions;

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  /** Whether anybody still reads it. */
  get isWanted(): boolean {
    return this.#options.output.isOpen;
  }

  print(lines: readonly Labelled[]): void {
    const { output, json } = this.#options;
    let text = "";
    for (const line of lines) {
      text += json ? jsonLine(line) : this.#textLine(line);
      if (text.length < mostAtOnce) continue;
      output.write(text);
      text = "";
    }
    output.write(text);
  }

  #textLine({ label, record: { stamp, service = label, continued, text } }: Labelled): string {
    const before = stamp === "" ? "" : `${stamp} `;
    const line = `${before}${this.#options.labels ? `${service}: ` : ""}${continued ? "... " : ""}${text}`;
    return `${this.#options.isTerminal ? printable(line) : line}\n`;
  }
}

function jsonLine({ label, record }: Labelled): string {
  const { time, service = label, text, continued } = record;
  const object = {
    time: time === undefined ? null : isoTime(time),
    service,
    line: text,
    ...(continued ? { continued } : {}),
  };
  // JSON leaves these as they are, and some terminals obey them.
  const json = JSON.stringify(object).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
  return `${json}\n`;
}

/** Null for what is beyond the years that there are. */
function isoTime(seconds: number): string | null {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
