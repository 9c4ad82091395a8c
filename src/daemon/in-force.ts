// The configuration in force: which modules' services are registered, and how load, reload and unload change that.
// A module that is wrong in any way changes nothing.

import type { LoadedConfiguration } from "./configuration/load.js";
import type { Controller } from "./controller/controller.js";
import type { ServiceDefinition } from "./definition/types.js";
import { errorText } from "./error-text.js";
import type { FormerServices, LoadedFile, SystemNote } from "./notes.js";
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
  /** Where a definition comes from. */
  readonly #sources = new WeakMap<ServiceDefinition, LoadedFile>();
  /** The service whose end is the end of everything. */
  exitWith: string | undefined;
  /** Seconds for a shutdown, where a module says. */
  shutdownTimeout: number | undefined;

  constructor(parts: InForceParts) {
    this.#parts = parts;
  }

  /** The compiled modules that a later daemon would resume from. */
  get compiled(): readonly string[] {
    return [...this.#files, ...this.#former()].map(({ compiled }) => compiled);
  }

  /** At the first start. What cannot be loaded leaves `root` alone in force, which can be told to load a better one. */
  async loadAtStart(file: string, request: Request): Promise<void> {
    let loaded: LoadedConfiguration;
    try {
      loaded = await this.#parts.read(file);
      this.#register(loaded);
    } catch (error) {
      this.#parts.log.error(`While loading configuration file '${file}': ${errorText(error)}`);
      this.note();
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
    const { former = [] } = this.#takeNoted();
    // What runs by an older definition first: those that are in force now wait for its end then, as they did.
    for (const { services, ...file } of former)
      await this.#registerCompiled(file, (name) => services.includes(name));
    for (const file of this.#files) await this.#registerCompiled(file, (name) => !this.#removed.has(name));
  }

  /** As `resume`, without evaluating anything: the services are registered from what is noted of them. */
  resumeWithoutCode(): void {
    this.#takeNoted();
  }

  /**
   * After `resume`, once all services are registered: which of them the configuration has no more.
   * @param evaluated whether the modules were, so that what waits to replace a service is known
   */
  settleFormer(evaluated: boolean): void {
    const { system } = this.#parts;
    const { former = [] } = system.notes.system ?? {};
    for (const { services, ...file } of former) {
      for (const controller of services.map((name) => system.registry.find(name))) {
        if (controller === undefined || controller.replacement !== undefined) continue;
        // Its end was the last thing that an earlier daemon saw.
        const isInForce = this.#files.includes(this.#sources.get(controller.definition) as LoadedFile);
        if (isInForce) continue;
        this.#sources.set(controller.definition, file);
        if (!evaluated) continue;
        if (controller.state.status === "stopped") system.forget(controller);
        else controller.obsolete = true;
      }
    }
  }

  #takeNoted(): SystemNote {
    const noted = this.#parts.system.notes.system ?? { files: [] };
    // All of them stay noted, also those that cannot be read now: the next daemon may be able to, and their services run on.
    this.#files = noted.files;
    for (const name of noted.removed ?? []) this.#removed.add(name);
    this.exitWith = noted.exitWith;
    this.shutdownTimeout = noted.shutdownTimeout;
    return noted;
  }

  async #registerCompiled(file: LoadedFile, isWanted: (name: string) => boolean): Promise<void> {
    try {
      const loaded = await this.#parts.readCompiled(file);
      const services = loaded.services.filter(({ provision }) => isWanted(provision[0]));
      for (const definition of services) this.#sources.set(definition, file);
      this.#parts.system.registry.registerAgain(services);
    } catch (error) {
      this.#parts.log.error(`While taking over '${file.file}': ${errorText(error)}`);
    }
  }

  /**
   * Reads the files in force anew, as they are now. Services that a file has no more run on until they stop, those that
   * changed get their new definition when they stop, new ones are started; a file that is wrong stays as it was.
   */
  async refresh(request: Request): Promise<void> {
    for (const { file, compiled } of this.#files) {
      try {
        const loaded = await this.#parts.read(file);
        if (loaded.compiled === compiled) continue;
        this.#replaceFile(loaded);
        this.#parts.log.info(`The configuration ${file} has changed and is in force as it is now.`);
        await this.#start(
          loaded.toStart.filter((name) => this.#isFresh(name)),
          request,
        );
      } catch (error) {
        this.#parts.log.error(`${errorText(error)}; what was in force of '${file}' stays.`);
      }
    }
  }

  #replaceFile(loaded: LoadedConfiguration): void {
    const { system } = this.#parts;
    const sourceOf = ({ replacement, definition }: Controller): LoadedFile | undefined =>
      this.#sources.get(replacement ?? definition);
    const before = system.registry.controllers.filter(
      (controller) => !controller.obsolete && sourceOf(controller)?.file === loaded.file,
    );
    this.#register(loaded);
    for (const controller of before) {
      if (loaded.services.includes(controller.replacement ?? controller.definition)) continue;
      controller.replacement = undefined;
      if (controller.state.status === "stopped") system.forget(controller);
      else controller.obsolete = true;
    }
    this.note();
  }

  /** A service is gone for good: a later daemon, which reads the modules again, leaves it out. */
  forget({ definition, name }: Controller): void {
    // What no module defines, such as the service of a connection, no module brings back.
    if (definition.transient && !this.#sources.has(definition)) return;
    this.#removed.add(name);
    this.note();
  }

  /** Notes what is in force, if it has changed. */
  note(): void {
    const { exitWith, shutdownTimeout } = this;
    const former = this.#former();
    this.#parts.system.notes.putSystem({
      files: this.#files,
      ...(former.length === 0 ? {} : { former }),
      removed: [...this.#removed],
      ...(exitWith === undefined ? {} : { exitWith }),
      ...(shutdownTimeout === undefined ? {} : { shutdownTimeout }),
    });
  }

  /** Services that run by a definition which is not the one in force. */
  #former(): readonly FormerServices[] {
    const services = new Map<string, { readonly from: LoadedFile; readonly names: string[] }>();
    for (const { definition, name, replacement, obsolete } of this.#parts.system.registry.controllers) {
      const from = this.#sources.get(definition);
      if (from === undefined) continue;
      const isInForce = this.#files.some(
        ({ file, compiled }) => file === from.file && compiled === from.compiled,
      );
      if (isInForce && replacement === undefined && !obsolete) continue;
      const group = services.get(from.compiled) ?? { from, names: [] };
      group.names.push(name);
      services.set(from.compiled, group);
    }
    return [...services.values()].map(({ from: { file, compiled }, names }) => ({
      file,
      compiled,
      services: names,
    }));
  }

  #register(loaded: LoadedConfiguration): void {
    const { system } = this.#parts;
    namingFile(loaded.file, () => system.registry.register(loaded.services));
    const source = { file: loaded.file, compiled: loaded.compiled };
    for (const definition of loaded.services) {
      this.#sources.set(definition, source);
      this.#removed.delete(definition.provision[0]);
    }
    const others = this.#files.filter(({ file }) => file !== loaded.file);
    this.#files = [...others, source];
    this.exitWith = loaded.exitWith ?? this.exitWith;
    this.shutdownTimeout = loaded.shutdownTimeout ?? this.shutdownTimeout;
    this.note();
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
