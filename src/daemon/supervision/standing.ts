// The relations that hold at all times: what follows for other services when the state of one has changed. Each is looked
// at by what is the case and not by what has happened, so that a new daemon does what the one before it did not come to.

import { AsyncResource } from "node:async_hooks";
import type { Controller } from "../controller/controller.js";
import { isDown } from "../controller/state.js";
import type { Registry } from "../registry/registry.js";

/** What follows for a service. */
export interface Followers {
  readonly registry: Registry;
  /** Whether nothing follows any more, since everything stops. */
  goingDown(): boolean;
  /** Whether a start of the service is under way, waiting included. */
  isPending(controller: Controller): boolean;
  /** Notes at once that it is to be started, and starts it. */
  start(controller: Controller): void;
  /** Stops them and what depends on them; never rejects. */
  stop(controllers: readonly Controller[]): Promise<void>;
  log(line: string): void;
  /** All that is noted before `body` returns is one step. */
  together(body: () => void): void;
}

/** How often a service is started for what has become of others, within so many seconds. */
const limit = { times: 5, seconds: 10 } as const;

const tooOften = `it was ${limit.times} times within ${limit.seconds} s`;

export class Standing {
  readonly #followers: Followers;
  /** What follows is nobody's: what is said then must not go to the client whose request has changed something. */
  readonly #scope = new AsyncResource("Standing");
  /** Those that are to be looked at. */
  #changed = new Set<Controller>();
  /** How many are to be looked at later. */
  #later = 0;
  /** Services whose end is being attended to. */
  readonly #attended = new Set<Controller>();
  /** When services were started for what has become of others, in milliseconds since the epoch. */
  readonly #started = new WeakMap<Controller, readonly number[]>();

  constructor(followers: Followers) {
    this.#followers = followers;
  }

  /** Whether something is still to follow. */
  get isBusy(): boolean {
    return this.#changed.size > 0 || this.#attended.size > 0 || this.#later > 0;
  }

