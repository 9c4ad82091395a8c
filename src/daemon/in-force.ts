// The configuration in force: which modules' services are registered, and how load, reload and unload change that.
// A module that is wrong in any way changes nothing.

import type { LoadedConfiguration } from "./configuration/load.js";
import type { Controller } from "./controller/controller.js";
import type { LoadPurpose } from "./definition/runtime.js";
import type { ServiceDefinition } from "./definition/types.js";
import { errorText } from "./error-text.js";
import type { FormerServices, LoadedFile, SystemNote } from "./notes.js";
import { GraphError } from "./registry/graph.js";
import type { Request } from "./request.js";
import type { System } from "./system.js";
import { unitOf } from "./units/of-definition.js";
import { asNoted, renewalOf } from "./units/renewal.js";

export interface InForceParts {
  readonly system: System;
  readonly root: Controller;
  /** Compiles, where needed, and evaluates a module. */
  read(file: string, purpose: LoadPurpose): Promise<LoadedConfiguration>;
  /** Evaluates a module as it was compiled before. */
  readCompiled(file: LoadedFile, purpose: "resume" | "reread"): Promise<LoadedConfiguration>;
  readonly log: { info(line: string): void; error(line: string): void };
}

export class InForce {
  readonly #parts: InForceParts;
  /** An older version of a file stays as long as services run by it that the newer one lacks. */
  #files: readonly LoadedFile[] = [];
  /** Services of these files that were unloaded, or were transient and are over. */
  readonly #removed = new Set<string>();
  /** Where a definition comes from. */
  readonly #sources = new WeakMap<ServiceDefinition, LoadedFile>();
  /** By what a file was compiled to: the services for which it is in force, where it was not, or could not be, evaluated. */
  readonly #unread = new Map<string, Set<string>>();
  /** By what a module was compiled to: the canonical names that it defines, where it was evaluated. */
  readonly #defines = new Map<string, ReadonlySet<string>>();
  /** What modules were compiled to whose services come from unit files too. */
  readonly #readsUnits = new Set<string>();
  /** Whether nothing is noted for now: what is noted is more than is known here, or a change is half made. */
  #notesHeld = false;
  /** What the configuration had started when it was loaded at the first start. */
  startedAtBoot: readonly string[] = [];
  /** Whether modules that were resumed define the very services that are noted of them. */
  #isAsNoted = true;
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

  /** Whether services come from unit files, which are not among what a module was compiled from. */
  get readsUnits(): boolean {
    return this.#readsUnits.size > 0;
  }

  /** Whether what was evaluated to be resumed defines neither more nor fewer services than are noted. */
  get isAsNoted(): boolean {
    return this.#isAsNoted;
  }

  /** At the first start. What cannot be loaded leaves `root` alone in force, which can be told to load a better one. */
  async loadAtStart(file: string, request: Request): Promise<void> {
    let loaded: LoadedConfiguration;
    let starting: Promise<void>;
    try {
      loaded = this.#learn(await this.#parts.read(file, "start"));
      starting = this.#putIntoForce(loaded, () => loaded.toStart, request);
    } catch (error) {
      this.#parts.log.error(`While loading configuration file '${file}': ${errorText(error)}`);
      this.note();
      return;
    }
    this.#parts.log.info("Configuration successfully loaded.");
    this.startedAtBoot = loaded.toStart;
    await starting;
  }

  async load(file: string, request: Request): Promise<void> {
    request.say(`Loading ${file}.`);
    const loaded = this.#learn(await this.#parts.read(file, "load"));
    await this.#putIntoForce(loaded, () => this.#fresh(loaded), request);
  }

