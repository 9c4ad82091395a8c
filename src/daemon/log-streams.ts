// The log writer as the rest of the daemon knows it: streams by service, and what they hold.

import type { LogSource } from "../protocol/log-sources.js";
import type { LogOpening, LogStream, LogStreams, Succession } from "./constructors/host.js";
import { pipeName } from "./constructors/process-spec.js";
import type { LogPlaces } from "./control/log-sources.js";
import type { LogView } from "./control/status.js";
import { errorText } from "./error-text.js";
import type { Keeper } from "./keeper/types.js";
import type { DaemonLog } from "./log.js";
import type { LogWriter } from "./logs/log-writer.js";
import { endsInTime } from "./logs/patience.js";
import type { LogRotation } from "./logs/rotation.js";
import type { SizedPolicy } from "./logs/rotation-policy.js";
import type { SystemLogSetup } from "./logs/system-log.js";

/** The stream of a service that is no more. */
interface Closing {
  done: Promise<void>;
  /** Another service of that name wants it, and its pipe. */
  wanted: boolean;
}

export class ServiceLogs implements LogStreams, LogView, LogPlaces {
  readonly #keeper: Keeper;
  readonly #writer: LogWriter;
  readonly #log: DaemonLog;
  readonly #ownFile: string | undefined;
  readonly #closing = new Map<string, Closing>();
  /** Services whose pipe is there, and nobody has had it read yet. */
  readonly #begun = new Set<string>();
  #rotation: LogRotation | undefined;

  /** @param ownFile the daemon's own log file, which is that of `root` */
  constructor(keeper: Keeper, writer: LogWriter, log: DaemonLog, ownFile: string | undefined) {
    this.#keeper = keeper;
    this.#writer = writer;
    this.#log = log;
    this.#ownFile = ownFile;
  }

  get pid(): number | undefined {
    return this.#writer.pid;
  }

  /** Who rotates the files, which takes processes, and so comes to be after the streams. */
  rotateWith(rotation: LogRotation): void {
    this.#rotation = rotation;
  }

  keepWithin(service: string, policy: SizedPolicy | undefined): void {
    this.#rotation?.keepWithin(service, policy);
  }

