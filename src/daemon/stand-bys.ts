// Has the keeper respawn by itself what is respawned without a delay: for a service that runs, the next process stands by,
// and takes the place of the one that ends before anybody here has heard of that, or while no daemon lives. For whom, and
// until when, is decided here; what follows is the controller's (ending.ts).

import { constants } from "node:os";
import { isMereSpawn, successorOf } from "./constructors/forkexec.js";
import type { Host } from "./constructors/host.js";
import type { Controller } from "./controller/controller.js";
import { isProcess } from "./controller/running-value.js";
import { relationKinds } from "./definition/relations.js";
import { builtin } from "./definition/types.js";
import { errorText } from "./error-text.js";
import type { Name, Request } from "./keeper/types.js";
import { monotonic } from "./monotonic.js";
import type { Registry } from "./registry/registry.js";

const { ENOSYS } = constants.errno;

/** For so long, in ms, no further service must have come up: a burst of starts is to be over. */
const rest = 500;
/** It is not waited longer than this for that, in ms. */
const patience = 5000;
/** So many at once: others have their turn in between. */
const batch = 50;
/** It is not waited longer than this, in seconds, until a respawn limit is not reached any more. */
const longest = 86_400;

export interface StandByParts {
  readonly host: Host;
  readonly registry: Registry;
  /** The children for which somebody stands by, as an earlier daemon has left it. */
  readonly found: Iterable<Name>;
  /** Whether everything stops: nobody takes anybody's place then. */
  goingDown(): boolean;
}

interface StandBy {
  /** The one whose place is to be taken. */
  readonly child: Name;
  /** Without these the service is respawned by nobody but us, who start them first. */
  readonly requires: readonly Controller[];
  /** An earlier daemon has left it: by now another one could be right. */
  readonly isOld: boolean;
}

export class StandBys {
  readonly #parts: StandByParts;
  readonly #armed = new Map<Controller, StandBy>();
  /** By what they require. */
  readonly #relying = new Map<Controller, Set<Controller>>();
  readonly #found: Set<Name>;
  /** Those for which somebody is to stand by before long. */
  #due = new Set<Controller>();
  #dueSince = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Those whose respawn limit is reached, until it is not any more. */
  readonly #limited = new Map<Controller, NodeJS.Timeout>();
  readonly #redefined = new Set<Controller>();
  /** Whether the keeper knows of this. */
  #isKnown = true;

  constructor(parts: StandByParts) {
    this.#parts = parts;
    this.#found = new Set(parts.found);
  }

