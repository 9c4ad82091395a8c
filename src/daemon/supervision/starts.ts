// The starts that are under way: all that a start takes along is known at once, so that there is an order among it.

import type { Controller } from "../controller/controller.js";
import { inOrder, type Wait } from "../registry/order.js";
import type { Registry } from "../registry/registry.js";
import type { Request } from "../request.js";
import { PendingStart } from "./pending.js";

export class Starts {
  readonly #registry: Registry;
  readonly #log: (line: string) => void;
  /** Those that were not cancelled. */
  readonly #pending = new Map<Controller, PendingStart>();
  /** Whether a start takes nothing along any more, since it will not be made. */
  isClosed = false;

  constructor(registry: Registry, log: (line: string) => void) {
    this.#registry = registry;
    this.#log = log;
  }

  get(controller: Controller): PendingStart | undefined {
    return this.#pending.get(controller);
  }

  /** It is over, or cancelled: who asks for a start after this asks for another one. */
  remove(start: PendingStart): void {
    start.end();
    if (this.#pending.get(start.controller) === start) this.#pending.delete(start.controller);
  }

  cancel(controller: Controller): PendingStart | undefined {
    const start = this.#pending.get(controller);
    start?.cancel();
    this.#pending.delete(controller);
    return start;
  }

  /**
   * Adds the starts of `controllers` and of all that they require, want or uphold, as far as it is neither running nor being
   * started; those that are added, who asks first, know whom they wait for.
   *
   * @param asking a start that is under way and has come to need them
   */
  add(controllers: readonly Controller[], request: Request, asking?: PendingStart): PendingStart[] {
    const added: PendingStart[] = [];
    const queue = [...controllers];
    for (const controller of queue) {
      if (controller.state.status === "running" || this.#pending.has(controller)) continue;
      if (request.oneShots.has(controller.name)) continue;
      const start = new PendingStart(controller, request);
      this.#pending.set(controller, start);
      added.push(start);
      // What is ending may have another definition afterwards: it asks for the rest then, as does what is not started at all.
      const isToStart = !this.isClosed && this.#registry.has(controller) && controller.state.enabled;
      if (isToStart && !controller.isEnding) queue.push(...this.#along(start));
    }
    this.#putInOrder(added, asking !== undefined);
    return added;
  }

  /** As `add`, for a start whose service had still to be stopped. */
  addNeedsOf(start: PendingStart): PendingStart[] {
    const added = this.add(this.#along(start), start.request, start);
    this.#putInOrder([start], true);
    return added;
  }

  /** Services that are wanted by the definition of `controller`, or upheld, and could be started. */
  wantedBy(controller: Controller): Controller[] {
    const wanted = [
      ...this.#registry.named(controller, "wants"),
      ...this.#registry.named(controller, "upholds"),
    ];
    return wanted.filter(({ state }) => state.enabled);
  }

  #along(start: PendingStart): readonly Controller[] {
    start.requires = this.#registry.named(start.controller, "requirement");
    return [...start.requires, ...this.wantedBy(start.controller)];
  }

  /** @param wide whether those that were there before may wait for those that are new */
  #putInOrder(added: readonly PendingStart[], wide: boolean): void {
    const isNew = new Set(added);
    let goesBack = wide;
    for (const start of added) {
      for (const other of this.#registry.startedBefore(start.controller)) {
        const earlier = this.#pending.get(other);
        if (earlier !== undefined) start.waitFor(earlier);
      }
      for (const other of this.#registry.startedAfter(start.controller)) {
        const later = this.#pending.get(other);
        if (later === undefined || isNew.has(later)) continue;
        later.waitFor(start);
        goesBack = true;
      }
    }
    // Circles that were there before are cut already.
    const { circles } = inOrder(added, (start) => {
      const waits = this.#waitsOf(start);
      return goesBack ? waits : waits.filter(({ to }) => isNew.has(to));
    });
    for (const { path, cut, hard } of circles) {
      const names = [...path, ...path.slice(0, 1)].map(({ controller }) => controller.name).join(" -> ");
      if (hard) {
        cut.from.circle = names;
        continue;
      }
      cut.from.release(cut.to);
      this.#log(
        `The order of starts is a circle, ${names}: ` +
          `${cut.from.controller.name} does not wait for ${cut.to.controller.name}.`,
      );
    }
  }

  #waitsOf(start: PendingStart): Wait<PendingStart>[] {
    const waits: Wait<PendingStart>[] = [];
    for (const required of start.requires) {
      const to = this.#pending.get(required);
      if (to !== undefined && to !== start) waits.push({ to, soft: false });
    }
    for (const to of start.waitsFor) waits.push({ to, soft: true });
    return waits;
  }
}