  /** The state of a service has changed: what follows is looked at when it has come to rest. */
  changed(controller: Controller): void {
    const { registry } = this.#followers;
    if (!registry.hasRelations || this.#followers.goingDown()) return;
    const isFirst = this.#changed.size === 0;
    this.#changed.add(controller);
    if (!isFirst) return;
    // Not before what makes one change of several, such as an end and its respawn, is over.
    this.#scope.runInAsyncScope(setImmediate, undefined, () => {
      const all = this.#changed;
      this.#changed = new Set();
      for (const one of all) this.#look(one);
    });
  }

  /** The start of a service has failed, since what it requires is not there. */
  failed(controller: Controller): void {
    // A respawn that does not come to its start is tried again.
    if (this.#followers.goingDown() || controller.state.respawning) return;
    this.#startAfterwards(controller, "onFailure");
  }

  #look(controller: Controller): void {
    const { registry } = this.#followers;
    if (this.#followers.goingDown() || !registry.has(controller)) return;
    if (controller.state.status === "running") {
      for (const other of registry.named(controller, "upholds")) this.#uphold(other, controller);
      this.#stopUnneeded([controller]);
      return;
    }
    if (!this.#isOver(controller)) return;
    this.#attendTo(controller);
    this.#stopBound(controller);
    const upholder = registry.naming(controller, "upholds").find(({ state }) => state.status === "running");
    if (upholder !== undefined) this.#uphold(controller, upholder);
    this.#stopUnneeded([
      ...registry.named(controller, "requirement"),
      ...registry.named(controller, "requisite"),
      ...registry.named(controller, "wants"),
      ...registry.named(controller, "upholds"),
    ]);
  }

  /** Whether it is stopped, and nothing is to change that. */
  #isOver(controller: Controller): boolean {
    const { state } = controller;
    return isDown(state) && !state.undecided && !this.#followers.isPending(controller);
  }

  /** What follows of a service's end by itself; it is noted as long as it has not been done. */
  #attendTo(controller: Controller): void {
    const { state } = controller;
    if (state.ownEnd === undefined || this.#attended.has(controller)) return;
    // A start that failed has not run.
    const [last] = state.statusChanges;
    const hasRun = !controller.definition.oneShot && state.startupFailures[0] !== last?.time;
    const stopped = hasRun ? this.#followers.registry.named(controller, "propagatesStopTo").filter(isUp) : [];
    if (stopped.length === 0) {
      this.#followUp(controller);
      return;
    }
    this.#attended.add(controller);
    const follow = (): void => {
      this.#attended.delete(controller);
      this.#followUp(controller);
    };
    this.#followers.stop(stopped).then(follow, follow);
  }

  #followUp(controller: Controller): void {
    const { ownEnd } = controller.state;
    // It may have been started, or dealt with, meanwhile.
    if (ownEnd === undefined) return;
    // What is noted to be started is not started once more by the next daemon.
    this.#followers.together(() => {
      if (!this.#followers.goingDown())
        this.#startAfterwards(controller, ownEnd === "failure" ? "onFailure" : "onSuccess");
      controller.attendedTo();
    });
  }

  #startAfterwards(controller: Controller, kind: "onFailure" | "onSuccess"): void {
    const how = kind === "onFailure" ? "has failed" : "has ended well";
    for (const other of this.#followers.registry.named(controller, kind)) {
      if (isUp(other) || this.#followers.isPending(other)) continue;
      if (this.#untilNext(other) > 0) {
        this.#followers.log(
          `Service ${other.name} is not started, although ${controller.name} ${how}: ${tooOften}.`,
        );
        continue;
      }
      this.#followers.log(`Service ${other.name} is started: ${controller.name} ${how}.`);
      this.#start(other);
    }
  }

  /** Milliseconds until a service may be started again; 0: now. Two that start each other must not keep us busy for ever. */
  #untilNext(controller: Controller): number {
    const now = Date.now();
    const since = now - limit.seconds * 1000;
    // What lies in the future was before the clock was set back.
    const times = (this.#started.get(controller) ?? []).filter((time) => time > since && time <= now);
    this.#started.set(controller, times);
    const [oldest = now] = times;
    return times.length < limit.times ? 0 : oldest - since;
  }

  #start(controller: Controller): void {
    this.#started.set(controller, [...(this.#started.get(controller) ?? []), Date.now()]);
    this.#followers.start(controller);
  }

  /** Those that are bound to a service that is over. A one-shot that is done is what they needed. */
  #stopBound(controller: Controller): void {
    if (controller.definition.oneShot) return;
    const bound = this.#followers.registry.naming(controller, "bindsTo").filter(isUp);
    if (bound.length === 0) return;
    for (const { name } of bound)
      this.#followers.log(`Service ${name} is stopped: ${controller.name}, to which it is bound, has ended.`);
    this.#stop(bound);
  }

  #uphold(controller: Controller, by: Controller): void {
    const { registry } = this.#followers;
    if (by.isEnding || !controller.state.enabled || !this.#isOver(controller)) return;
    // A one-shot that is done is what was wanted, and what was skipped would be again.
    const { failure, skipped } = controller.state;
    const isDone = controller.definition.oneShot && failure === undefined && hasRun(controller);
    if (isDone || skipped !== undefined) return;
    const rivals = [...registry.named(controller, "conflicts"), ...registry.naming(controller, "conflicts")];
    if (rivals.some((other) => isUp(other) || this.#followers.isPending(other))) return;
    const wait = this.#untilNext(controller);
    if (wait > 0) {
      this.#followers.log(
        `Service ${controller.name}, which ${by.name} upholds, is started later: ${tooOften}.`,
      );
      this.#later += 1;
      setTimeout(() => {
        this.#later -= 1;
        this.changed(controller);
      }, wait).unref();
      return;
    }
    this.#followers.log(`Service ${controller.name} is started: ${by.name} upholds it.`);
    this.#start(controller);
  }

  #stopUnneeded(controllers: readonly Controller[]): void {
    const unneeded = controllers.filter(
      (one) =>
        one.definition.relations?.stopWhenUnneeded === true &&
        one.state.status === "running" &&
        !one.isEnding &&
        !this.#isNeeded(one),
    );
    if (unneeded.length === 0) return;
    for (const { name } of unneeded)
      this.#followers.log(`Service ${name} is stopped: nothing needs it any more.`);
    this.#stop(unneeded);
  }

  #isNeeded(controller: Controller): boolean {
    const { registry } = this.#followers;
    return (["requirement", "requisite", "wants", "upholds"] as const).some((kind) =>
      registry.naming(controller, kind).some((other) => !this.#isOver(other)),
    );
  }

  #stop(controllers: readonly Controller[]): void {
    this.#followers.stop(controllers).catch(() => undefined);
  }
}

/** Whether it runs or is on its way there. */
function isUp({ state, isEnding }: Controller): boolean {
  return (state.status === "running" || state.status === "starting") && !isEnding;
}

function hasRun({ state }: Controller): boolean {
  return state.statusChanges.some(({ status }) => status === "starting");
}
