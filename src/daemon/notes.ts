// The daemon's durable state: JSON in the keeper's notes. Whoever starts next reads them at hello.

import { initialState, type ServiceState } from "./controller/state.js";
import type { Ending, Inventory } from "./keeper/types.js";
import type { Outbox } from "./outbox.js";

/** Grows when a note changes in a way that an older daemon would misread. */
const formatVersion = 1;

/** A file whose services are registered, and what it was compiled to. */
export interface LoadedFile {
  readonly file: string;
  readonly compiled: string;
}

/** What holds for the system as a whole. */
export interface SystemNote {
  readonly files: readonly LoadedFile[];
  /** Canonical names of services of these files that were unloaded. */
  readonly removed?: readonly string[];
}

/** A shutdown that has begun; whoever finds it goes on with it. */
export interface ShutdownNote {
  readonly how: Ending;
  readonly code: number;
  /** Seconds since the epoch. */
  readonly deadline: number;
}

const systemKey = "system";
const shutdownKey = "shutdown";
const servicePrefix = "service/";

export class Notes {
  readonly #outbox: Outbox;
  readonly #found: Map<string, Uint8Array>;
  readonly #report: (message: string) => void;

  constructor(outbox: Outbox, found: Inventory["notes"], report: (message: string) => void) {
    this.#outbox = outbox;
    this.#found = new Map(found);
    this.#report = report;
  }

  /** What an earlier daemon noted; undefined for the first one. */
  get system(): SystemNote | undefined {
    return this.#read(systemKey) as SystemNote | undefined;
  }

  get shutdown(): ShutdownNote | undefined {
    return this.#read(shutdownKey) as ShutdownNote | undefined;
  }

  /** The state of a service as an earlier daemon left it, once: from then on it is what we say. */
  takeService(name: string): ServiceState | undefined {
    const found = this.#read(servicePrefix + name);
    this.#found.delete(servicePrefix + name);
    return found === undefined ? undefined : { ...initialState, ...(found as Partial<ServiceState>) };
  }

  putSystem(note: SystemNote): void {
    this.#put(systemKey, note);
  }

  putShutdown(note: ShutdownNote): void {
    this.#put(shutdownKey, note);
  }

  putService(name: string, state: ServiceState): void {
    this.#put(servicePrefix + name, state);
  }

  /** A service is no more. */
  dropService(name: string): void {
    this.#outbox
      .post({ op: "delete-note", key: servicePrefix + name })
      .catch((e: unknown) => this.#report(String(e)));
  }

  #put(key: string, body: object): void {
    const value = Buffer.from(JSON.stringify({ version: formatVersion, body }));
    this.#outbox.tell(this.#report, { op: "put-note", key, value });
  }

  #read(key: string): unknown {
    const bytes = this.#found.get(key);
    if (bytes === undefined) return undefined;
    try {
      const note = JSON.parse(Buffer.from(bytes).toString("utf8")) as { version?: unknown; body?: unknown };
      if (note.version === formatVersion) return note.body;
      this.#report(
        `the note "${key}" has format ${String(note.version)}, and this daemon reads ${formatVersion}`,
      );
    } catch (error) {
      this.#report(`the note "${key}" cannot be read: ${String(error)}`);
    }
    return undefined;
  }
}
