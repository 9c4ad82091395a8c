// The running system without its surroundings: services, processes, deadlines and notes over a keeper. Tests build one
// over a fake keeper; daemon.ts adds the control socket, the configuration and the log writer.

import { join } from "node:path";
import { withTimes } from "./boot-record/times.js";
import { Cgroups } from "./cgroups/cgroups.js";
import { cgroupServices } from "./cgroups/services.js";
import type { ConsolePlaces } from "./console/console.js";
import type { Host, Identity, LogStreams } from "./constructors/host.js";
import { Sockets } from "./constructors/sockets.js";
import { Controller } from "./controller/controller.js";
import type { Environment } from "./controller/core.js";
import { clearAway } from "./controller/remains.js";
import { initialState, isDown, type ServiceState } from "./controller/state.js";
import { Deadlines } from "./deadlines.js";
import { dataOf, definitionOf } from "./definition/as-data.js";
import type { ProcessOptions, ProcessReference, ServiceDefinition } from "./definition/types.js";
import { errorText } from "./error-text.js";
import type { Keeper, KeeperEvent } from "./keeper/types.js";
import { Notes } from "./notes.js";
import { Offspring } from "./offspring.js";
import { Outbox } from "./outbox.js";
import { Processes } from "./processes.js";
import { Readables } from "./readables.js";
import { serviceOfSocket, tidyUp } from "./readiness/tidy.js";
import { Registry } from "./registry/registry.js";
import { Request } from "./request.js";
import { StandBys } from "./stand-bys.js";
import { States } from "./states.js";
import { Strangers } from "./strangers.js";
import { Supervisor, UserCodeError } from "./supervisor.js";
import { systemInstant } from "./timers/clock.js";
import type { Instant } from "./timers/plan.js";
import { Stamps } from "./timers/stamps.js";
import type { Places } from "./units/execution/places.js";
import { tellCulpritThrough } from "./user-code.js";

export interface SystemParts {
  readonly keeper: Keeper;
  readonly logs: LogStreams;
  /** What services inherit unless they say otherwise. */
  readonly environment: readonly string[];
  readonly directory: string;
  readonly resolveIdentity: (options: ProcessOptions) => Promise<Identity>;
  /** What outlives the machine's boot; absent where there is no such place, as in unit tests. */
  readonly stateDirectory?: string;
  /** Where units have what they need; default: where they have it on this system. */
  readonly unitPlaces?: Places;
  /** What makes terminals for services; absent in unit tests. */
  readonly consoles?: ConsolePlaces;
  /** Default: the machine's clocks. */
  readonly instant?: () => Instant;
  readonly log: {
    info(line: string): void;
    error(line: string): void;
    /** Writes lines that wait. */
    writeNow?(): void;
  };
}

/** What the system tells of services that are over. */
export interface SystemHooks {
  /** A service's process ended by itself, and it will not be respawned. */
  settled(controller: Controller): void;
  /** A service ran and is stopped now, for whatever reason. */
  over(controller: Controller): void;
  /** A service was removed. */
  forgotten(controller: Controller): void;
  /** A service has got another definition than it had. */
  replaced(): void;
}

export class System {
  readonly outbox: Outbox;
  readonly notes: Notes;
  readonly processes: Processes;
  readonly deadlines: Deadlines;
  readonly readables: Readables;
  readonly host: Host;
  readonly registry: Registry;
  readonly supervisor: Supervisor;
  readonly #standBys: StandBys;
  readonly #parts: SystemParts;
  readonly #hooks: SystemHooks;
  readonly #states: States;
  /** When children of earlier daemons were spawned, in ns since the epoch. */
  #spawned: ReadonlyMap<string, bigint> | undefined;
  /** Events about children wait until the services they belong to are there again. */
  #early: KeeperEvent[] | undefined = [];

