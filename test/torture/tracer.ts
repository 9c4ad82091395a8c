// Kills a process before its n-th system call of one kind, by strace.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe } from "../support/processes.js";

/** How often it is looked whether the process is dead, in ms. */
const interval = 5;

export class Tracer {
  readonly #strace: ChildProcess;
  readonly #pid: number;
  readonly #exited: Promise<unknown>;
  readonly #watch: NodeJS.Timeout;

  private constructor(strace: ChildProcess, pid: number) {
    this.#strace = strace;
    this.#pid = pid;
    this.#exited = once(strace, "exit");
    // strace can sleep for ever over the remains of a process with threads, which nobody else can reap meanwhile.
    this.#watch = setInterval(() => {
      if (this.isOver) strace.kill("SIGKILL");
    }, interval);
  }

  /** Resolves when calls are counted. @param pid its number out here */
  static async attach(pid: number, call: string, nth: number): Promise<Tracer> {
    const inject = `inject=${call}:signal=KILL:when=${nth}`;
    const args = ["-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", inject, "-p", String(pid)];
    const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    await new Promise<void>((resolve, reject) => {
      strace.once("error", reject);
      strace.once("exit", () => reject(new Error(`trace process ${pid}: ${said.trim()}`)));
      strace.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (/attached/.test(said)) resolve();
      });
    });
    return new Tracer(strace, pid);
  }

  /** Whether the process is dead. */
  get isOver(): boolean {
    const state = describe(this.#pid)?.state;
    return state === undefined || state === "Z";
  }

  /** Lets the process go on untraced; resolves with whether it was killed. */
  async detach(): Promise<boolean> {
    if (!this.isOver) this.#strace.kill("SIGINT");
    await this.#exited;
    clearInterval(this.#watch);
    return this.isOver;
  }
}
