// Carries starts out: a service's requirements come first and side by side, what it wants comes along, and it waits for its
// turn among all that is being started or stopped.

import type { Controller } from "../controller/controller.js";
import type { StartOutcome } from "../controller/starting.js";
import { isDown } from "../controller/state.js";
import { errorText } from "../error-text.js";
import type { Registry } from "../registry/registry.js";
import type { Request } from "../request.js";
import { type Changes, isStopping } from "./changes.js";
import type { PendingStart } from "./pending.js";
import type { Starts } from "./starts.js";
import type { Stops } from "./stops.js";
import { UserCodeError } from "./user-code-error.js";

export class Starter {
  readonly #registry: Registry;
  readonly #starts: Starts;
  readonly #stops: Stops;
  readonly #changes: Changes;
  readonly #unmet: (controller: Controller) => void;

  /** @param unmet is told of a service that cannot be started for want of what it requires */
  constructor(
    registry: Registry,
    { starts, stops, changes }: { readonly starts: Starts; readonly stops: Stops; readonly changes: Changes },
    unmet: (controller: Controller) => void,
  ) {
    this.#registry = registry;
    this.#starts = starts;
    this.#stops = stops;
    this.#changes = changes;
    this.#unmet = unmet;
  }

  /** Starts services side by side; resolves with the names of those that could not be started. */
  async startAll(names: readonly string[], request: Request): Promise<string[]> {
    // All of them first, so that there is an order among them.
    const found = names.map((name) => this.#registry.find(name)).filter((one) => one !== undefined);
    this.#carryOut(this.#starts.add(found, request), []);
    const results = await Promise.all(
      names.map(async (name) => {
        try {
          const controller = this.#registry.get(name);
          return controller.state.status === "running" || (await this.start(controller, [], request));
        } catch (error) {
          request.say(`Failed to start ${name}: ${errorText(error)}`);
          return false;
        }
      }),
    );
    return names.filter((_, index) => !results[index]);
  }

  /**
   * Starts a service and what it requires; who asks for the same in between shares the attempt.
   * @param asking the start that has come to need it
   */
  start(
    controller: Controller,
    args: readonly string[],
    request: Request,
    asking?: PendingStart,
  ): Promise<boolean> {
    if (controller.state.status === "running") return Promise.resolve(true);
    const pending = this.#starts.get(controller);
    if (pending !== undefined) {
      if (pending.request === request) return pending.done;
      return pending.done.then((ok) => {
        request.say(ok ? `Service ${controller.name} has been started.` : cannotStart(controller));
        return ok;
      });
    }
    const earlier = request.oneShots.get(controller.name);
    if (earlier !== undefined) return earlier;
    this.#carryOut(this.#starts.add([controller], request, asking), args);
    return this.#starts.get(controller)?.done ?? Promise.resolve(false);
  }

  /** Starts what a service that runs already wants and has not, or not any more; resolves when all of that is over. */
  async startWanted(controller: Controller, request: Request): Promise<void> {
    const wanted = this.#starts.wantedBy(controller);
    this.#carryOut(this.#starts.add(wanted, request), []);
    await Promise.allSettled(wanted.map((one) => this.#starts.get(one)?.done));
  }

  /** @param args are for the first of them */
  #carryOut(starts: readonly PendingStart[], args: readonly string[]): void {
    for (const start of starts) {
      const { controller, request } = start;
      start.done = this.#startWithRequirements(start, start === starts[0] ? args : []).finally(() =>
        this.#starts.remove(start),
      );
      // Whoever asks for it is told; what is started along with others may have nobody.
      start.done.catch(() => undefined);
      if (controller.definition.oneShot) request.oneShots.set(controller.name, start.done);
    }
  }

  async #startWithRequirements(start: PendingStart, args: readonly string[]): Promise<boolean> {
    const { controller } = start;
    // In the turn of whoever asks, and in the step of what made it ask: the next daemon goes on with it.
    const { status, enabled } = controller.state;
    const isOnItsWay = status === "starting" && !controller.isEnding;
    if (enabled && !this.#starts.isClosed && !isOnItsWay) controller.want("start");
    try {
      return await this.#startOnceWanted(start, args);
    } finally {
      // Who has cancelled it says what is wanted instead.
      if (!start.cancelled) controller.want(undefined);
    }
  }

  async #startOnceWanted(start: PendingStart, args: readonly string[]): Promise<boolean> {
    const { controller, request } = start;
    // Not in the caller's turn: a long chain of requirements must not become a deep stack.
    await Promise.resolve();
    if (controller.isEnding) {
      // Who stops it is told of what its stop throws; it is stopped then too.
      await controller.stop([], request).catch(() => undefined);
      if (!start.cancelled) this.#carryOut(this.#starts.addNeedsOf(start), []);
    }
    if (!this.#mayStart(start)) return false;
    for (const wanted of this.#starts.wantedBy(controller)) {
      // Whether it comes up makes no difference.
      this.#startRequirement(wanted, start).catch((error: unknown) => request.say(errorText(error)));
    }
    const requirements = controller.definition.requirement.map((name) => this.#registry.get(name));
    const failed: Controller[] = [];
    await Promise.all(
      requirements.map(async (requirement) => {
        if (!(await this.#startRequirement(requirement, start))) failed.push(requirement);
      }),
    );
    start.requires = [];
    for (const requirement of failed)
      request.say(`Service ${controller.name} depends on ${requirement.name}.`);
    if (failed.length > 0) {
      if (!start.cancelled) this.#unmet(controller);
      return false;
    }
    await this.#waitForTurn(start);
    if (!start.cancelled) await this.#stopConflicting(start);
    // That took its time: the world may have changed.
    if (!this.#mayStart(start)) return false;
    if (controller.state.status === "running") return true;
    const lacking = whatLacks(this.#registry, controller);
    if (lacking !== undefined) {
      request.say(`Service ${controller.name} is not started: ${lacking}`);
      this.#unmet(controller);
      return false;
    }
    start.begin();
    const outcome: StartOutcome = await controller.start(args, request);
    request.say(outcome.ok ? `Service ${controller.name} has been started.` : cannotStart(controller));
    if (!outcome.ok && outcome.exception !== undefined) throw new UserCodeError(outcome.exception);
    return outcome.ok;
  }

  #mayStart({ controller, request, cancelled, circle }: PendingStart): boolean {
    if (this.#starts.isClosed)
      request.say(`Service ${controller.name} is not started: the system is going down.`);
    else if (cancelled) request.say(`The start of service ${controller.name} was cancelled by a stop.`);
    else if (!this.#registry.has(controller))
      request.say(`Service ${controller.name} is no more: it cannot be started again.`);
    else if (!controller.state.enabled) request.say(`Service ${controller.name} is currently disabled.`);
    else if (circle !== undefined)
      request.say(
        `Service ${controller.name} is not started: services require each other in a circle: ${circle}`,
      );
    else return true;
    return false;
  }

  /** Waits until every start and stop is over that is under way and comes before this start. */
  async #waitForTurn(start: PendingStart): Promise<void> {
    const { controller } = start;
    for (;;) {
      await start.ordered();
      if (start.cancelled) return;
      const before = this.#registry.startedBefore(controller);
      const after = this.#registry.startedAfter(controller);
      const waits = [
        ...[...before, ...after].map((other) => this.#stops.get(other)),
        // Those of an earlier daemon, or of whoever else has no need of us.
        ...[...before, ...after].filter(isStopping).map((other) => this.#changes.stopped(other)),
        ...before.filter((other) => this.#isStarting(other)).map((other) => this.#changes.next(other)),
      ].filter((wait) => wait !== undefined);
      if (waits.length === 0) return;
      await Promise.all(waits);
    }
  }

  #isStarting(controller: Controller): boolean {
    return controller.state.status === "starting" && this.#starts.get(controller) === undefined;
  }

  /** What must not run at the same time is stopped first. */
  async #stopConflicting({ controller, request }: PendingStart): Promise<void> {
    const rivals = new Set([
      ...this.#registry.named(controller, "conflicts"),
      ...this.#registry.naming(controller, "conflicts"),
    ]);
    const up = [...rivals].filter(
      (other) => !isDown(other.state) || other.isEnding || this.#starts.get(other) !== undefined,
    );
    if (up.length === 0) return;
    const names = up.map(({ name }) => name).join(", ");
    request.say(`Service ${controller.name} conflicts with what is stopped for it: ${names}.`);
    await this.#stops.stopQuietly(up, false, request);
  }

  /** What a requirement's start throws is the requirement's failure, not that of the service which needs it. */
  async #startRequirement(requirement: Controller, asking: PendingStart): Promise<boolean> {
    const { request } = asking;
    try {
      return await this.start(requirement, [], request, asking);
    } catch (error) {
      if (!(error instanceof UserCodeError)) throw error;
      request.say(`Failed to start ${requirement.name}: ${error.message}`);
      return false;
    }
  }
}

/** Why a service cannot be started whose requirements are there; undefined if it can. */
function whatLacks(registry: Registry, { definition }: Controller): string | undefined {
  const { requisite = [], bindsTo = [] } = definition.relations ?? {};
  const isRunning = (name: string): boolean => registry.find(name)?.state.status === "running";
  const absent = requisite.find((name) => !isRunning(name));
  if (absent !== undefined) return `${absent}, which must run already, does not.`;
  // A one-shot that is done is what it needed.
  const unbound = bindsTo.find(
    (name) => !isRunning(name) && registry.find(name)?.definition.oneShot !== true,
  );
  return unbound === undefined ? undefined : `${unbound}, to which it is bound, does not run.`;
}

function cannotStart(controller: Controller): string {
  return `Service ${controller.name} could not be started.`;
}
