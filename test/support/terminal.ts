// Runs a command on a terminal of its own, as a person does: types keys, and sees what is written.

import { type ChildProcess, spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { shellCommand } from "../../src/cli/shell-words.js";
import { waitFor } from "./wait.js";

export interface TerminalOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly rows?: number;
  readonly columns?: number;
}

export class Terminal {
  /** The exit code of the command. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #text = "";

  constructor(command: readonly string[], { env = {}, rows = 24, columns = 80 }: TerminalOptions = {}) {
    // What the terminal is called and how it was set before and after is written where a test can read it.
    const inside =
      `stty rows ${rows} cols ${columns}; echo "terminal $(tty)"; before=$(stty -g); ` +
      `${shellCommand(command)}; status=$?; [ "$(stty -g)" = "$before" ] && echo "as before"; exit $status`;
    this.#child = spawn("script", ["--quiet", "--return", "--command", inside, "/dev/null"], {
      env: { PATH: process.env.PATH, TERM: "xterm-256color", LANG: "C.UTF-8", SHELL: "/bin/sh", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text.replaceAll("\x1b", "␛");
    });
    // It may end before it has read everything.
    this.#child.stdin?.on("error", () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", resolve);
    });
  }

  /** All that was written, with the sequences that drive the terminal, in which ␛ stands for the escape character. */
  get text(): string {
    return this.#text;
  }

  /** The number of the process that keeps the terminal. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("the terminal was not started");
    return pid;
  }

  /** What was written since `mark`, a length of the text. */
  since(mark: number): string {
    return this.#text.slice(mark);
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** The name of its device. */
  async device(): Promise<string> {
    return (await this.until(/terminal (\/dev\/\S+)/))[1] ?? "";
  }

  until(pattern: RegExp, mark = 0): Promise<RegExpMatchArray> {
    return waitFor(
      `the terminal shows ${pattern}`,
      () => this.since(mark).match(pattern) ?? undefined,
      () => this.#text,
    );
  }

  /** Ends what still runs. */
  close(): void {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
  }
}

/** Without colours and the like. */
export function uncoloured(text: string): string {
  return stripVTControlCharacters(text.replaceAll("␛", "\x1b"));
}
