// The system log as orders to the log writer: which files there are, which rules lead to them, what is read. All of it is
// one note, from which the next daemon, or the next writer, has it again.

import { createHash } from "node:crypto";
import { constants } from "node:os";
import { consoleFile } from "../definition/system-log.js";
import type { SystemLogData } from "../definition/types.js";
import type { Keeper, Name, Request } from "../keeper/types.js";
import type { Order } from "./messages.js";
import { LogError, type OrderQueue, type QueuedOrder } from "./order-queue.js";

export type Routes = SystemLogData["routes"];

export interface SystemLogSetup {
  /** The canonical name of the service whose log it is. */
  readonly service: string;
  /** The keeper's names of the datagram sockets. */
  readonly sockets: readonly Name[];
  /** The keeper's name of the kernel's log. */
  readonly kernelLog?: Name;
  /** Absolute names. */
  readonly files: readonly string[];
  readonly routes: Routes;
  /** What is not as it should be, for the service's status. */
  readonly trouble?: string;
}

/** A stream that an order opens, and the keeper's descriptor that goes along. */
interface Opening {
  readonly name: string;
  readonly source: "nothing" | "socket" | "kernel-log";
  readonly path?: string;
  readonly recent?: string;
  readonly pipe?: Name;
}

const { EDQUOT, EIO, ENOENT, ENOSPC, EROFS } = constants.errno;
/** What may pass without anybody's changing the configuration: the log is not to wait for it. */
const ofTheDisk: ReadonlySet<number> = new Set([EDQUOT, EIO, ENOSPC, EROFS]);