  /** Makes a module's services the only ones: others are stopped and removed, those that run get replacements. */
  async reload(file: string, request: Request): Promise<void> {
    const { system, root } = this.#parts;
    request.say(`Loading ${file}.`);
    const loaded = this.#learn(await this.#parts.read(file, "load"));
    const kept = new Set(loaded.services.flatMap((definition) => definition.provision));
    const isOther = (controller: Controller): boolean =>
      controller !== root && !controller.definition.provision.some((name) => kept.has(name));
    const others = new Set(system.registry.controllers.filter(isOther));
    // A module that would be refused in the end must not have had anything stopped.
    namingFile(file, () => system.registry.check(loaded.services, others));
    // Looked for anew each time: another client may load something while a service stops.
    for (
      let other = system.registry.controllers.find(isOther);
      other !== undefined;
      other = system.registry.controllers.find(isOther)
    )
      await system.remove(other, request);
    await this.#putIntoForce(loaded, () => this.#fresh(loaded), request, { alone: true });
  }

  /** Puts into force again, after a restart of the daemon, exactly what was. */
  async resume(): Promise<void> {
    const { files, former = [] } = this.#takeNoted();
    // What runs by an older definition first: those that are in force now wait for its end then, as they did.
    for (const { services, ...file } of former)
      await this.#registerCompiled(file, (name) => services.includes(name));
    for (const { services, ...file } of files) {
      // An older daemon did not note which; then it is all that was not unloaded.
      const isInForce = (name: string): boolean => services?.includes(name) ?? !this.#removed.has(name);
      if (!(await this.#registerCompiled(file, isInForce)))
        this.#unread.set(file.compiled, new Set(services));
      const defined = this.#defines.get(file.compiled);
      if (defined === undefined || services === undefined) continue;
      const known = services.filter((name) => defined.has(name)).length;
      if (known < services.length || known < defined.size) this.#isAsNoted = false;
    }
  }

  /** As `resume`, without evaluating anything: the services are registered from what is noted of them. */
  resumeWithoutCode(): void {
    const { files } = this.#takeNoted();
    for (const { compiled, services } of files) this.#unread.set(compiled, new Set(services));
  }

  /** The end of taking over, once all services are registered, be it from modules or from what is noted of them. */
  settle(): void {
    const { registry } = this.#parts.system;
    const { files, former = [] } = this.#parts.system.notes.system ?? { files: [] };
    for (const { services = [], ...source } of [...former, ...files]) {
      for (const controller of services.map((name) => registry.find(name))) {
        const isUnknown = controller !== undefined && !this.#sources.has(controller.definition);
        if (isUnknown) this.#sources.set(controller.definition, source);
      }
    }
    const inForce = new Set(files.flatMap(({ services = [] }) => services));
    const gone = former.flatMap(({ services }) => services).filter((name) => !inForce.has(name));
    for (const controller of gone.map((name) => registry.find(name)))
      if (controller !== undefined && controller.replacement === undefined) this.#becomeObsolete(controller);
    this.#notesHeld = false;
    this.note();
  }

  #takeNoted(): SystemNote {
    this.#notesHeld = true;
    const noted = this.#parts.system.notes.system ?? { files: [] };
    // All of them stay noted, also those that cannot be read now: the next daemon may be able to, and their services run on.
    this.#files = noted.files.map(({ file, compiled }) => ({ file, compiled }));
    for (const name of noted.removed ?? []) this.#removed.add(name);
    this.exitWith = noted.exitWith;
    this.shutdownTimeout = noted.shutdownTimeout;
    return noted;
  }

  #learn(loaded: LoadedConfiguration): LoadedConfiguration {
    this.#defines.set(loaded.compiled, new Set(loaded.services.map(({ provision: [name] }) => name)));
    if (loaded.readsUnits === true) this.#readsUnits.add(loaded.compiled);
    return loaded;
  }

