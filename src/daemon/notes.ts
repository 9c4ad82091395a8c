// The daemon's durable state: JSON in the keeper's notes. Whoever starts next reads them at hello.

import { initialState, type Leader, type ServiceState } from "./controller/state.js";
import type { DefinitionData } from "./definition/as-data.js";
import type { Ending, Inventory } from "./keeper/types.js";
import { decodeNote, encodeNote, NewerNotesError } from "./notes-format.js";
import type { Outbox } from "./outbox.js";
import type { ScheduledShutdown } from "./scheduled-shutdown.js";

/** A file whose services are registered, and what it was compiled to. */
export interface LoadedFile {
  readonly file: string;
  readonly compiled: string;
}

/** Services that run by a definition which is not in force any more. */
export interface FormerServices extends LoadedFile {
  /** Their canonical names. */
  readonly services: readonly string[];
}

/** What holds for the system as a whole. */
export interface SystemNote {
  /** Each with the canonical names of the services for which it, and no other, is in force. */
  readonly files: readonly (LoadedFile & { readonly services?: readonly string[] })[];
  readonly former?: readonly FormerServices[];
  /** Canonical names of services of these files that were unloaded, or were transient and are over. */
  readonly removed?: readonly string[];
  /** The canonical name of the service whose end is the end of everything. */
  readonly exitWith?: string;
  /** Seconds. */
  readonly shutdownTimeout?: number;
}

/** A shutdown that has begun; whoever finds it goes on with it. */
export interface ShutdownNote {
  readonly how: Ending;
  readonly code: number;
  /** Seconds since the epoch. */
  readonly deadline: number;
}

/** Asked for when the supervisor is restarted on purpose. */
export interface RefreshNote {
  /** How many daemons have begun to. */
  readonly attempts: number;
  /** Whether what was in force is not to be evaluated: it is what kills. */
  readonly withoutOld: boolean;
}

/** Of a boot that the keeper has repeated from a record; a part of it. */
export interface BootRecordNote {
  /** Whether that came to its end. */
  readonly complete: boolean;
}

export const systemKey = "system";
export const bootRecordKey = "boot-record";
const shutdownKey = "shutdown";
/** Whether the configuration is to be read anew: somebody restarted the supervisor on purpose. */
const refreshKey = "refresh";
const scheduledShutdownKey = "scheduled-shutdown";
/** Where our cgroups are. */
const cgroupsKey = "cgroups";
export const servicePrefix = "service/";
export const definitionPrefix = "definition/";

export class Notes {
  readonly #outbox: Outbox;
  readonly #found: Map<string, Uint8Array>;
  readonly #report: (message: string) => void;
  /** What is noted as a service's definition. */
  readonly #definitions = new Map<string, string>();
  readonly #redefined = new Set<string>();
  #held: Map<string, DefinitionData> | undefined;
  /** What was noted last of the system. */
  #system: string | undefined;

  /** Throws NewerNotesError. */
  constructor(outbox: Outbox, found: Inventory["notes"], report: (message: string) => void) {
    this.#outbox = outbox;
    this.#found = new Map(found);
    this.#report = report;
    for (const key of this.#found.keys()) {
      const isOurs =
        [systemKey, shutdownKey, refreshKey, scheduledShutdownKey, bootRecordKey].includes(key) ||
        key.startsWith(servicePrefix);
      if (isOurs) this.#read(key, false);
      else if (key.startsWith(definitionPrefix)) {
        const data = this.#read(key);
        if (data !== undefined)
          this.#definitions.set(key.slice(definitionPrefix.length), JSON.stringify(data));
      }
    }
  }

  /** What is noted of the system now. */
  get systemNow(): SystemNote | undefined {
    return this.#system === undefined ? undefined : (JSON.parse(this.#system) as SystemNote);
  }

  /** Set where services run that the keeper has started from the record of a boot, and nobody has looked at that yet. */
  get bootRecord(): BootRecordNote | undefined {
    return this.#read(bootRecordKey) as BootRecordNote | undefined;
  }