  constructor(parts: SystemParts, hooks: SystemHooks) {
    const { inventory } = parts.keeper;
    const report = (message: string): void => parts.log.error(message);
    this.#parts = parts;
    this.#hooks = hooks;
    this.outbox = new Outbox(parts.keeper);
    this.notes = new Notes(this.outbox, inventory.notes, report);
    this.processes = new Processes(this.outbox, inventory.keeper.generation, report);
    // Known from the first moment: a client may be served before the services have been taken over.
    for (const record of inventory.children) this.processes.resume(record);
    this.deadlines = new Deadlines(this.outbox, inventory.timers, report);
    this.readables = new Readables(this.outbox, report);
    const { resolveIdentity, stateDirectory, unitPlaces, consoles, instant = systemInstant } = parts;
    this.registry = new Registry(
      (definition) => this.#makeController(definition),
      (controller, formerName) => this.#defined(controller, formerName),
    );
    this.supervisor = new Supervisor(this.registry, {
      log: (line) => parts.log.info(line),
      background: () => this.background(),
      together: (body) => this.outbox.together(body),
    });
    this.#states = new States(this.registry);
    const { pid, init, initial } = inventory.keeper;
    const cgroups = new Cgroups({
      keeper: { pid, init, initial },
      noted: this.notes.cgroups,
      note: async (directory) => {
        this.notes.putCgroups(directory);
        await this.outbox.settled();
      },
      ...cgroupServices(this.registry, this.notes, (line) => parts.log.info(line)),
      report,
    });
    this.host = {
      cgroups,
      outbox: this.outbox,
      processes: this.processes,
      deadlines: this.deadlines,
      readables: this.readables,
      sockets: new Sockets(
        this.outbox,
        inventory.descriptors,
        resolveIdentity,
        inventory.keeper.pid,
        report,
        (service) => parts.logs.closeSystemLog(service),
      ),
      offspring: new Offspring(this.registry, this.supervisor, this.notes, () => this.background()),
      states: this.#states,
      logs: parts.logs,
      found: new Set(inventory.descriptors.map(({ name }) => name)),
      keeperPid: inventory.keeper.pid,
      strangers: new Strangers(inventory.keeper.pid, () => this.#known()),
      isContainer: !initial,
      markPrefix: inventory.keeper.started.toString(36),
      environment: parts.environment,
      directory: parts.directory,
      ...(stateDirectory === undefined ? {} : { stamps: new Stamps(join(stateDirectory, "timers"), report) }),
      ...(unitPlaces === undefined ? {} : { unitPlaces }),
      ...(consoles === undefined ? {} : { consoles }),
      instant,
      resolveIdentity,
      report,
    };
    this.#standBys = new StandBys({
      host: this.host,
      registry: this.registry,
      found: inventory.children.flatMap(({ id, standsBy }) => (standsBy === true ? [id] : [])),
      goingDown: () => this.supervisor.goingDown,
    });
    tellCulpritThrough(this.outbox, () => parts.log.writeNow?.());
  }

  /** The pids of the keeper's children that are what they are known to be. */
  #known(): ReadonlySet<number> {
    const pids = this.processes.pids();
    const { pid } = this.#parts.logs;
    return pid === undefined ? pids : pids.add(pid);
  }

  /** Work that no client asked for; its lines go to the log alone. */
  background(): Request {
    return new Request(
      (line) => this.#parts.log.info(line),
      () => undefined,
    );
  }

  /**
   * Takes over, once the definitions are registered, what an earlier daemon left: children, and every service in the
   * state that its note tells. The first daemon finds nothing and just opens the way for events.
   */
  resume(): void {
    const request = this.background();
    const { controllers } = this.registry;
    for (const controller of controllers) controller.resume(request);
    this.#clearAway();
    const { sockets } = this.host;
    for (const service of sockets.services)
      if (this.registry.find(service)?.name !== service) sockets.close(service);
    tidyUp(this.host, this.#parts.keeper.inventory, {
      find: (name) => {
        const controller = this.registry.find(name);
        return controller?.name === name ? controller.state : undefined;
      },
      isNoted: (name) => this.notes.hasService(name),
    });
    this.supervisor
      .resume(
        controllers.filter(({ state }) => state.wanted !== undefined),
        request,
      )
      .catch((error: unknown) => this.#parts.log.error(errorText(error)))
      .then(() => {
        for (const controller of this.registry.controllers) this.forgetUnstarted(controller);
      })
      .catch((error: unknown) => this.#parts.log.error(errorText(error)));
    for (const controller of controllers) {
      this.supervisor.changed(controller);
      this.#standBys.changed(controller);
    }
    this.host.cgroups.resume();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.handleEvent(event);
  }

  /** Handles and acknowledges what is about children, deadlines and sockets; false for every other event. */
  handleEvent(event: KeeperEvent): boolean {
    const late =
      event.type === "child-ended" ||
      event.type === "child-started" ||
      event.type === "timer-fired" ||
      event.type === "readable" ||
      event.type === "datagram";
    if (late && this.#early !== undefined) {
      this.#early.push(event);
      return true;
    }
    // What is noted of an event and its acknowledgement are one step.
    return this.outbox.together(
      () =>
        this.processes.handleEvent(event) ||
        this.deadlines.handleEvent(event) ||
        this.readables.handleEvent(event) ||
        this.#notified(event),
    );
  }

  /** A message on a service's notify socket; false for every other event, and where nobody has that socket. */
  #notified(event: KeeperEvent): boolean {
    if (event.type !== "datagram") return false;
    const service = serviceOfSocket(event.name);
    const controller = this.registry.find(service);
    if (controller?.name !== service) return false;
    controller.notified(event);
    return true;
  }

  /** Stops a service and what depends on it, and removes it; one that is gone already, as a transient one, is none. */
  async remove(controller: Controller, request: Request): Promise<void> {
    if (!this.registry.has(controller)) return;
    request.say(`Removing service '${controller.name}'...`);
    if (controller.state.status === "stopped") request.say(`Service ${controller.name} is not running.`);
    try {
      await this.supervisor.stop(controller.name, [], request);
    } catch (error) {
      // It is stopped all the same.
      if (!(error instanceof UserCodeError)) throw error;
      request.say(`Service ${controller.name}: ${error.message}`);
    }
    if (this.registry.has(controller)) this.#forget(controller);
    request.say("Done.");
  }

  #environmentOf(controller: Controller): Environment {
    return {
      host: this.host,
      now: () => Date.now() / 1000,
      log: (line) => this.#parts.log.info(line),
      record: () => this.#record(controller),
      redefined: () => this.#standBys.redefined(controller),
      mayBeSucceeded: () => this.#standBys.mayStandBy(controller),
      shuttingDown: () => this.supervisor.goingDown,
      respawn: () => this.#respawn(controller),
      finish: () => this.#finish(controller),
      settled: () => this.#hooks.settled(controller),
      stopped: (over) => this.#stopped(controller, over),
    };
  }

  #makeController(definition: ServiceDefinition): Controller {
    const [name] = definition.provision;
    const environmentOf = (controller: Controller): Environment => this.#environmentOf(controller);
    if (name === "root") return new Controller(definition, environmentOf, this.#rootState());
    const found = this.notes.takeService(name);
    const left = found === undefined ? undefined : this.#withTimes(found);
    const controller = new Controller(definition, environmentOf, left ?? initialState);
    // Its module could not be read when the others' services were taken over.
    if (left !== undefined && this.#early === undefined)
      queueMicrotask(() => {
        controller.resume(this.background());
        this.#standBys.changed(controller);
      });
    return controller;
  }

  /** What the keeper has repeated from the record of a boot was noted when nobody knew of the time. */
  #withTimes(state: ServiceState): ServiceState {
    const { keeper, children } = this.#parts.keeper.inventory;
    this.#spawned ??= new Map(children.map(({ id, spawned }) => [id, spawned]));
    return withTimes(state, keeper.started, (id) => this.#spawned?.get(id));
  }

  /** `root` runs from the beginning; its process is the keeper, which is the same in every generation. */
  #rootState(): ServiceState {
    const { keeper } = this.#parts.keeper.inventory;
    const value: ProcessReference = {
      type: "process",
      id: "",
      pid: keeper.pid,
      start: 0,
      command: process.argv,
    };
    const since = Number(keeper.started) / 1e9;
    return { ...initialState, status: "running", value, statusChanges: [{ status: "running", time: since }] };
  }

  #respawn(controller: Controller): void {
    this.supervisor
      .respawn(controller, this.background())
      .catch((error: unknown) => this.#parts.log.error(`respawn of ${controller.name}: ${String(error)}`));
  }

  #finish({ name }: Controller): void {
    this.supervisor
      .stop(name, [], this.background())
      .catch((error: unknown) => this.#parts.log.error(`stop of ${name}: ${errorText(error)}`));
  }

  /** A removed service leaves no note, but for what it left behind until that is gone. */
  #record(controller: Controller): void {
    const { name, state } = controller;
    this.supervisor.changed(controller);
    this.#states.changed(controller);
    this.#standBys.changed(controller);
    if (this.registry.has(controller)) {
      this.notes.putService(name, state);
      return;
    }
    if (this.registry.find(name)?.name === name) return;
    if (state.leaders.length === 0) this.notes.dropService(name);
    else this.notes.putService(name, { ...initialState, leaders: state.leaders });
  }

  /** Ends what services had left behind that are no more. */
  #clearAway(): void {
    for (const [name, leaders] of this.notes.remains()) {
      clearAway(this.host, leaders)
        .then(() => this.notes.dropService(name))
        .then(() => this.host.cgroups.release(name))
        .catch((error: unknown) =>
          this.#parts.log.error(`while ending what ${name} left behind: ${errorText(error)}`),
        );
    }
  }

  /** Keeps the definition where it outlives us. */
  #defined(controller: Controller, formerName: string | undefined): void {
    const { name, state } = controller;
    if (name === "root") return;
    this.#states.changed(controller);
    this.#standBys.redefined(controller);
    this.notes.putDefinition(name, dataOf(controller.definition));
    if (formerName === undefined) return;
    this.#hooks.replaced();
    if (formerName === name) return;
    this.host.sockets.close(formerName);
    controller.closeNotifySocket(formerName);
    this.notes.dropService(formerName);
    this.host.cgroups.release(formerName);
    this.notes.putService(name, state);
  }

  /**
   * Registers the services that an earlier daemon had and nobody has registered yet, as far as they are data.
   * @param why completes "its start is a function, ..."
   */
  registerNoted(why: string): void {
    const missing = [...this.notes.definitions]
      .filter(([name]) => this.registry.find(name) === undefined)
      // A further name that somebody else has by now is theirs.
      .map(
        ([
          name,
          {
            provision: [, ...more],
            ...data
          },
        ]) => {
          const free = more.filter((other) => this.registry.find(other) === undefined);
          return definitionOf({ ...data, provision: [name, ...free] }, why);
        },
      );
    this.registry.registerAgain(missing);
  }

  /** Removes a service that is stopped and that nothing defines any more. */
  forget(controller: Controller): void {
    if (this.registry.has(controller)) this.#forget(controller);
  }

  /** Removes a service whose only start failed, or never came to be. */
  forgetUnstarted(controller: Controller): void {
    const { definition, state } = controller;
    if (definition.singleStart !== true || !isDown(state)) return;
    this.forget(controller);
  }

  #stopped(controller: Controller, over: boolean): void {
    this.registry.applyReplacement(controller);
    if (controller.obsolete) {
      this.#hooks.over(controller);
      this.#parts.log.info(
        `Service ${controller.name} is not in the configuration any more, now unregistered.`,
      );
      this.#forget(controller);
      return;
    }
    if (!over && controller.definition.singleStart !== true) return;
    this.#hooks.over(controller);
    if (!controller.definition.transient) return;
    this.#parts.log.info(`Transient service ${controller.name} terminated, now unregistered.`);
    this.#forget(controller);
  }

  #forget(controller: Controller): void {
    this.registry.unregister(controller);
    this.host.sockets.close(controller.name);
    controller.closeNotifySocket();
    this.notes.dropDefinition(controller.name);
    this.#record(controller);
    this.#hooks.forgotten(controller);
  }
}
