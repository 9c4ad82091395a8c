// Standard output and error, written at once and completely, whatever they are.
import { writeSync } from "node:fs";
import { errorCode, systemErrorText } from "./system-error.js";

const RETRY_AFTER_MS = 2;

/** Where text goes. */
export interface Output {
  /** Why something that was to be written is lost, unless nobody wanted it. */
  readonly failure: string | undefined;
  /** Whether anybody still reads it, as far as is known. */
  readonly isOpen: boolean;
  write(text: string): void;
}

/** Writes to a descriptor; when its reader has gone, everything more is dropped quietly. */
export class DescriptorOutput implements Output {
  readonly #descriptor: number;
  readonly #name: string;
  #isOpen = true;
  #failure: string | undefined;

  constructor(descriptor: number, name: string) {
    this.#descriptor = descriptor;
    this.#name = name;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  write(text: string): void {
    let rest: Uint8Array = Buffer.from(text);
    while (this.#isOpen && rest.length > 0) rest = rest.subarray(this.#writeSome(rest));
  }

  #writeSome(bytes: Uint8Array): number {
    try {
      return writeSync(this.#descriptor, bytes);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EAGAIN") {
        // Someone who shares the terminal or pipe made it non-blocking.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_AFTER_MS);
        return 0;
      }
      this.#isOpen = false;
      if (code !== "EPIPE") this.#failure = `cannot write to ${this.#name}: ${systemErrorText(code)}`;
      return 0;
    }
  }
}