  /** The state of a service has changed, or is looked at for the first time; runs in the step that notes the change. */
  changed(controller: Controller): void {
    const armed = this.#armed.get(controller);
    if (armed !== undefined && !isRight(controller, armed.child)) this.#standDown(controller, armed);
    else if (armed === undefined && this.#found.size > 0) this.#takeOver(controller);
    const { status, value } = controller.state;
    if (status === "running") this.#soon(controller);
    else this.#forgetLimit(controller);
    if (status !== "running" || isProcess(value)) this.#standDownRelying(controller);
    // For whoever came up before what it requires.
    else for (const other of this.#parts.registry.naming(controller, "requirement")) this.#soon(other);
  }

  /**
   * The definition of a service is another one, or is to be: whoever has to do with it is looked at again within this turn, and
   * so within its step.
   */
  redefined(controller: Controller): void {
    this.#redefined.add(controller);
    if (this.#redefined.size > 1) return;
    queueMicrotask(() => {
      const { registry } = this.#parts;
      const all = new Set(this.#redefined);
      this.#redefined.clear();
      for (const one of [...all])
        for (const kind of ["requirement", ...relationKinds] as const)
          for (const other of [...registry.named(one, kind), ...registry.naming(one, kind)]) all.add(other);
      for (const one of all) {
        const armed = this.#armed.get(one);
        if (armed !== undefined && !this.mayStandBy(one)) this.#standDown(one, armed);
        else this.#soon(one);
      }
    });
  }

  /**
   * Whether nothing but the service itself has to do with its respawn: what it requires runs and has no process that could
   * end, and nothing follows of its end for others.
   */
  mayStandBy(controller: Controller): boolean {
    const { registry, goingDown } = this.#parts;
    if (controller.respawnsAtOnceIn !== 0 || goingDown() || !registry.has(controller)) return false;
    if (controller.definition.relations !== undefined) return false;
    if (registry.hasRelations && relationKinds.some((kind) => registry.naming(controller, kind).length > 0))
      return false;
    return registry
      .named(controller, "requirement")
      .every((one) => isRoot(one) || (one.state.status === "running" && !isProcess(one.state.value)));
  }

  #soon(controller: Controller): void {
    const { host } = this.#parts;
    const { name, definition, state } = controller;
    if (!this.#isKnown || state.status !== "running" || this.#armed.get(controller)?.isOld === false) return;
    const seconds = controller.respawnsAtOnceIn;
    if (seconds === undefined) return;
    const data = definition.start[builtin];
    if (data?.kind !== "forkexec" || !isMereSpawn(host, name, data)) return;
    if (seconds > 0) {
      this.#whenAllowed(controller, seconds);
      return;
    }
    this.#due.add(controller);
    if (this.#timer === undefined) {
      this.#dueSince = monotonic();
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#armDue();
      }, rest).unref();
    } else if (monotonic() - this.#dueSince < patience) this.#timer.refresh();
  }

  #whenAllowed(controller: Controller, seconds: number): void {
    this.#forgetLimit(controller);
    if (seconds > longest) return;
    const timer = setTimeout(
      () => {
        this.#limited.delete(controller);
        this.#soon(controller);
      },
      Math.ceil(seconds * 1000),
    );
    this.#limited.set(controller, timer.unref());
  }

  #forgetLimit(controller: Controller): void {
    clearTimeout(this.#limited.get(controller));
    this.#limited.delete(controller);
  }

  #armDue(): void {
    if (this.#parts.goingDown()) return;
    const all = [...this.#due];
    this.#due = new Set(all.slice(batch));
    for (const controller of all.slice(0, batch))
      this.#arm(controller).catch((error: unknown) => this.#parts.host.report(errorText(error)));
    if (this.#due.size > 0) setImmediate(() => this.#armDue());
  }

  async #arm(controller: Controller): Promise<void> {
    const { host } = this.#parts;
    const { name, definition, state } = controller;
    const { value } = state;
    const data = definition.start[builtin];
    if (!isProcess(value) || data?.kind !== "forkexec" || !this.mayStandBy(controller)) return;
    const { id: child } = value;
    const id = host.processes.nextId(name);
    // Who there is nobody to run it as, for one, is told by the next start.
    const next = await successorOf(host, name, data, id).catch(() => undefined);
    const before = this.#armed.get(controller);
    if (!this.#isKnown || before?.isOld === false) return;
    // It may have ended meanwhile, have another definition, or be going down.
    if (controller.definition !== definition || !isRight(controller, child) || !this.mayStandBy(controller))
      return;
    if (next === undefined) {
      if (before !== undefined) this.#standDown(controller, before);
      return;
    }
    const armed = this.#keep(controller, child, false);
    const errno = await this.#ask({ op: "stand-by", child, id, ...next });
    if (errno === 0) return;
    // What has ended is respawned by us as ever; who stood by before a refusal is still there.
    if (this.#armed.get(controller) === armed) this.#standDown(controller, armed);
    // A keeper of before, which was not upgraded with us.
    if (errno === ENOSYS) this.#isKnown = false;
  }

  /** The errno, or -1 where it could not even be asked. */
  async #ask(request: Request): Promise<number> {
    const { host } = this.#parts;
    try {
      const [result] = await host.outbox.post(request);
      return result?.errno ?? -1;
    } catch (error) {
      host.report(errorText(error));
      return -1;
    }
  }

  /** Somebody stands by whom an earlier daemon has left. */
  #takeOver(controller: Controller): void {
    const { value } = controller.state;
    if (!isProcess(value) || !this.#found.delete(value.id)) return;
    const armed = this.#keep(controller, value.id, true);
    if (!this.mayStandBy(controller)) this.#standDown(controller, armed);
  }

  /** Whoever requires it is respawned after it. */
  #standDownRelying(required: Controller): void {
    for (const controller of this.#relying.get(required) ?? []) {
      const armed = this.#armed.get(controller);
      if (armed !== undefined) this.#standDown(controller, armed);
    }
  }

  #standDown(controller: Controller, armed: StandBy): void {
    const { host, goingDown } = this.#parts;
    this.#drop(controller, armed);
    // Nobody stands by any more for what has ended, nor once a shutdown has begun.
    if (host.processes.get(armed.child) === undefined || goingDown()) return;
    host.outbox
      .post({ op: "stand-down", child: armed.child })
      .catch((error: unknown) => host.report(errorText(error)));
  }

  #keep(controller: Controller, child: Name, isOld: boolean): StandBy {
    const before = this.#armed.get(controller);
    if (before !== undefined) this.#drop(controller, before);
    const requires = this.#parts.registry.named(controller, "requirement").filter((one) => !isRoot(one));
    const armed = { child, requires, isOld };
    this.#armed.set(controller, armed);
    for (const required of requires) {
      const relying = this.#relying.get(required);
      if (relying === undefined) this.#relying.set(required, new Set([controller]));
      else relying.add(controller);
    }
    return armed;
  }

  #drop(controller: Controller, { requires }: StandBy): void {
    this.#armed.delete(controller);
    for (const required of requires) {
      const relying = this.#relying.get(required);
      relying?.delete(controller);
      if (relying?.size === 0) this.#relying.delete(required);
    }
  }
}

/** Whether `child` is what would be respawned. */
function isRight(controller: Controller, child: Name): boolean {
  const { value } = controller.state;
  return isProcess(value) && value.id === child && controller.respawnsAtOnceIn === 0;
}

/** Runs as long as anything does. */
function isRoot({ name }: Controller): boolean {
  return name === "root";
}
