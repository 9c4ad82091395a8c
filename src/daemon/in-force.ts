// The configuration in force: which modules' services are registered, and how load, reload and unload change that.
// A module that is wrong in any way changes nothing.

import type { LoadedConfiguration } from "./configuration/load.js";
import type { Controller } from "./controller/controller.js";
import { errorText } from "./error-text.js";
import type { LoadedFile } from "./notes.js";
import { checkGraph, GraphError } from "./registry/graph.js";
import type { Request } from "./request.js";
import type { System } from "./system.js";

export interface InForceParts {
  readonly system: System;
  readonly root: Controller;
  /** Compiles, where needed, and evaluates a module. */
  read(file: string): Promise<LoadedConfiguration>;
  /** Evaluates a module as it was compiled before. */
  readCompiled(file: LoadedFile): Promise<LoadedConfiguration>;
  readonly log: { info(line: string): void; error(line: string): void };
}

export class InForce {
  readonly #parts: InForceParts;
  #files: readonly LoadedFile[] = [];
  /** Services of these files that were unloaded. */
  readonly #removed = new Set<string>();
  /** The service whose end is the end of everything. */
  exitWith: string | undefined;
  /** Seconds for a shutdown, where a module says. */
  shutdownTimeout: number | undefined;

  constructor(parts: InForceParts) {
    this.#parts = parts;
  }

  /** The compiled modules that a later daemon would resume from. */
  get compiled(): readonly string[] {
    return this.#files.map(({ compiled }) => compiled);
  }

  /** At the first start. What cannot be loaded leaves `root` alone in force, which can be told to load a better one. */
  async loadAtStart(file: string, request: Request): Promise<void> {
    let loaded: LoadedConfiguration;
    try {
      loaded = await this.#parts.read(file);
      this.#register(loaded);
    } catch (error) {
      this.#parts.log.error(`While loading configuration file '${file}': ${errorText(error)}`);
      this.#note();
      return;
    }
    this.#parts.log.info("Configuration successfully loaded.");
    await this.#start(loaded.toStart, request);
  }

  async load(file: string, request: Request): Promise<void> {
    request.say(`Loading ${file}.`);
    const loaded = await this.#parts.read(file);
    this.#register(loaded);
    await this.#start(
      loaded.toStart.filter((name) => this.#isFresh(name)),
      request,
    );
  }

  /** Makes a module's services the only ones: others are stopped and removed, those that run get replacements. */
  async reload(file: string, request: Request): Promise<void> {
    const { system, root } = this.#parts;
    request.say(`Loading ${file}.`);
    const loaded = await this.#parts.read(file);
    namingFile(file, () => checkGraph([root.definition, ...loaded.services]));
    const kept = new Set(loaded.services.flatMap((definition) => definition.provision));
    const isOther = (controller: Controller): boolean =>
      controller !== root && !controller.definition.provision.some((name) => kept.has(name));
    // Looked for anew each time: another client may load something while a service stops.
    for (
      let other = system.registry.controllers.find(isOther);
      other !== undefined;
      other = system.registry.controllers.find(isOther)
    )
      await system.remove(other, request);
    this.#files = [];
    this.#removed.clear();
    this.exitWith = undefined;
    this.shutdownTimeout = undefined;
    this.#register(loaded);
    await this.#start(
      loaded.toStart.filter((name) => this.#isFresh(name)),
      request,
    );
  }

  /** Puts into force again, after a restart of the daemon, exactly what was. */
  async resume(): Promise<void> {
    const { files = [], removed = [] } = this.#parts.system.notes.system ?? {};
    // All of them stay noted, also those that cannot be read now: the next daemon may be able to, and their services run on.
    this.#files = files;
    for (const name of removed) this.#removed.add(name);
    for (const file of files) {
      try {
        const loaded = await this.#parts.readCompiled(file);
        const services = loaded.services.filter(({ provision }) => !removed.includes(provision[0]));
        this.#register({ ...loaded, services });
      } catch (error) {
        this.#parts.log.error(`While taking over '${file.file}': ${errorText(error)}`);
      }
    }
  }

  /** A service is gone for good: a later daemon, which reads the modules again, leaves it out. */
  forget(name: string): void {
    this.#removed.add(name);
    this.#note();
  }

  #note(): void {
    this.#parts.system.notes.putSystem({ files: this.#files, removed: [...this.#removed] });
  }

  #register(loaded: LoadedConfiguration): void {
    const { system } = this.#parts;
    namingFile(loaded.file, () => system.registry.register(loaded.services));
    for (const { provision } of loaded.services) this.#removed.delete(provision[0]);
    const others = this.#files.filter(({ file }) => file !== loaded.file);
    this.#files = [...others, { file: loaded.file, compiled: loaded.compiled }];
    this.exitWith = loaded.exitWith ?? this.exitWith;
    this.shutdownTimeout = loaded.shutdownTimeout ?? this.shutdownTimeout;
    this.#note();
  }

  async #start(names: readonly string[], request: Request): Promise<void> {
    const failed = await this.#parts.system.supervisor.startAll(names, request);
    const count = names.length - failed.length;
    if (count > 0) {
      request.say(`Successfully started ${count} ${count === 1 ? "service" : "services"} in the background.`);
    }
    if (failed.length > 0) request.say(`The following services could not be started: ${failed.join(" ")}`);
  }

  /** Whether nobody has decided about the service yet: what the user stopped or disabled stays so. */
  #isFresh(name: string): boolean {
    const state = this.#parts.system.registry.find(name)?.state;
    return state?.status === "stopped" && state.enabled && state.statusChanges.length === 0;
  }
}

/** Puts the file's name before what is wrong with its services. */
function namingFile(file: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    throw error instanceof GraphError ? new GraphError(`${file}: ${error.message}`) : error;
  }
}