  bootRecordSeen(): void {
    this.#found.delete(bootRecordKey);
    this.#delete(bootRecordKey);
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

  /** Whether there is something left of a service of that name which an earlier daemon had. */
  hasService(name: string): boolean {
    return this.#found.has(servicePrefix + name);
  }

  /** The definitions that an earlier daemon had in force, by canonical names. */
  get definitions(): ReadonlyMap<string, DefinitionData> {
    return new Map(
      [...this.#definitions].map(([name, text]) => [name, JSON.parse(text) as DefinitionData] as const),
    );
  }

  /** The services whose definitions have become others than were noted before. */
  get redefined(): ReadonlySet<string> {
    return this.#redefined;
  }

  /** Set where a daemon was restarted on purpose and the configuration has not been read anew yet. */
  get refresh(): RefreshNote | undefined {
    return this.#read(refreshKey) as RefreshNote | undefined;
  }

  putRefresh(note: RefreshNote): void {
    this.#put(refreshKey, note);
  }

  refreshed(): void {
    this.#found.delete(refreshKey);
    this.#delete(refreshKey);
  }

  putSystem(note: SystemNote): void {
    const text = JSON.stringify(note);
    if (text === this.#system) return;
    this.#system = text;
    this.#put(systemKey, note);
  }

  putDefinition(name: string, data: DefinitionData): void {
    const text = JSON.stringify(data);
    const before = this.#definitions.get(name);
    if (before === text) return;
    if (before !== undefined) this.#redefined.add(name);
    this.#definitions.set(name, text);
    if (this.#held === undefined) this.#put(definitionPrefix + name, data);
    else this.#held.set(name, data);
  }

  /**
   * Keeps definitions back until `releaseDefinitions`: those of a configuration must not be found by a daemon that does
   * not find the configuration itself in force.
   */
  holdDefinitions(): void {
    this.#held ??= new Map();
  }

  releaseDefinitions(): void {
    const held = this.#held ?? new Map<string, DefinitionData>();
    this.#held = undefined;
    for (const [name, data] of held) this.#put(definitionPrefix + name, data);
  }

  get scheduledShutdown(): ScheduledShutdown | undefined {
    return this.#read(scheduledShutdownKey) as ScheduledShutdown | undefined;
  }

  putScheduledShutdown(note: ScheduledShutdown): void {
    this.#put(scheduledShutdownKey, note);
  }

  dropScheduledShutdown(): void {
    this.#delete(scheduledShutdownKey);
  }

  /** The directory that the first daemon has chosen for cgroups. */
  get cgroups(): string | undefined {
    const note = this.#read(cgroupsKey) as { readonly directory?: string } | undefined;
    return note?.directory;
  }

  putCgroups(directory: string): void {
    this.#put(cgroupsKey, { directory });
  }

  putShutdown(note: ShutdownNote): void {
    this.#put(shutdownKey, note);
  }

  putService(name: string, state: ServiceState): void {
    this.#put(servicePrefix + name, state);
  }

  /** A service is no more, nor anything that it left behind. */
  dropService(name: string): void {
    this.#found.delete(servicePrefix + name);
    this.#delete(servicePrefix + name);
    this.dropDefinition(name);
  }

  dropDefinition(name: string): void {
    this.#held?.delete(name);
    if (this.#definitions.delete(name)) this.#delete(definitionPrefix + name);
  }

  /** What services that nobody has taken over, and that nothing defines, have left behind. */
  remains(): readonly (readonly [name: string, leaders: readonly Leader[]])[] {
    const names = [...this.#found.keys()]
      .filter((key) => key.startsWith(servicePrefix))
      .map((key) => key.slice(servicePrefix.length))
      .filter((name) => !this.#definitions.has(name));
    return names.flatMap((name) => {
      const { leaders = [] } = (this.#read(servicePrefix + name) ?? {}) as Partial<ServiceState>;
      return leaders.length === 0 ? [] : [[name, leaders] as const];
    });
  }

  /** One that does not exist is no error. */
  #delete(key: string): void {
    this.#outbox.post({ op: "delete-note", key }).catch((e: unknown) => this.#report(String(e)));
  }

  #put(key: string, body: object): void {
    this.#outbox.tell(this.#report, { op: "put-note", key, late: () => encodeNote(body) });
  }

  #read(key: string, complain = true): unknown {
    const bytes = this.#found.get(key);
    if (bytes === undefined) return undefined;
    try {
      return decodeNote(key, bytes);
    } catch (error) {
      if (error instanceof NewerNotesError) throw error;
      if (complain) this.#report(`the note "${key}" cannot be read: ${String(error)}`);
      return undefined;
    }
  }
}
