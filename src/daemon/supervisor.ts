// Starting and stopping with dependencies: requirements first and in parallel, dependents first at a stop, one
// attempt shared by all who ask, and whatever else services are to each other. What one service does by itself is its
// controller's business.

import type { ImminentEnd } from "./constructors/kill.js";
import type { Controller } from "./controller/controller.js";
import { isDown } from "./controller/state.js";
import { errorText } from "./error-text.js";
import { type Registry, ServiceNotFound } from "./registry/registry.js";
import type { Request } from "./request.js";
import { Changes } from "./supervision/changes.js";
import { Standing } from "./supervision/standing.js";
import { Starter } from "./supervision/starter.js";
import { Starts } from "./supervision/starts.js";
import { type Stopped, Stops } from "./supervision/stops.js";
import { UserCodeError } from "./supervision/user-code-error.js";

export { UserCodeError } from "./supervision/user-code-error.js";

/** The order of so many stops is looked up to rehearse that. */
const rehearsed = 32;

/** What there is around the services. */
export interface Surroundings {
  log(line: string): void;
  /** Makes the request for work that no client asked for. */
  background(): Request;
  /** All that is noted before `body` returns is one step. */
  together(body: () => void): void;
}

export class Supervisor {
  readonly #registry: Registry;
  readonly #surroundings: Surroundings;
  readonly #starts: Starts;
  readonly #stops: Stops;
  readonly #changes = new Changes();
  readonly #starter: Starter;
  readonly #standing: Standing;

