// Starting and stopping with dependencies: requirements first and in parallel, dependents first at a stop, one
// attempt shared by all who ask. What one service does by itself is its controller's business.

import type { Controller, StartOutcome } from "./controller/controller.js";
import { type Registry, ServiceNotFound } from "./registry/registry.js";
import type { Request } from "./request.js";

/** What user code threw while it served a request. */
export class UserCodeError extends Error {
  override readonly name = "UserCodeError";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export class Supervisor {
  readonly #registry: Registry;
  /** Starts that are under way, waiting for requirements included. */
  readonly #starts = new Map<
    Controller,
    { done: Promise<boolean>; readonly request: Request; cancelled: boolean }
  >();
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
          request.say(`Failed to start ${name}: ${error instanceof Error ? error.message : String(error)}`);
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
    const start = { done: Promise.resolve(false), request, cancelled: false };
    start.done = this.#startWithRequirements(controller, args, request, () => start.cancelled).finally(() =>
      this.#starts.delete(controller),
    );
    this.#starts.set(controller, start);
    if (controller.definition.oneShot) request.oneShots.set(controller.name, start.done);
    return start.done;
  }

  async #startWithRequirements(
    controller: Controller,
    args: readonly string[],
    request: Request,
    cancelled: () => boolean,
  ): Promise<boolean> {
    // Not in the caller's turn: a long chain of requirements must not become a deep stack.
    await Promise.resolve();
    if (controller.state.status === "stopping") await controller.stop([], request);
    if (this.#goingDown) {
      request.say(`Service ${controller.name} is not started: the system is going down.`);
      return false;
    }
    if (!controller.state.enabled) {
      request.say(`Service ${controller.name} is currently disabled.`);
      return false;
    }
    const requirements = controller.definition.requirement.map((name) => this.#registry.get(name));
    const failed: Controller[] = [];
    await Promise.all(
      requirements.map(async (requirement) => {
        if (!(await this.#start(requirement, [], request))) failed.push(requirement);
      }),
    );
    for (const requirement of failed)
      request.say(`Service ${controller.name} depends on ${requirement.name}.`);
    if (failed.length > 0) return false;
    if (cancelled() || this.#goingDown) {
      request.say(`The start of service ${controller.name} was cancelled by a stop.`);
      return false;
    }
    const outcome: StartOutcome = await controller.start(args, request);
    request.say(outcome.ok ? `Service ${controller.name} has been started.` : cannotStart(controller));
    if (!outcome.ok && outcome.exception !== undefined) throw new UserCodeError(outcome.exception);
    return outcome.ok;
  }

  /** Starts a service again whose process ended; a failure counts as another end. */
  async respawn(controller: Controller, request: Request): Promise<void> {
    let ok: boolean;
    try {
      ok = await this.#start(controller, [], request);
    } catch (error) {
      if (!(error instanceof UserCodeError || error instanceof ServiceNotFound)) throw error;
      request.say(error.message);
      ok = false;
    }
    if (!ok && controller.state.status === "stopped" && controller.state.enabled && !this.#goingDown) {
      controller.scheduleRespawn();
    }
  }

  /**
   * Stops a service after everything that depends on it. Resolves with the canonical names of what was stopped,
   * the service first; rejects with UserCodeError where its own stop threw.
   */
  async stop(name: string, args: readonly string[], request: Request): Promise<string[]> {
    const target = this.#registry.get(name);
    let failure: unknown;
    const stopped = await this.#stop([target], async (controller) => {
      try {
        await controller.stop(controller === target ? args : [], request);
      } catch (error) {
        if (controller === target) failure = error;
        else
          request.say(
            `Service ${controller.name}: ${error instanceof Error ? error.message : String(error)}`,
          );
      }
    });
    if (failure !== undefined) throw new UserCodeError(failure);
    return stopped.reverse();
  }

  /** Stops everything but `root`, dependents first and independent services side by side. */
  async stopAll(root: Controller, request: Request): Promise<void> {
    const others = this.#registry.controllers.filter((controller) => controller !== root);
    await this.#stop(others, async (controller) => {
      try {
        await controller.stop([], request);
      } catch (error) {
        request.say(`Service ${controller.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }

  /** Resolves with the names of those that were up, dependents before what they depend on. */
  async #stop(
    targets: readonly Controller[],
    stopOne: (controller: Controller) => Promise<void>,
  ): Promise<string[]> {
    const done = new Map<Controller, Promise<void>>();
    const wereUp: string[] = [];
    for (const { controller, dependents } of this.#registry.dependentsFirst(targets)) {
      const pending = this.#starts.get(controller);
      if (pending !== undefined) pending.cancelled = true;
      if (controller.state.status !== "stopped" || pending !== undefined) wereUp.push(controller.name);
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
    const wasUp = target.state.status !== "stopped";
    const canonical = target.name;
    const stopped = wasUp ? await this.stop(name, [], request) : [];
    if (!wasUp) request.say(`Service ${canonical} is not running.`);
    const others = stopped.filter((other) => other !== canonical && this.#registry.find(other) !== undefined);
    let ok = false;
    if (this.#registry.find(canonical) === undefined) {
      request.say(`Service ${canonical} is transient and no more: it cannot be started again.`);
    } else {
      ok = await this.start(canonical, args, request);
    }
    const failed = await this.startAll(others, request);
    return ok && failed.length === 0;
  }
}

function cannotStart(controller: Controller): string {
  return `Service ${controller.name} could not be started.`;
}