  /** False if it could not be evaluated. */
  async #registerCompiled(file: LoadedFile, isWanted: (name: string) => boolean): Promise<boolean> {
    try {
      const loaded = this.#learn(await this.#parts.readCompiled(file, "resume"));
      const { registry, notes } = this.#parts.system;
      const wanted = loaded.services.filter(({ provision }) => isWanted(provision[0]));
      const services = loaded.readsUnits === true ? asNoted(registry, notes.definitions, wanted) : wanted;
      for (const definition of services) this.#sources.set(definition, file);
      registry.registerAgain(services);
      return true;
    } catch (error) {
      this.#parts.log.error(`While taking over '${file.file}': ${errorText(error)}`);
      return false;
    }
  }

  /**
   * Reads the files in force anew, as they are now. Services that a file has no more run on until they stop, those that
   * changed get their new definition when they stop, new ones are started; a file that is wrong stays as it was.
   */
  async refresh(request: Request): Promise<void> {
    const latest = new Map(this.#files.map(({ file, compiled }) => [file, compiled]));
    for (const [file, compiled] of latest) {
      try {
        const loaded = this.#learn(await this.#parts.read(file, "reread"));
        // A client may have put something else into force meanwhile.
        if (!this.#isInForce({ file, compiled })) continue;
        if (loaded.compiled !== compiled) {
          this.#parts.log.info(`The configuration ${file} has changed and is in force as it is now.`);
          const remaining = this.#withoutRemoved(loaded);
          await this.#putIntoForce(remaining, () => this.#fresh(loaded), request, { instead: true });
        } else {
          if (this.#unread.has(compiled)) this.#restore(loaded);
          if (loaded.readsUnits === true) this.#renew(loaded);
        }
      } catch (error) {
        this.#parts.log.error(`${errorText(error)}; what was in force of '${file}' stays.`);
      }
    }
  }

  /** Evaluates the modules anew that read units, whose files have changed; see `UnitOperations`. */
  async reread(): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const { file, compiled } of new Map(this.#files.map((one) => [one.file, one])).values()) {
      if (!this.#readsUnits.has(compiled)) continue;
      const loaded = this.#learn(await this.#parts.readCompiled({ file, compiled }, "reread"));
      // A client may have put something else into force meanwhile.
      if (this.#isInForce({ file, compiled })) lines.push(...this.#renew(loaded));
    }
    return lines;
  }

  /** The units of a module as their files are now. Its other services stay what they are. */
  #renew(loaded: LoadedConfiguration): readonly string[] {
    const source = { file: loaded.file, compiled: loaded.compiled };
    const units = this.#withoutRemoved(loaded).services.filter((one) => unitOf(one) !== undefined);
    const names = new Set(units.map(({ provision: [name] }) => name));
    const gone = this.#parts.system.registry.controllers.filter((controller) => {
      const { definition, replacement, obsolete } = controller;
      const from = this.#sourceInForce(controller);
      const isOurs = !obsolete && from?.file === source.file && from.compiled === source.compiled;
      return isOurs && unitOf(replacement ?? definition) !== undefined && !names.has(controller.name);
    });
    return [...(loaded.notices ?? []), ...this.#exchange(units, gone, source)];
  }

  /** Whether a service is in no module: what runs inside of the daemon has registered it. */
  isLoose(controller: Controller): boolean {
    return this.#sourceInForce(controller) === undefined;
  }

  /** Units that were loaded on demand, as their files are now; see `UnitOperations`. */
  renewLoose(definitions: readonly ServiceDefinition[], gone: readonly string[]): readonly string[] {
    const { registry } = this.#parts.system;
    const left = gone.flatMap((name) => registry.find(name) ?? []).filter((one) => this.isLoose(one));
    return this.#exchange(definitions, left, undefined);
  }

  /** Puts units into force, those that differ, in one step; and gives up those that are gone. */
  #exchange(
    definitions: readonly ServiceDefinition[],
    gone: readonly Controller[],
    source: LoadedFile | undefined,
  ): readonly string[] {
    const { system } = this.#parts;
    const { changed, lines } = renewalOf(system.registry, definitions);
    const wasHeld = this.#notesHeld;
    this.#notesHeld = true;
    system.notes.holdDefinitions();
    try {
      if (changed.length > 0) system.registry.register(changed);
      if (source !== undefined) for (const definition of changed) this.#sources.set(definition, source);
      for (const controller of gone) {
        controller.replacement = undefined;
        this.#becomeObsolete(controller);
      }
    } finally {
      this.#notesHeld = wasHeld;
      this.note();
      system.notes.releaseDefinitions();
    }
    return [...lines, ...gone.map(({ name }) => `${name}: gone`)];
  }

  /** What was unloaded stays so, as does the end of what was transient. */
  #withoutRemoved(loaded: LoadedConfiguration): LoadedConfiguration {
    const services = loaded.services.filter(({ provision: [name] }) => !this.#removed.has(name));
    return { ...loaded, services };
  }

  /** A module that is in force and had not been evaluated is, by now: its services get all that was no data. */
  #restore(loaded: LoadedConfiguration): void {
    const unread = this.#unread.get(loaded.compiled) ?? new Set();
    const source = { file: loaded.file, compiled: loaded.compiled };
    const services = loaded.services.filter(({ provision: [name] }) => unread.has(name));
    for (const definition of services) this.#sources.set(definition, source);
    this.#unread.delete(loaded.compiled);
    this.#parts.system.registry.restore(services);
    this.note();
  }

  /** The configuration has no such service any more. */
  #becomeObsolete(controller: Controller): void {
    controller.obsolete = true;
    if (controller.state.status === "stopped") this.#parts.system.forget(controller);
  }

  /** A service is gone for good: a later daemon, which reads the modules again, leaves it out. */
  forget({ definition, name, obsolete }: Controller): void {
    for (const services of this.#unread.values()) services.delete(name);
    // What no module defines, such as the service of a connection, no module brings back.
    if (!obsolete && this.#sources.has(definition)) this.#removed.add(name);
    this.note();
  }

  /** A service has stopped: if it ran by an older definition it does so no more. */
  stopped(controller: Controller): void {
    const source = this.#sources.get(controller.definition);
    if (source !== undefined && !this.#isInForce(source)) this.note();
  }

  /** Notes what is in force, if it has changed. */
  note(): void {
    if (this.#notesHeld) return;
    const { exitWith, shutdownTimeout } = this;
    const files = this.#filesInForce();
    this.#files = files.map(({ file, compiled }) => ({ file, compiled }));
    const former = this.#former();
    // What no file would bring back need not be kept out.
    for (const name of this.#removed)
      if (this.#files.every(({ compiled }) => this.#defines.get(compiled)?.has(name) === false))
        this.#removed.delete(name);
    this.#parts.system.notes.putSystem({
      files,
      ...(former.length === 0 ? {} : { former }),
      removed: [...this.#removed],
      ...(exitWith === undefined ? {} : { exitWith }),
      ...(shutdownTimeout === undefined ? {} : { shutdownTimeout }),
    });
  }

  #isInForce(source: LoadedFile): boolean {
    return this.#files.some(({ file, compiled }) => file === source.file && compiled === source.compiled);
  }

  /** Of the definition by which the service runs, or will when it is started next. */
  #sourceInForce({ replacement, definition }: Controller): LoadedFile | undefined {
    return this.#sources.get(replacement ?? definition);
  }

  /** Each file with the services for which it, and no other, is in force; an older version only where it has some. */
  #filesInForce(): readonly (LoadedFile & { readonly services: readonly string[] })[] {
    const names = new Map<string, Set<string>>(
      this.#files.map(({ compiled }) => [compiled, new Set(this.#unread.get(compiled))]),
    );
    for (const controller of this.#parts.system.registry.controllers) {
      const source = this.#sourceInForce(controller);
      if (source === undefined || controller.obsolete || !this.#isInForce(source)) continue;
      const [name] = (controller.replacement ?? controller.definition).provision;
      names.get(source.compiled)?.add(name);
    }
    const latest = new Map(this.#files.map(({ file, compiled }) => [file, compiled]));
    return this.#files
      .map((file) => ({ ...file, services: [...(names.get(file.compiled) ?? [])] }))
      .filter(({ file, compiled, services }) => services.length > 0 || latest.get(file) === compiled);
  }

  /** Services that run by a definition which is not the one in force. */
  #former(): readonly FormerServices[] {
    const groups = new Map<string, { readonly from: LoadedFile; readonly names: string[] }>();
    for (const { definition, name, state, replacement, obsolete } of this.#parts.system.registry
      .controllers) {
      const from = this.#sources.get(definition);
      if (from === undefined || state.status === "stopped") continue;
      if (this.#isInForce(from) && replacement === undefined && !obsolete) continue;
      const group = groups.get(from.compiled) ?? { from, names: [] };
      group.names.push(name);
      groups.set(from.compiled, group);
    }
    return [...groups.values()].map(({ from, names }) => ({ ...from, services: names }));
  }

  /**
   * Registers a module's services and begins to start those that `toStart` names then; throws GraphError, and nothing has
   * changed. What is to be started is noted first, then that the module is in force, then its definitions: a daemon that
   * finds the module in force finds the rest, and one that does not knows of nothing.
   *
   * @param alone whether the module is all that is in force from now on
   * @param instead whether an older version of the file is in force no more
   */
  #putIntoForce(
    loaded: LoadedConfiguration,
    toStart: () => readonly string[],
    request: Request,
    { alone = false, instead = false } = {},
  ): Promise<void> {
    const { system } = this.#parts;
    const isOlder = (controller: Controller): boolean =>
      instead && !controller.obsolete && this.#sourceInForce(controller)?.file === loaded.file;
    const older = system.registry.controllers.filter(isOlder);
    const wasHeld = this.#notesHeld;
    this.#notesHeld = true;
    system.notes.holdDefinitions();
    let starting: Promise<void>;
    try {
      namingFile(loaded.file, () => system.registry.register(loaded.services));
      for (const line of loaded.notices ?? []) this.#parts.log.info(line);
      this.#enter(loaded, alone);
      for (const controller of older) this.#leaveBehind(controller, loaded);
      starting = this.#start(toStart(), request);
    } finally {
      this.#notesHeld = wasHeld;
      this.note();
      system.notes.releaseDefinitions();
    }
    return starting;
  }

  #enter(loaded: LoadedConfiguration, alone: boolean): void {
    const source = { file: loaded.file, compiled: loaded.compiled };
    if (alone) {
      this.#removed.clear();
      this.#unread.clear();
      this.exitWith = undefined;
      this.shutdownTimeout = undefined;
    }
    this.#unread.delete(loaded.compiled);
    const replaced = this.#files.filter(({ file }) => file === loaded.file);
    for (const definition of loaded.services) {
      const [name] = definition.provision;
      this.#sources.set(definition, source);
      this.#removed.delete(name);
      for (const services of this.#unread.values()) services.delete(name);
    }
    const others = alone ? [] : this.#files.filter(({ compiled }) => compiled !== loaded.compiled);
    this.#files = [...others, source];
    // What an older version of the file has said, and this one does not, it says no more.
    const isReplaced = (name: string): boolean =>
      replaced.some(({ compiled }) => this.#defines.get(compiled)?.has(name) === true);
    const { exitWith } = this;
    this.exitWith =
      loaded.exitWith ?? (exitWith === undefined || isReplaced(exitWith) ? undefined : exitWith);
    const isOnly = replaced.length > 0 && this.#files.every(({ file }) => file === loaded.file);
    this.shutdownTimeout = loaded.shutdownTimeout ?? (isOnly ? undefined : this.shutdownTimeout);
  }

  /** A service of an older version of a file, which the new one may lack. */
  #leaveBehind(controller: Controller, loaded: LoadedConfiguration): void {
    if (loaded.services.includes(controller.replacement ?? controller.definition)) return;
    controller.replacement = undefined;
    this.#becomeObsolete(controller);
  }

  /** Services of a module that nobody has decided about yet: what the user stopped or disabled stays so. */
  #fresh({ toStart }: LoadedConfiguration): readonly string[] {
    return toStart.filter((name) => {
      const state = this.#parts.system.registry.find(name)?.state;
      return state?.status === "stopped" && state.enabled && state.statusChanges.length === 0;
    });
  }

  async #start(names: readonly string[], request: Request): Promise<void> {
    const failed = await this.#parts.system.supervisor.startAll(names, request);
    const count = names.length - failed.length;
    if (count > 0) {
      request.say(`Successfully started ${count} ${count === 1 ? "service" : "services"} in the background.`);
    }
    if (failed.length > 0) request.say(`The following services could not be started: ${failed.join(" ")}`);
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