  constructor(registry: Registry, surroundings: Surroundings) {
    const { log, background, together } = surroundings;
    this.#registry = registry;
    this.#surroundings = surroundings;
    this.#starts = new Starts(registry, log);
    this.#stops = new Stops(registry, this.#starts, this.#changes, log);
    this.#standing = new Standing({
      registry,
      log,
      together,
      goingDown: () => this.goingDown,
      isPending: (controller) => this.#starts.get(controller) !== undefined,
      start: (controller) => this.#startInTheBackground(controller),
      stop: async (controllers) => {
        await this.#stops.stopQuietly(controllers, false, background());
      },
    });
    const parts = { starts: this.#starts, stops: this.#stops, changes: this.#changes };
    this.#starter = new Starter(registry, parts, (one) => this.#standing.failed(one));
  }

  get goingDown(): boolean {
    return this.#starts.isClosed;
  }

  /** From now on nothing is started. */
  goDown(): void {
    this.#starts.isClosed = true;
  }

  /** Whether something is still to follow of what has become of services. */
  get isBusy(): boolean {
    return this.#standing.isBusy;
  }

  /** The state of a service is another one than before, or is looked at by a new daemon for the first time. */
  changed(controller: Controller): void {
    this.#changes.changed(controller);
    this.#standing.changed(controller);
  }

  /**
   * Starts a service and what it requires. Resolves with whether it runs (or is done); throws ServiceNotFound, and
   * UserCodeError where the service's own start threw.
   */
  async start(name: string, args: readonly string[], request: Request): Promise<boolean> {
    const controller = this.#registry.get(name);
    if (controller.state.status === "running") {
      request.say(`Service ${controller.name} is already running.`);
      await this.#starter.startWanted(controller, request);
      return true;
    }
    return await this.#starter.start(controller, args, request);
  }

  /** Starts services side by side; resolves with the names of those that could not be started. */
  async startAll(names: readonly string[], request: Request): Promise<string[]> {
    return await this.#starter.startAll(names, request);
  }

  /** Starts a service again whose process ended; a failure counts as another end. */
  async respawn(controller: Controller, request: Request): Promise<void> {
    const done = this.#starter.start(controller, [], request);
    const start = this.#starts.get(controller);
    let ok: boolean;
    try {
      ok = await done;
    } catch (error) {
      if (!(error instanceof UserCodeError || error instanceof ServiceNotFound)) throw error;
      request.say(error.message);
      ok = false;
    }
    // Whoever stopped it meanwhile wants it stopped.
    if (ok || start?.cancelled === true || this.goingDown) return;
    if (controller.state.status === "stopped" && controller.state.enabled) controller.scheduleRespawn();
  }

  /**
   * Stops a service after everything that depends on it. Resolves with the canonical names of what was stopped,
   * the service first; rejects with UserCodeError where its own stop threw.
   */
  async stop(name: string, args: readonly string[], request: Request): Promise<string[]> {
    const target = this.#registry.get(name);
    const { stopped, failure } = await this.#stopWithDependents(target, args, request, false);
    if (failure !== undefined) throw new UserCodeError(failure.cause);
    return stopped.map((one) => one.name);
  }

  async #stopWithDependents(
    target: Controller,
    args: readonly string[],
    request: Request,
    again: boolean,
  ): Promise<{ readonly stopped: Stopped[]; readonly failure: { readonly cause: unknown } | undefined }> {
    let failure: { readonly cause: unknown } | undefined;
    const stopped = await this.#stops.stop([target], again, async (controller) => {
      try {
        await controller.stop(controller === target ? args : [], request);
      } catch (error) {
        if (controller === target) failure = { cause: error };
        else request.say(`Service ${controller.name}: ${errorText(error)}`);
      }
    });
    // The service first, whatever else there is in between.
    const others = stopped.filter(({ controller }) => controller !== target).reverse();
    const own = stopped.filter(({ controller }) => controller === target);
    return { stopped: [...own, ...others], failure };
  }

  #startInTheBackground(controller: Controller): void {
    this.#starter
      .startAll([controller.name], this.#surroundings.background())
      .catch((error: unknown) => this.#surroundings.log(`start of ${controller.name}: ${errorText(error)}`));
  }

  /**
   * Stops everything but `root`, dependents first and independent services side by side.
   *
   * @param first is called before anything is stopped, with the processes that will be ended first and at once
   */
  async stopAll(
    root: Controller,
    request: Request,
    first?: (ends: readonly ImminentEnd[]) => void,
  ): Promise<void> {
    const others = this.#registry.controllers.filter((controller) => controller !== root);
    await this.#stops.stopQuietly(others, false, request, first);
  }

  /** Does what `stopAll` does, and stops nothing. @param first as there */
  async rehearseStop(request: Request, first: (ends: readonly ImminentEnd[]) => void): Promise<void> {
    first(this.#stops.firstEnds(this.#registry.controllers.slice(0, rehearsed)));
    await this.#stops.stopQuietly([], false, request);
  }

  /**
   * Goes on with the starts that an earlier daemon had been asked for and not begun, and with its restarts: what still runs
   * of those is stopped first.
   */
  async resume(wanted: readonly Controller[], request: Request): Promise<void> {
    if (this.goingDown) return;
    this.#rememberStarts(wanted, request);
    const up = wanted.filter(
      ({ state }) =>
        state.wanted === "restart" && (state.status === "running" || state.status === "starting"),
    );
    const stopped = await this.#stops.stopQuietly(up, true, request);
    // A respawn is made when it is due.
    const waiting = wanted.filter(({ state }) => state.respawnAt === undefined);
    await this.#startAgain(
      [...new Set([...waiting, ...stopped.map(({ controller }) => controller)])],
      request,
    );
  }

  /**
   * A one-shot that came to its end for the same requests is not run a second time for them; no more is a unit whose start has
   * failed, or that somebody has stopped, since the last of them.
   */
  #rememberStarts(wanted: readonly Controller[], request: Request): void {
    const times = wanted.map(({ state }) => state.wantedSince ?? Number.POSITIVE_INFINITY);
    const since = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
    const last = times.reduce((most, time) => Math.max(most, time), 0);
    const isWanted = new Set(wanted);
    for (const controller of this.#registry.controllers) {
      if (isWanted.has(controller)) continue;
      const { state, definition } = controller;
      const time = state.statusChanges[0]?.time ?? 0;
      if (state.status !== "stopped" || time < since) continue;
      if (definition.oneShot && state.failure === undefined)
        request.oneShots.set(controller.name, Promise.resolve(true));
      else if (time >= last && isDown(state) && !state.undecided && state.result !== undefined)
        request.oneShots.set(controller.name, Promise.resolve(false));
    }
  }

  /** Starts what was stopped to be started again, by whatever name now; resolves with those that could not be started. */
  async #startAgain(controllers: readonly Controller[], request: Request): Promise<string[]> {
    const registered = controllers.filter((controller) => this.#registry.has(controller));
    return await this.startAll(
      registered.map(({ name }) => name),
      request,
    );
  }

  /**
   * Stops a service and starts again everything that this stopped; a stopped service is simply started. Resolves
   * with whether all of it is up again.
   */
  async restart(name: string, args: readonly string[], request: Request): Promise<boolean> {
    const target = this.#registry.get(name);
    const canonical = target.name;
    if (target.state.status === "stopped") {
      request.say(`Service ${canonical} is not running.`);
      return await this.start(canonical, args, request);
    }
    const { stopped, failure } = await this.#stopWithDependents(target, [], request, true);
    try {
      // It is stopped all the same, and who asked for a restart wants it up.
      if (failure !== undefined) request.say(`Service ${canonical}: ${errorText(failure.cause)}`);
      const others = stopped
        .map(({ controller }) => controller)
        .filter((other) => other !== target && isStillWanted(other));
      let start = Promise.resolve(false);
      if (!isStillWanted(target)) {
        request.say(`Service ${target.name} was stopped meanwhile.`);
      } else if (this.#registry.has(target)) {
        // A definition that waited for the stop may have given it another name.
        start = this.start(target.name, args, request);
      } else {
        request.say(`Service ${canonical} is no more: it cannot be started again.`);
      }
      // There may be some that come before it.
      const together = this.#registry.hasRelations ? this.#startAgain(others, request) : undefined;
      const ok = await start;
      const failed = await (together ?? this.#startAgain(others.filter(isStillWanted), request));
      return ok && failed.length === 0;
    } finally {
      for (const { controller } of stopped) if (this.#registry.has(controller)) controller.want(undefined);
    }
  }
}

/** Whether a service that was stopped to be started again was not stopped by somebody else meanwhile. */
function isStillWanted({ state }: Controller): boolean {
  return state.wanted !== undefined || state.status !== "stopped";
}
