// Bytes in, whole lines out, with bounded memory whatever a file holds.

const NEWLINE = 0x0a;
/** More than the log writer ever puts into a line; what is longer, in somebody else's file, comes in pieces. */
const longestLine = 256 * 1024;

export class LineSplitter {
  #rest: Buffer[] = [];
  #restLength = 0;

  /** Bytes that are no whole line yet. */
  get pending(): number {
    return this.#restLength;
  }

  /** The lines that end in the chunk, without their ends. They are views of it: it must not be changed. */
  feed(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      lines.push(this.#joined(chunk.subarray(from, end)));
      from = end + 1;
    }
    if (from < chunk.length) {
      this.#rest.push(chunk.subarray(from));
      this.#restLength += chunk.length - from;
    }
    if (this.#restLength > longestLine) lines.push(...this.end());
    return lines;
  }

  /** What is left, where no end of the line comes any more. */
  end(): Buffer[] {
    return this.#restLength === 0 ? [] : [this.#joined(Buffer.alloc(0))];
  }

  #joined(last: Buffer): Buffer {
    if (this.#restLength === 0) return last;
    const line = Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    this.#restLength = 0;
    return line;
  }
}
