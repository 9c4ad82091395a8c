// Programs on terminals of their own, as people use them: what they show, and what is typed.

import type { Scope } from "./harness.js";
import { waitFor } from "./wait.js";

/** The part of node-pty that is used here. */
interface Pty {
  readonly pid: number;
  onData(listener: (data: string) => void): void;
  onExit(listener: (exit: { exitCode: number; signal?: number }) => void): void;
  write(data: string): void;
  resize(columns: number, rows: number): void;
}

interface NodePty {
  spawn(file: string, args: readonly string[], options: object): Pty;
}

// Optional, and so it need not be there when this is compiled.
const packageName: string = "node-pty";
const library = (await import(packageName).catch(() => undefined)) as NodePty | undefined;

/** Why tests of terminals cannot run here; false where they can. */
export const withoutTerminals: string | false =
  library === undefined ? "node-pty is not installed: it is optional, and is built by a C++ compiler" : false;

export interface WindowOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export class Window {
  readonly exited: Promise<number>;
  readonly #pty: Pty;
  #shown = "";
  #seen = 0;
  #hasExited = false;

  constructor(pty: Pty) {
    this.#pty = pty;
    pty.onData((data) => {
      this.#shown += data;
    });
    this.exited = new Promise((resolve) =>
      pty.onExit(({ exitCode, signal = 0 }) => {
        this.#hasExited = true;
        resolve(signal === 0 ? exitCode : 128 + signal);
      }),
    );
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** All that it has shown. */
  get shown(): string {
    return this.#shown;
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Waits until it shows this, behind what was waited for last. */
  async until(pattern: RegExp): Promise<string> {
    return await waitFor(
      `the terminal shows ${pattern}`,
      () => {
        const match = pattern.exec(this.#shown.slice(this.#seen));
        if (match === null) return undefined;
        this.#seen += match.index + match[0].length;
        return match[0];
      },
      () => JSON.stringify(this.#shown),
    );
  }

  /** The exit status; a signal's is 128 more. */
  async exitStatus(): Promise<number> {
    await waitFor(
      "the program on the terminal has ended",
      () => this.#hasExited,
      () => JSON.stringify(this.#shown),
    );
    return await this.exited;
  }

  close(): void {
    if (this.#hasExited) return;
    try {
      process.kill(this.#pty.pid, "SIGKILL");
    } catch {
      // It has ended, and we are not told yet.
    }
  }
}

/** Runs a program on a terminal of its own, until the scope is left at most. */
export function openWindow(
  scope: Scope,
  program: string,
  args: readonly string[],
  { columns = 80, rows = 24, env = {} }: WindowOptions = {},
): Window {
  if (library === undefined) throw new Error("open a terminal: node-pty is not installed");
  const window = new Window(
    library.spawn(program, args, { cols: columns, rows, cwd: "/", env: { ...env, TERM: "xterm-256color" } }),
  );
  scope.after(() => window.close());
  return window;
}
