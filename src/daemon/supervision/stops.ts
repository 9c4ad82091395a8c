// Stops of several services in their order, those of a service's dependents first, and which stops are under way.

import type { ImminentEnd } from "../constructors/kill.js";
import type { Controller } from "../controller/controller.js";
import { errorText } from "../error-text.js";
import type { OrderedStop, Registry } from "../registry/registry.js";
import type { Request } from "../request.js";
import { reactionsOver } from "../turn.js";
import type { Changes } from "./changes.js";
import type { Starts } from "./starts.js";

/** So many stops begin at once: those that follow have the others' signals sent, and their processes end, meanwhile. */
const atOnce = 32;

/** What a stop has stopped. */
export interface Stopped {
  readonly controller: Controller;
  /** Its canonical name before: a definition that waited for its stop may have another one. */
  readonly name: string;
}

export class Stops {
  readonly #registry: Registry;
  readonly #starts: Starts;
  readonly #changes: Changes;
  readonly #log: (line: string) => void;
  /** Those that are to be made or under way. */
  readonly #pending = new Map<Controller, Promise<void>>();

  constructor(registry: Registry, starts: Starts, changes: Changes, log: (line: string) => void) {
    this.#registry = registry;
    this.#starts = starts;
    this.#changes = changes;
    this.#log = log;
  }

  /** Resolves when the stop of a service is over that is to be made or under way; undefined where none is. */
  get(controller: Controller): Promise<void> | undefined {
    return this.#pending.get(controller);
  }

  /**
   * Stops services and all that stops with them. Resolves with those that were up, or would have been without this, each
   * after those that stopped before it.
   *
   * @param again whether what is up is stopped only to be started again, which the next daemon would go on with
   * @param stopOne must not reject
   * @param first is called before anything is stopped, with the processes that will be ended first and at once
   */
  async stop(
    targets: readonly Controller[],
    again: boolean,
    stopOne: (controller: Controller) => Promise<void>,
    first?: (ends: readonly ImminentEnd[]) => void,
  ): Promise<Stopped[]> {
    const { stops, circles } = this.#registry.stopOrder(targets, again);
    for (const { path, cut } of circles) {
      const names = [...path, ...path.slice(0, 1)].map(({ name }) => name).join(" -> ");
      this.#log(
        `The order of stops is a circle, ${names}: ${cut.from.name} does not wait for ${cut.to.name}.`,
      );
    }
    first?.(this.#firstEnds(stops));
    const asked = new Set(targets);
    const wereUp: Stopped[] = [];
    for (const { controller } of stops) {
      const { status, respawnAt, wanted } = controller.state;
      // Who asks for a start after this stop asks for another one.
      const pending = this.#starts.cancel(controller);
      const isDue = respawnAt !== undefined || (again && wanted !== undefined);
      const wasUp = status !== "stopped" || isDue || pending !== undefined;
      if (wasUp) wereUp.push({ controller, name: controller.name });
      const next = status === "stopped" ? "start" : "restart";
      controller.want(again && wasUp ? next : undefined);
      // Nothing follows of an end that somebody wants to be one.
      if (wasUp || asked.has(controller)) controller.attendedTo();
    }
    const done = new Map<Controller, Promise<void>>();
    let turn: Promise<void> | undefined;
    for (const [index, { controller, before }] of stops.entries()) {
      if (index > 0 && index % atOnce === 0) turn = turn?.then(reactionsOver) ?? reactionsOver();
      const waits = [turn, ...before.map((other) => done.get(other))];
      const others = this.#registry.startedAfter(controller).filter((other) => !done.has(other));
      const underWay = others.map((other) => this.#pending.get(other) ?? this.#changes.stopped(other));
      const stop = Promise.all([...waits, ...underWay]).then(() => stopOne(controller));
      done.set(controller, stop);
      this.#follow(controller, stop);
    }
    await Promise.all(done.values());
    return wereUp;
  }

  /** As `stop`; what goes wrong is told to `request`. */
  async stopQuietly(
    targets: readonly Controller[],
    again: boolean,
    request: Request,
    first?: (ends: readonly ImminentEnd[]) => void,
  ): Promise<Stopped[]> {
    return await this.stop(targets, again, (controller) => stopOneQuietly(controller, request), first);
  }

  /** What a stop of `targets`, and of all that stops with them, would end first. */
  firstEnds(targets: readonly Controller[]): readonly ImminentEnd[] {
    return this.#firstEnds(this.#registry.stopOrder(targets, false).stops);
  }

  /** Of those that wait for nobody. */
  #firstEnds(stops: readonly OrderedStop[]): readonly ImminentEnd[] {
    return stops.flatMap(({ controller, before }) =>
      before.length === 0 && this.#registry.startedAfter(controller).length === 0
        ? (controller.imminentEnd ?? [])
        : [],
    );
  }

  /** Those that come before or after it wait for its stop. */
  #follow(controller: Controller, stop: Promise<void>): void {
    this.#pending.set(controller, stop);
    const forget = (): void => {
      if (this.#pending.get(controller) === stop) this.#pending.delete(controller);
    };
    stop.then(forget, forget);
  }
}

async function stopOneQuietly(controller: Controller, request: Request): Promise<void> {
  try {
    await controller.stop([], request);
  } catch (error) {
    request.say(`Service ${controller.name}: ${errorText(error)}`);
  }
}
