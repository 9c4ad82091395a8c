// Our side of an attachment: what is typed here goes to the console, what comes from there is shown, and the terminal is
// given back as it was.

import { execFileSync } from "node:child_process";
import type { Socket } from "node:net";
import { type End, encodeBytes, encodeFrame, frameTypes } from "../../protocol/console.js";
import { beforeKey, type DetachKey } from "./detach-key.js";
import { TerminalModes } from "./terminal-modes.js";

/** What was typed and the console has not taken; beyond it, it is lost. */
const mostTyped = 1 << 20;
const leaving = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

export class OwnTerminal {
  /** Resolves when whoever is at the terminal has left. */
  readonly left: Promise<End>;
  readonly #socket: Socket;
  readonly #modes = new TerminalModes();
  readonly #leave = (): void => this.#settle({ reason: "detached" });
  #settle: (end: End) => void = () => undefined;
  #begun = false;
  #restored = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.left = new Promise((resolve) => {
      this.#settle = resolve;
    });
    // Nobody is left who would look.
    process.stdout.on("error", this.#leave);
    for (const signal of leaving) process.on(signal, this.#leave);
  }

  /** Of a window; nothing where there is none. */
  get size(): object {
    const { isTTY, columns, rows } = process.stdout;
    return isTTY ? { columns, rows } : {};
  }

  /** From now on keys are the console's, but for the one that detaches. */
  begin(key: DetachKey | undefined): void {
    const { stdin, stdout } = process;
    if (this.#begun) return;
    this.#begun = true;
    stdout.on("resize", () => this.#socket.write(encodeFrame(frameTypes.resize, this.size)));
    if (!stdin.isTTY) return;
    makeRaw();
    // Whoever has stopped us with a signal has taken the terminal back meanwhile.
    process.on("SIGCONT", () => {
      if (this.#restored) return;
      stdin.setRawMode(false);
      makeRaw();
    });
    stdin.on("data", (typed: Buffer) => {
      const before = beforeKey(typed, key);
      // Never waits, since then nobody could detach.
      if (this.#socket.writableLength < mostTyped)
        for (const frame of encodeBytes(frameTypes.input, before ?? typed)) this.#socket.write(frame);
      if (before !== undefined) this.#leave();
    });
    stdin.on("end", this.#leave);
    stdin.on("error", this.#leave);
  }

  show(bytes: Buffer): void {
    const { stdout } = process;
    if (stdout.isTTY) this.#modes.see(bytes);
    // As much as waits here waits in vain: the console drops whoever does not read.
    if (stdout.write(bytes) || this.#socket.isPaused()) return;
    this.#socket.pause();
    stdout.once("drain", () => this.#socket.resume());
  }

  /** A word of our own between what the program prints. */
  tell(text: string): void {
    process.stderr.write(`\r\nherd: ${text}\r\n`);
  }

  /** Gives the terminal back. */
  restore(): void {
    const { stdin, stdout } = process;
    if (this.#restored) return;
    this.#restored = true;
    for (const signal of leaving) process.off(signal, this.#leave);
    if (this.#begun && stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    if (this.#begun && stdout.isTTY) stdout.write(`${this.#modes.reset()}\r\n`);
  }
}

/**
 * Neither what is typed nor what is shown is changed by our terminal: the console's has done so. Node's raw mode still makes
 * CR LF of each LF, which displaces whatever draws a screen; that ends with raw mode, too.
 */
function makeRaw(): void {
  process.stdin.setRawMode(true);
  try {
    execFileSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  } catch {
    // Without stty most programs look as they are to.
  }
}
