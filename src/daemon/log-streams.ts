// The log writer as the rest of the daemon knows it: streams by service, and what they hold.

import { setTimeout as delay } from "node:timers/promises";
import type { LogStream, LogStreams } from "./constructors/host.js";
import { pipeName } from "./constructors/process-spec.js";
import type { LogView } from "./control/status.js";
import { errorText } from "./error-text.js";
import type { Keeper } from "./keeper/types.js";
import type { DaemonLog } from "./log.js";
import type { LogWriter } from "./logs/log-writer.js";

/** How long, in ms, a start waits for a log writer that does not answer. */
const patience = 10_000;

/** The stream of a service that is no more. */
interface Closing {
  done: Promise<void>;
  /** Another service of that name wants it, and its pipe. */
  wanted: boolean;
}

export class ServiceLogs implements LogStreams, LogView {
  readonly #keeper: Keeper;
  readonly #writer: LogWriter;
  readonly #log: DaemonLog;
  readonly #ownFile: string | undefined;
  readonly #closing = new Map<string, Closing>();

  /** @param ownFile the daemon's own log file, which is that of `root` */
  constructor(keeper: Keeper, writer: LogWriter, log: DaemonLog, ownFile: string | undefined) {
    this.#keeper = keeper;
    this.#writer = writer;
    this.#log = log;
    this.#ownFile = ownFile;
  }

  async open({ name, pipe, program, file }: LogStream): Promise<void> {
    const closing = this.#closing.get(name);
    if (closing !== undefined) closing.wanted = true;
    const opened = Promise.resolve(closing?.done).then(() =>
      this.#writer.openStream({ name, pipe, label: program, ...(file === undefined ? {} : { file }) }),
    );
    const expired = delay(patience, "expired" as const, { ref: false });
    if ((await Promise.race([opened, expired])) === "expired") {
      opened.catch((error: unknown) => this.#log.error(errorText(error)));
      throw new Error(`open the log of ${name}: the log writer does not answer`);
    }
  }

  label(name: string, program: string, pid: number): void {
    this.#writer.label(name, program, pid);
  }

  ended(name: string): void {
    if (this.#writer.has(name)) this.#report(this.#writer.drain(name));
  }

  /** Forgets the streams of services that are no more, which an earlier daemon had not come to. */
  keepOnly(isThere: (service: string) => boolean): void {
    for (const name of this.#writer.services) if (!isThere(name)) this.forget(name);
  }

  /** The service is no more, and nor is what it printed. */
  forget(name: string): void {
    if (!this.#writer.has(name) || this.#closing.has(name)) return;
    const closing: Closing = { done: Promise.resolve(), wanted: false };
    this.#closing.set(name, closing);
    closing.done = this.#close(name, closing).catch((error: unknown) => this.#log.error(errorText(error)));
  }

  async #close(name: string, closing: Closing): Promise<void> {
    try {
      await this.#writer.closeStream(name);
      if (!closing.wanted) await this.#writer.forget(name);
    } finally {
      this.#closing.delete(name);
    }
    // Whoever wants it from now on makes a new one.
    if (!closing.wanted) await this.#keeper.send([{ op: "close", name: pipeName(name) }]);
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

  /** Begins a new log file for a service that has one of its own, or for `root`; the old file's path as it is now. */
  async rotate(service: string): Promise<string[]> {
    if (this.files(service).length === 0) return [];
    if (service !== "root" && !this.#writer.has(service)) return [];
    const made = await this.#writer.rotate(service === "root" ? undefined : service);
    return made === undefined ? [] : [made];
  }

  /** What keeps the lines of a service from where they belong, at present. */
  trouble(service: string): string | undefined {
    if (service === "root") return this.#writer.trouble();
    if (!this.#writer.has(service)) return undefined;
    const hasFile = this.#writer.files(service).length > 0;
    const trouble = this.#writer.trouble(hasFile ? service : undefined);
    const recent = this.#writer.recentFile(service);
    return trouble === undefined || recent === undefined
      ? trouble
      : `${trouble}; the last lines are kept in ${recent}`;
  }

  #report(work: Promise<void>): void {
    work.catch((error: unknown) => this.#log.error(errorText(error)));
  }
}
