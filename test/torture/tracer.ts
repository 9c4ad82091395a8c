// Kills a process before its n-th system call of one kind, by strace.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export class Tracer {
  readonly #strace: ChildProcess;
  #isOver = false;

  private constructor(strace: ChildProcess) {
    this.#strace = strace;
    strace.once("exit", () => {
      this.#isOver = true;
    });
  }

  /** Resolves when calls are counted. @param pid its number out here */
  static async attach(pid: number, call: string, nth: number): Promise<Tracer> {
    const inject = `inject=${call}:signal=KILL:when=${nth}`;
    const args = ["-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", inject, "-p", String(pid)];
    const strace = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
    const tracer = new Tracer(strace);
    let said = "";
    await new Promise<void>((resolve, reject) => {
      strace.on("error", reject);
      strace.once("exit", () => reject(new Error(`trace process ${pid}: ${said.trim()}`)));
      strace.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (/attached/.test(said)) resolve();
      });
    });
    return tracer;
  }

  /** Whether its process is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Lets the process go on untraced; resolves with whether it was killed. */
  async detach(): Promise<boolean> {
    if (this.#isOver) return true;
    const exited = once(this.#strace, "exit");
    this.#strace.kill("SIGINT");
    const [, signal] = (await exited) as [number | null, string | null];
    // It leaves by the signal that told it to.
    return signal !== "SIGINT";
  }
}
