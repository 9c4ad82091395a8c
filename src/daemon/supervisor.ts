// Starting and stopping with dependencies: requirements first and in parallel, dependents first at a stop, one
// attempt shared by all who ask. What one service does by itself is its controller's business.

import type { Controller } from "./controller/controller.js";
import type { StartOutcome } from "./controller/starting.js";
import { errorText } from "./error-text.js";
import { type Registry, ServiceNotFound } from "./registry/registry.js";
import type { Request } from "./request.js";

/** What user code threw while it served a request. */
export class UserCodeError extends Error {
  override readonly name = "UserCodeError";

  constructor(cause: unknown) {
    super(errorText(cause), { cause });
  }
}

/** A start that is under way, waiting for requirements included. */
interface PendingStart {
  done: Promise<boolean>;
  readonly request: Request;
  /** A stop came meanwhile. */
  cancelled: boolean;
}

/** What a stop has stopped. */
interface Stopped {
  readonly controller: Controller;
  /** Its canonical name before: a definition that waited for its stop may have another one. */
  readonly name: string;
}

export class Supervisor {
  readonly #registry: Registry;
  /** Those that were not cancelled. */
  readonly #starts = new Map<Controller, PendingStart>();
  #goingDown = false;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  get goingDown(): boolean {
    return this.#goingDown;
  }

  /** From now on nothing is started. */
  goDown(): void {
    this.#goingDown = true;
  }

  /**
   * Starts a service and what it requires. Resolves with whether it runs (or is done); throws ServiceNotFound, and
   * UserCodeError where the service's own start threw.
   */
  async start(name: string, args: readonly string[], request: Request): Promise<boolean> {
    const controller = this.#registry.get(name);
    if (controller.state.status === "running") {
      request.say(`Service ${controller.name} is already running.`);
      return true;
    }
    return await this.#start(controller, args, request);
  }

  /** Starts services side by side; resolves with the names of those that could not be started. */
  async startAll(names: readonly string[], request: Request): Promise<string[]> {
    const results = await Promise.all(
      names.map(async (name) => {
        try {
          const controller = this.#registry.get(name);
          return controller.state.status === "running" || (await this.#start(controller, [], request));
        } catch (error) {
          request.say(`Failed to start ${name}: ${errorText(error)}`);
          return false;
        }
      }),
    );
    return names.filter((_, index) => !results[index]);
  }

  #start(controller: Controller, args: readonly string[], request: Request): Promise<boolean> {
    if (controller.state.status === "running") return Promise.resolve(true);
    const pending = this.#starts.get(controller);
    if (pending !== undefined) {
      if (pending.request === request) return pending.done;
      return pending.done.then((ok) => {
        request.say(ok ? `Service ${controller.name} has been started.` : cannotStart(controller));
        return ok;
      });
    }
    if (controller.definition.oneShot) {
      const earlier = request.oneShots.get(controller.name);
      if (earlier !== undefined) return earlier;
    }
    const start: PendingStart = { done: Promise.resolve(false), request, cancelled: false };
    start.done = this.#startWithRequirements(controller, args, start).finally(() => {
      if (this.#starts.get(controller) === start) this.#starts.delete(controller);
    });
    this.#starts.set(controller, start);
    if (controller.definition.oneShot) request.oneShots.set(controller.name, start.done);
    return start.done;
  }

  async #startWithRequirements(
    controller: Controller,
    args: readonly string[],
    start: PendingStart,
  ): Promise<boolean> {
    // In the turn of whoever asks, and in the step of what made it ask: the next daemon goes on with it.
    const { status, enabled } = controller.state;
    const isOnItsWay = status === "starting" && !controller.isEnding;
    if (enabled && !this.#goingDown && !isOnItsWay) controller.want("start");
    try {
      return await this.#startOnceWanted(controller, args, start);
    } finally {
      // Who has cancelled it says what is wanted instead.
      if (!start.cancelled) controller.want(undefined);
    }
  }

  async #startOnceWanted(
    controller: Controller,
    args: readonly string[],
    start: PendingStart,
  ): Promise<boolean> {
    const { request } = start;
    // Not in the caller's turn: a long chain of requirements must not become a deep stack.
    await Promise.resolve();
    // Who stops it is told of what its stop throws; it is stopped then too.
    if (controller.isEnding) await controller.stop([], request).catch(() => undefined);
    if (!this.#mayStart(controller, start)) return false;
    const requirements = controller.definition.requirement.map((name) => this.#registry.get(name));
    const failed: Controller[] = [];
    await Promise.all(
      requirements.map(async (requirement) => {
        if (!(await this.#startRequirement(requirement, request))) failed.push(requirement);
      }),
    );
    for (const requirement of failed)
      request.say(`Service ${controller.name} depends on ${requirement.name}.`);
    // That took its time: the world may have changed.
    if (failed.length > 0 || !this.#mayStart(controller, start)) return false;
    if (controller.state.status === "running") return true;
    const outcome: StartOutcome = await controller.start(args, request);
    request.say(outcome.ok ? `Service ${controller.name} has been started.` : cannotStart(controller));
    if (!outcome.ok && outcome.exception !== undefined) throw new UserCodeError(outcome.exception);
    return outcome.ok;
  }

  #mayStart(controller: Controller, { request, cancelled }: PendingStart): boolean {
    if (this.#goingDown) request.say(`Service ${controller.name} is not started: the system is going down.`);
    else if (cancelled) request.say(`The start of service ${controller.name} was cancelled by a stop.`);
    else if (!this.#registry.has(controller))
      request.say(`Service ${controller.name} is no more: it cannot be started again.`);
    else if (!controller.state.enabled) request.say(`Service ${controller.name} is currently disabled.`);
    else return true;
    return false;
  }

  /** What a requirement's start throws is the requirement's failure, not that of the service which needs it. */
  async #startRequirement(requirement: Controller, request: Request): Promise<boolean> {
    try {
      return await this.#start(requirement, [], request);
    } catch (error) {
      if (!(error instanceof UserCodeError)) throw error;
      request.say(`Failed to start ${requirement.name}: ${error.message}`);
      return false;
    }
  }

  /** Starts a service again whose process ended; a failure counts as another end. */
  async respawn(controller: Controller, request: Request): Promise<void> {
    const done = this.#start(controller, [], request);
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
    if (ok || start?.cancelled === true || this.#goingDown) return;
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
    const stopped = await this.#stop([target], again, async (controller) => {
      try {
        await controller.stop(controller === target ? args : [], request);
      } catch (error) {
        if (controller === target) failure = { cause: error };
        else request.say(`Service ${controller.name}: ${errorText(error)}`);
      }
    });
    return { stopped: stopped.reverse(), failure };
  }

  /** Stops everything but `root`, dependents first and independent services side by side. */
  async stopAll(root: Controller, request: Request): Promise<void> {
    const others = this.#registry.controllers.filter((controller) => controller !== root);
    await this.#stop(others, false, (controller) => this.#stopQuietly(controller, request));
  }

  async #stopQuietly(controller: Controller, request: Request): Promise<void> {
    try {
      await controller.stop([], request);
    } catch (error) {
      request.say(`Service ${controller.name}: ${errorText(error)}`);
    }
  }

  /**
   * Goes on with the starts that an earlier daemon had been asked for and not begun, and with its restarts: what still runs
   * of those is stopped first.
   */
  async resume(wanted: readonly Controller[], request: Request): Promise<void> {
    if (this.#goingDown) return;
    this.#rememberOneShots(wanted, request);
    const up = wanted.filter(
      ({ state }) =>
        state.wanted === "restart" && (state.status === "running" || state.status === "starting"),
    );
    const stopped = await this.#stop(up, true, (controller) => this.#stopQuietly(controller, request));
    // A respawn is made when it is due.
    const waiting = wanted.filter(({ state }) => state.respawnAt === undefined);
    await this.#startAgain(
      [...new Set([...waiting, ...stopped.map(({ controller }) => controller)])],
      request,
    );
  }

  /** A one-shot that came to its end for the same requests is not run a second time for them. */
  #rememberOneShots(wanted: readonly Controller[], request: Request): void {
    const since = Math.min(...wanted.map(({ state }) => state.wantedSince ?? Number.POSITIVE_INFINITY));
    for (const controller of this.#registry.controllers) {
      const { status, failure, statusChanges } = controller.state;
      const isDone = status === "stopped" && failure === undefined && (statusChanges[0]?.time ?? 0) >= since;
      if (controller.definition.oneShot && isDone && !wanted.includes(controller))
        request.oneShots.set(controller.name, Promise.resolve(true));
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
   * Resolves with those that were up, or would have been without this, dependents before what they depend on.
   * @param again whether what is up is stopped only to be started again, which the next daemon would go on with
   */
  async #stop(
    targets: readonly Controller[],
    again: boolean,
    stopOne: (controller: Controller) => Promise<void>,
  ): Promise<Stopped[]> {
    const done = new Map<Controller, Promise<void>>();
    const wereUp: Stopped[] = [];
    for (const { controller, dependents } of this.#registry.dependentsFirst(targets)) {
      const { status, respawnAt, wanted } = controller.state;
      const pending = this.#starts.get(controller);
      if (pending !== undefined) {
        pending.cancelled = true;
        // Who asks for a start after this stop asks for another one.
        this.#starts.delete(controller);
      }
      const isDue = respawnAt !== undefined || (again && wanted !== undefined);
      const wasUp = status !== "stopped" || isDue || pending !== undefined;
      if (wasUp) wereUp.push({ controller, name: controller.name });
      const next = status === "stopped" ? "start" : "restart";
      controller.want(again && wasUp ? next : undefined);
      const before = dependents.map((dependent) => done.get(dependent));
      done.set(
        controller,
        Promise.all(before).then(() => stopOne(controller)),
      );
    }
    await Promise.all(done.values());
    return wereUp;
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
      let ok = false;
      if (!isStillWanted(target)) {
        request.say(`Service ${target.name} was stopped meanwhile.`);
      } else if (this.#registry.has(target)) {
        // A definition that waited for the stop may have given it another name.
        ok = await this.start(target.name, args, request);
      } else {
        request.say(`Service ${canonical} is no more: it cannot be started again.`);
      }
      const others = stopped
        .map(({ controller }) => controller)
        .filter((other) => other !== target && isStillWanted(other));
      const failed = await this.#startAgain(others, request);
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

function cannotStart(controller: Controller): string {
  return `Service ${controller.name} could not be started.`;
}
