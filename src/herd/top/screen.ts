// The terminal while something is drawn on all of it: its modes, its size, its keys; and that it is given back as it was,
// however that ends.

import { emitKeypressEvents } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";
import type { Output } from "../output.js";
import type { ScreenSize } from "./frame.js";
import type { Key } from "./view.js";

/** The other screen, no cursor, and no line that goes on in the next. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const fallback: ScreenSize = { columns: 80, rows: 24 };
const deadly: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

export interface ScreenEvents {
  readonly key: (key: Key) => void;
  /** All of it is to be drawn again: it has another size, or was away. */
  readonly redraw: () => void;
  /** Nobody is there any more. */
  readonly gone: () => void;
}

interface Keypress {
  readonly name?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
}

export class Screen {
  readonly #input: ReadStream;
  readonly #terminal: WriteStream;
  readonly #output: Output;
  readonly #events: ScreenEvents;
  #isEntered = false;

  constructor(input: ReadStream, terminal: WriteStream, output: Output, events: ScreenEvents) {
    this.#input = input;
    this.#terminal = terminal;
    this.#output = output;
    this.#events = events;
  }

  get size(): ScreenSize {
    const { columns, rows } = this.#terminal;
    // A terminal that does not know has 0.
    return columns > 0 && rows > 0 ? { columns, rows } : fallback;
  }

  /** Takes the terminal; `close` must follow. */
  open(): void {
    emitKeypressEvents(this.#input);
    this.#input.on("keypress", this.#pressed).on("end", this.#events.gone).on("error", this.#events.gone);
    this.#terminal.on("resize", this.#events.redraw);
    for (const signal of deadly) process.on(signal, this.#killed);
    process.on("SIGTSTP", this.suspend).on("SIGCONT", this.#continued);
    process.on("exit", this.#leave).on("uncaughtExceptionMonitor", this.#leave);
    this.#enter();
  }

  close(): void {
    this.#leave();
    this.#input.off("keypress", this.#pressed).off("end", this.#events.gone).off("error", this.#events.gone);
    this.#input.pause();
    this.#terminal.off("resize", this.#events.redraw);
    for (const signal of deadly) process.off(signal, this.#killed);
    process.off("SIGTSTP", this.suspend).off("SIGCONT", this.#continued);
    process.off("exit", this.#leave).off("uncaughtExceptionMonitor", this.#leave);
  }

  /** Each line as it is to be seen, from the top. */
  draw(lines: readonly string[]): void {
    if (!this.#isEntered) return;
    this.#output.write(`\x1b[H${lines.join("\x1b[K\r\n")}\x1b[K\x1b[J`);
    if (!this.#output.isOpen) this.#events.gone();
  }

  /** Gives the terminal back and stops this process, until it is continued. */
  readonly suspend = (): void => {
    this.#leave();
    process.kill(process.pid, "SIGSTOP");
  };

  readonly #continued = (): void => {
    if (this.#isEntered) return;
    this.#enter();
    this.#events.redraw();
  };

  readonly #killed = (signal: NodeJS.Signals): void => {
    this.close();
    // Now that nobody listens to it, it does what it does to every program.
    process.kill(process.pid, signal);
  };

  readonly #pressed = (text: string | undefined, { name, ctrl, meta }: Keypress): void => {
    const types = text !== undefined && meta !== true && !text.startsWith("\x1b");
    this.#events.key({ name: name ?? "", ctrl: ctrl === true, ...(types ? { text } : {}) });
  };

  #enter(): void {
    this.#isEntered = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#output.write(ENTER);
  }

  readonly #leave = (): void => {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#output.write(LEAVE);
    try {
      this.#input.setRawMode(false);
    } catch {
      // The terminal is gone, and its modes with it.
    }
  };
}