  async open(stream: LogStream): Promise<void> {
    const { name } = stream;
    const closing = this.#closing.get(name);
    if (closing !== undefined) closing.wanted = true;
    const opened = Promise.resolve(closing?.done).then(() => this.#openNow(stream));
    await this.#patiently(opened, `open the log of ${name}`);
  }

  async begin(stream: LogStream): Promise<LogOpening> {
    const { name, program, file } = stream;
    let opened: Promise<void> | undefined;
    // What is wrong with the file is told before a program runs; and what one prints must go neither where the lines of an
    // earlier service went, nor under an earlier process's number.
    const isNew = file === undefined && !this.#closing.has(name) && !this.#writer.has(name);
    if (isNew) this.#begun.add(name);
    else await this.open(stream);
    const open = async (pid: number): Promise<void> => {
      this.#begun.delete(name);
      if (!isNew) this.label(name, program, pid);
      else await this.#patiently(this.#openNow(stream, pid), `open the log of ${name}`);
    };
    return {
      open: (pid) => {
        opened ??= open(pid);
        return opened;
      },
    };
  }

  #openNow({ name, pipe, program, file, pid: known = 0 }: LogStream, pid = known): Promise<void> {
    return this.#writer.openStream({
      name,
      pipe,
      label: program,
      ...(pid === 0 ? {} : { pid }),
      ...(file === undefined ? {} : { file }),
    });
  }

  /** @param what as an error is to have it: nothing waits for ever */
  async #patiently(work: Promise<void>, what: string): Promise<void> {
    if (await endsInTime(work, () => this.#writer.progress)) return;
    work.catch((error: unknown) => this.#log.error(errorText(error)));
    throw new Error(`${what}: the log writer does not answer`);
  }

  systemLogOf(): string | undefined {
    return this.#writer.systemLog.setup?.service;
  }

  async openSystemLog(setup: SystemLogSetup): Promise<void> {
    await this.#patiently(this.#writer.systemLog.open(setup), `open the system log of ${setup.service}`);
  }

  closeSystemLog(service: string): Promise<void> | undefined {
    if (this.systemLogOf() !== service) return undefined;
    return this.#patiently(this.#writer.systemLog.close(service), `close the system log of ${service}`);
  }

  label(name: string, program: string, pid: number): void {
    this.#writer.label(name, program, pid);
  }

  successionOf(name: string, program: string): Succession | undefined {
    return this.#closing.has(name) ? undefined : this.#writer.successionOf(name, program);
  }

  ended(name: string): void {
    if (this.#writer.knows(name)) this.#report(this.#writer.drain(name));
  }

  /** Forgets the streams of services that are no more, which an earlier daemon had not come to. */
  keepOnly(isThere: (service: string) => boolean): void {
    for (const name of this.#writer.services) if (!isThere(name)) this.forget(name);
  }

  /** The service is no more, and nor is what it printed. */
  forget(name: string): void {
    if (this.#begun.delete(name)) this.#report(this.#closePipe(name));
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
    if (!closing.wanted) await this.#closePipe(name);
  }

  async #closePipe(name: string): Promise<void> {
    await this.#keeper.send([{ op: "close", name: pipeName(name) }]);
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

  /** Where the lines of a service are: its files, and what keeps the last lines for want of one, or while it fails. */
  sources(service: string, file?: string): readonly LogSource[] {
    const main: readonly LogSource[] =
      this.#ownFile === undefined
        ? []
        : [{ path: this.#ownFile, format: this.#log.format === "json" ? "json" : "stamped" }];
    if (service === "root") return main;
    const known = this.#writer.files(service);
    const files = known.length === 0 && file !== undefined ? [file] : known;
    // Only there can it be told whose lines they are, and then nothing is cut off.
    if (files.length === 0 && main[0]?.format === "json") return main;
    // Every message of the system log is among the recent ones, too.
    const isSystemLog = this.#writer.systemLog.filesOf(service) !== undefined;
    const recent = isSystemLog && files.length > 0 ? undefined : this.#writer.recentFile(service);
    return [
      ...files.map((path): LogSource => ({ path, format: "stamped" })),
      ...(recent === undefined ? [] : [{ path: recent, format: "recent" } as const]),
    ];
  }

  /** Begins new log files for a service that has some of its own, or for `root`; the old files' paths as they are now. */
  async rotate(service: string): Promise<string[]> {
    if (this.files(service).length === 0) return [];
    const keep = this.#rotation?.kept;
    const made: string[] = [];
    for (const stream of this.#streamsWithFiles(service)) {
      const path = await this.#writer.rotate(stream, keep === undefined ? {} : { keep });
      if (path !== undefined) made.push(path);
    }
    return made;
  }

  /** The streams whose files are a service's; undefined is the main sink. */
  #streamsWithFiles(service: string): readonly (string | undefined)[] {
    if (service === "root") return [undefined];
    if (service === this.systemLogOf()) return this.#writer.systemLog.files.map(({ name }) => name);
    return this.#writer.has(service) ? [service] : [];
  }

  /** What is wrong with the log of a service, at present. */
  trouble(service: string): string | undefined {
    const old = this.files(service).flatMap((file) => this.#rotation?.trouble(file) ?? []);
    const troubles = [this.#lineTrouble(service) ?? [], old].flat();
    return troubles.length === 0 ? undefined : troubles.join("; ");
  }

  /** What keeps its lines from where they belong. */
  #lineTrouble(service: string): string | undefined {
    if (service === "root") return this.#writer.trouble();
    if (service === this.systemLogOf()) return this.#systemLogTrouble(service);
    if (!this.#writer.has(service)) return undefined;
    const hasFile = this.#writer.files(service).length > 0;
    const trouble = this.#writer.trouble(hasFile ? service : undefined);
    const recent = this.#writer.recentFile(service);
    return trouble === undefined || recent === undefined
      ? trouble
      : `${trouble}; the last lines are kept in ${recent}`;
  }

  #systemLogTrouble(service: string): string | undefined {
    const troubles = [
      this.#writer.systemLog.setup?.trouble ?? [],
      this.#writer.trouble(service) ?? [],
    ].flat();
    return troubles.length === 0 ? undefined : troubles.join("; ");
  }

  #report(work: Promise<void>): void {
    work.catch((error: unknown) => this.#log.error(errorText(error)));
  }
}
