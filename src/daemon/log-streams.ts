// The log writer as the rest of the daemon knows it: streams by service, and what they hold.

import { setTimeout as delay } from "node:timers/promises";
import type { LogStream, LogStreams } from "./constructors/host.js";
import type { LogView } from "./control/status.js";
import type { DaemonLog } from "./log.js";
import type { LogWriter } from "./logs/log-writer.js";

/** How long, in ms, a start waits for a log writer that does not answer. */
const patience = 10_000;

export class ServiceLogs implements LogStreams, LogView {
  readonly #writer: LogWriter;
  readonly #log: DaemonLog;
  readonly #ownFile: string | undefined;

  /** @param ownFile the daemon's own log file, which is that of `root` */
  constructor(writer: LogWriter, log: DaemonLog, ownFile: string | undefined) {
    this.#writer = writer;
    this.#log = log;
    this.#ownFile = ownFile;
  }

  async open({ name, pipe, program, file }: LogStream): Promise<void> {
    const opened = this.#writer.openStream({
      name,
      pipe,
      label: program,
      ...(file === undefined ? {} : { file }),
    });
    const expired = delay(patience, "expired" as const, { ref: false });
    if ((await Promise.race([opened, expired])) === "expired") {
      opened.catch((error: unknown) => this.#log.error(String(error)));
      throw new Error(`open the log of ${name}: the log writer does not answer`);
    }
  }

  label(name: string, program: string, pid: number): void {
    this.#writer.label(name, program, pid);
  }

  ended(name: string): void {
    if (this.#writer.has(name)) this.#report(this.#writer.drain(name));
  }

  /** The service is no more, and nor is what it printed. */
  forget(name: string): void {
    if (this.#writer.has(name)) this.#report(this.#writer.closeStream(name));
  }

  async recent(
    service: string,
    count: number,
  ): Promise<readonly { readonly time: number; readonly line: string }[]> {
    return service === "root" ? this.#log.recent(count) : await this.#writer.recent(service, count);
  }

  files(service: string): readonly string[] {
    if (service !== "root") return this.#writer.files(service);
    return this.#ownFile === undefined ? [] : [this.#ownFile];
  }

  #report(work: Promise<void>): void {
    work.catch((error: unknown) => this.#log.error(String(error)));
  }
}
