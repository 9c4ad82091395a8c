// A terminal's output as lines of a log: without the sequences that move the cursor, set colours or ring.

const escapeByte = 0x1b;
const bell = 0x07;
const newline = 0x0a;
const carriageReturn = 0x0d;
const tab = 0x09;
const del = 0x7f;
/** Beyond this a sequence is none, and what follows is text again. */
const longestSequence = 4096;

type State = "text" | "escape" | "intermediate" | "control" | "string" | "string-escape";

/** Keeps its place between pieces: a sequence may be cut anywhere. */
export class PlainText {
  #state: State = "text";
  #length = 0;

  feed(chunk: Uint8Array): Buffer {
    const plain = Buffer.allocUnsafe(chunk.length);
    let length = 0;
    for (const byte of chunk) {
      if (this.#state === "text") {
        if (byte === escapeByte) this.#enter("escape");
        else if (isText(byte)) {
          plain[length] = byte;
          length += 1;
        }
      } else this.#skip(byte);
    }
    return plain.subarray(0, length);
  }

  #enter(state: State): void {
    this.#state = state;
    this.#length = 0;
  }

  #skip(byte: number): void {
    this.#length += 1;
    if (this.#length > longestSequence) {
      this.#state = "text";
      return;
    }
    switch (this.#state) {
      case "escape":
        if (byte === 0x5b) this.#state = "control";
        // OSC, DCS, SOS, PM, APC
        else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f)
          this.#state = "string";
        else if (byte >= 0x20 && byte <= 0x2f) this.#state = "intermediate";
        else if (byte !== escapeByte) this.#state = "text";
        return;
      case "intermediate":
        if (byte < 0x20 || byte > 0x2f) this.#state = "text";
        return;
      case "control":
        if (byte >= 0x40 && byte <= 0x7e) this.#state = "text";
        else if (byte === escapeByte) this.#enter("escape");
        return;
      case "string":
        if (byte === bell) this.#state = "text";
        else if (byte === escapeByte) this.#state = "string-escape";
        return;
      case "string-escape":
        this.#state = byte === 0x5c ? "text" : "string";
        return;
    }
  }
}

function isText(byte: number): boolean {
  if (byte === newline || byte === tab) return true;
  return byte !== carriageReturn && byte >= 0x20 && byte !== del;
}