/** The stream of one of the files: no service's name has a slash. */
function fileStream(service: string, path: string): string {
  return `${service}/${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
}

function sinksOf({ service, files }: SystemLogSetup, recent: string | undefined): Opening[] {
  return [
    { name: service, source: "nothing", ...(recent === undefined ? {} : { recent }) },
    ...files.map((path) => ({ name: fileStream(service, path), source: "nothing" as const, path })),
  ];
}

function sourcesOf({ sockets, kernelLog }: SystemLogSetup): Opening[] {
  return [
    ...sockets.map((pipe) => ({ name: pipe, source: "socket" as const, pipe })),
    ...(kernelLog === undefined ? [] : [{ name: kernelLog, source: "kernel-log" as const, pipe: kernelLog }]),
  ];
}

function routeOrder({ service, files, routes }: SystemLogSetup): Order {
  return { op: "route", name: service, files: files.map((path) => fileStream(service, path)), routes };
}

function openOrder({ name, source, path, recent, pipe }: Opening, keep: boolean): QueuedOrder {
  return {
    order: {
      op: "open",
      name,
      program: "",
      source,
      raw: false,
      keep,
      ...(path === undefined ? {} : { file: { path } }),
      ...(recent === undefined ? {} : { recent }),
    },
    ...(pipe === undefined ? {} : { pipe }),
  };
}

export interface SystemLogParts {
  readonly keeper: Keeper;
  readonly queue: OrderQueue;
  /** The path of a stream's recent history. */
  readonly recentOf: (name: string) => string | undefined;
  readonly note: (setup: SystemLogSetup | undefined) => Request;
}

export class SystemLog {
  readonly #parts: SystemLogParts;
  #setup: SystemLogSetup | undefined;
  /** The setup, also when it is closed. */
  #last: SystemLogSetup | undefined;
  /** What has been closed of it already: a writer that comes meanwhile is not to open it again. */
  readonly #closed = new Set<string>();
  /** Opening and closing take several orders each, and do not mix. */
  #work: Promise<void> = Promise.resolve();

  /** @param found what an earlier daemon had noted */
  constructor(parts: SystemLogParts, found: SystemLogSetup | undefined) {
    this.#parts = parts;
    this.#setup = found;
    this.#last = found;
  }

  /** What is open, or being opened. */
  get setup(): SystemLogSetup | undefined {
    return this.#setup;
  }

  /** The files of a service that is, or was at last, the system log: what is in them can still be read. */
  filesOf(service: string): readonly string[] | undefined {
    return service === this.#last?.service ? this.#last.files : undefined;
  }

  /** The streams of its files, by name. */
  get files(): readonly { readonly name: string; readonly path: string }[] {
    const { service = "", files = [] } = this.#setup ?? {};
    return files.map((path) => ({ name: fileStream(service, path), path }));
  }

  /** What a new writer must be told before it begins. */
  introduction(): QueuedOrder[] {
    const setup = this.#setup;
    if (setup === undefined) return [];
    const isOpen = ({ name }: Opening): boolean => !this.#closed.has(name);
    const sinks = this.#sinks(setup);
    const openings = [...sinks, ...sourcesOf(setup)].filter(isOpen);
    // With a sink every source was closed, and nothing comes that rules could be for.
    const rules = sinks.every(isOpen) ? [{ order: routeOrder(setup) }] : [];
    return [...openings.map((opening) => openOrder(opening, true)), ...rules];
  }

  /** Opens its files and reads its sources, or goes on as this setup says. Rejects with a LogError that names the file. */
  open(setup: SystemLogSetup): Promise<void> {
    return this.#after(() => this.#open(setup));
  }

  /** Writes all that was accepted, and reads no more. */
  close(service: string): Promise<void> {
    return this.#after(() => this.#close(service));
  }

  #after(task: () => Promise<void>): Promise<void> {
    const done = this.#work.then(task);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #open(setup: SystemLogSetup): Promise<void> {
    const { queue, keeper } = this.#parts;
    const before = this.#setup;
    const [noted] = await keeper.send([this.#parts.note(setup)]);
    if (noted !== undefined && noted.errno !== 0)
      throw new LogError(`note the files of the system log: ${noted.text}`, noted.errno);
    // Should what follows fail, or we die in between, whoever closes it knows of all that may be open.
    this.#setup = setup;
    this.#last = setup;
    this.#closed.clear();
    for (const sink of this.#sinks(setup)) await this.#openSink(sink);
    await queue.add({ order: routeOrder(setup) });
    for (const source of sourcesOf(setup)) await queue.add(openOrder(source, false));
    if (before === undefined) return;
    const kept = new Set([...this.#sinks(setup), ...sourcesOf(setup)].map(({ name }) => name));
    for (const { name } of [...sourcesOf(before), ...this.#sinks(before)])
      if (!kept.has(name)) await queue.add({ order: { op: "close", name } });
  }

  async #openSink(sink: Opening): Promise<void> {
    const { queue } = this.#parts;
    try {
      await queue.add(openOrder(sink, false));
    } catch (error) {
      // Nor is it to wait for a console that nobody may write to.
      const mayPass = error instanceof LogError && (ofTheDisk.has(error.errno) || sink.path === consoleFile);
      if (!mayPass) throw error;
      await queue.add(openOrder(sink, true));
    }
  }

  async #close(service: string): Promise<void> {
    const setup = this.#setup;
    if (setup?.service !== service) return;
    const { queue, keeper, note } = this.#parts;
    // The sources first: what they still hold has somewhere to go.
    for (const { name } of [...sourcesOf(setup), ...this.#sinks(setup)]) {
      await queue.add({ order: { op: "close", name } });
      this.#closed.add(name);
    }
    this.#setup = undefined;
    const { kernelLog } = setup;
    const close: Request[] = kernelLog === undefined ? [] : [{ op: "close", name: kernelLog }];
    const results = await keeper.send([...close, note(undefined)]);
    const failed = results.find(({ errno }) => errno !== 0 && errno !== ENOENT);
    if (failed !== undefined) throw new LogError(failed.text, failed.errno);
  }

  #sinks(setup: SystemLogSetup): Opening[] {
    return sinksOf(setup, this.#parts.recentOf(setup.service));
  }
}
