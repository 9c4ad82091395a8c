// Which services there are: names to controllers, and how a set of definitions enters as a whole or not at all.

import type { Controller } from "../controller/controller.js";
import type { ServiceDefinition } from "../definition/types.js";
import { runsAlike } from "../units/of-definition.js";
import { checkGraph, GraphError } from "./graph.js";
import { type Circle, inOrder } from "./order.js";
import { namesIn, type Reference, References } from "./references.js";

/** A name that no registered service provides. */
export class ServiceNotFound extends Error {
  override readonly name = "ServiceNotFound";
  readonly service: string;

  constructor(service: string) {
    super(`service '${service}' could not be found`);
    this.service = service;
  }
}

/** A stop, and those of others that it waits for. */
export interface OrderedStop {
  readonly controller: Controller;
  readonly before: readonly Controller[];
}

/** An order in which services stop. */
export interface StopOrder {
  readonly stops: readonly OrderedStop[];
  /** Circles of order that were cut at a wait that is about order alone. */
  readonly circles: readonly Circle<Controller>[];
}

export class Registry {
  /** In the order of registration. */
  readonly #controllers = new Set<Controller>();
  readonly #names = new Map<string, Controller>();
  readonly #references = new References<Controller>();
  /** How many have relations beyond what they require. */
  #related = 0;
  readonly #make: (definition: ServiceDefinition) => Controller;
  readonly #defined: (controller: Controller, formerName: string | undefined) => void;

  /**
   * @param make makes the controller of a definition that is new
   * @param defined is told of each definition that comes into force, and the canonical name of the one that it replaces
   */
  constructor(
    make: (definition: ServiceDefinition) => Controller,
    defined: (controller: Controller, formerName: string | undefined) => void = () => undefined,
  ) {
    this.#make = make;
    this.#defined = defined;
  }

  get controllers(): readonly Controller[] {
    return [...this.#controllers];
  }

  /** How many names there are. */
  get size(): number {
    return this.#names.size;
  }

  /** Whether any service has relations beyond what it requires. */
  get hasRelations(): boolean {
    return this.#related > 0;
  }

  has(controller: Controller): boolean {
    return this.#controllers.has(controller);
  }

  find(name: string): Controller | undefined {
    return this.#names.get(name);
  }

  /** The controller of a service by any of its names; throws ServiceNotFound. */
  get(name: string): Controller {
    const controller = this.#names.get(name);
    if (controller === undefined) throw new ServiceNotFound(name);
    return controller;
  }

  /** The services that `controller` names so, as far as there are such services: each once, itself not. */
  named(controller: Controller, kind: Reference): Controller[] {
    const names = namesIn(controller.definition, kind);
    if (names.length === 0) return [];
    const found = new Set<Controller>();
    for (const name of names) {
      const other = this.#names.get(name);
      if (other !== undefined && other !== controller) found.add(other);
    }
    return [...found];
  }

  /** The services that name `controller` so, by any of its names: each once, itself not. */
  naming(controller: Controller, kind: Reference): Controller[] {
    if (!this.#references.has(kind)) return [];
    // A name that another service has by now is that service's.
    const own = controller.definition.provision.filter((name) => this.#names.get(name) === controller);
    return [...this.#references.to(own, kind)].filter((other) => other !== controller);
  }

  /**
   * Registers definitions, all or none. One that shares a name with a registered service takes that service's place: at
   * once where it is stopped, else when it stops. Throws GraphError with the path, and changes nothing then.
   * @returns the controllers of the definitions, in their order
   */
  register(definitions: readonly ServiceDefinition[]): Controller[] {
    this.check(definitions);
    return this.#enter(definitions, this.#replacedBy(definitions));
  }

  /** As `register`, for what was in force already: that a requirement was unloaded meanwhile is no reason to refuse it. */
  registerAgain(definitions: readonly ServiceDefinition[]): Controller[] {
    return this.#enter(definitions, this.#replacedBy(definitions));
  }

  /** Throws GraphError where `register` would, once the services in `leaving` were gone. */
  check(definitions: readonly ServiceDefinition[], leaving: ReadonlySet<Controller> = new Set()): void {
    const replaced = this.#replacedBy(definitions, leaving);
    // What would stand if every replacement took its place now.
    const gone = new Set(replaced.values());
    const staying = [...this.#controllers].filter(
      (controller) => !gone.has(controller) && !leaving.has(controller),
    );
    // A service whose requirement was unloaded on purpose is broken already: it must not stand in the way of others.
    const sound = staying
      .map((controller) => controller.replacement ?? controller.definition)
      .filter(({ requirement }) => requirement.every((name) => this.#names.has(name)));
    checkGraph([...sound, ...definitions]);
  }

  #enter(
    definitions: readonly ServiceDefinition[],
    replaced: ReadonlyMap<ServiceDefinition, Controller>,
  ): Controller[] {
    return definitions.map((definition) => {
      const holder = replaced.get(definition);
      if (holder === undefined) return this.#add(this.#make(definition));
      // What a unit means to others needs no new start to hold.
      if (holder.state.status === "stopped" || runsAlike(holder.definition, definition)) {
        holder.replacement = undefined;
        this.#rename(holder, definition);
      } else {
        holder.replacement = definition;
        holder.obsolete = false;
      }
      return holder;
    });
  }

  /**
   * The registered service whose place each definition takes. Of several that share the names of one service, one takes
   * its place, the one with its canonical name if there is one; the others are new.
   */
  #replacedBy(
    definitions: readonly ServiceDefinition[],
    leaving: ReadonlySet<Controller> = new Set(),
  ): Map<ServiceDefinition, Controller> {
    const heirs = new Map<Controller, ServiceDefinition>();
    for (const definition of definitions) {
      const holders = new Set(
        definition.provision
          .map((name) => this.#names.get(name))
          .filter((holder) => holder !== undefined)
          .filter((holder) => !leaving.has(holder)),
      );
      if (holders.size > 1) {
        const names = [...holders].map((holder) => `"${holder.name}"`).join(" and ");
        throw new GraphError(
          `service "${definition.provision[0]}" provides names of several services: ${names}`,
        );
      }
      const [holder] = holders;
      if (holder !== undefined && (!heirs.has(holder) || definition.provision[0] === holder.name))
        heirs.set(holder, definition);
    }
    return new Map([...heirs].map(([holder, definition]) => [definition, holder]));
  }

  /** Puts definitions into force at once, also where the service runs: they are the ones by which it was started. */
  restore(definitions: readonly ServiceDefinition[]): void {
    for (const definition of definitions) {
      const holder = this.#names.get(definition.provision[0]);
      if (holder?.name !== definition.provision[0]) continue;
      holder.replacement = undefined;
      this.#rename(holder, definition);
    }
  }

  /** Gives a stopped service the definition that waited for its stop. */
  applyReplacement(controller: Controller): void {
    const { replacement } = controller;
    if (replacement === undefined || !this.#controllers.has(controller)) return;
    controller.replacement = undefined;
    this.#rename(controller, replacement);
  }

  unregister(controller: Controller): void {
    if (!this.#controllers.delete(controller)) return;
    this.#forgetReferences(controller);
    this.#dropNames(controller);
  }

  /**
   * `targets` and all that stops with them, each after those that stop before it, with these. Those that depend on a service
   * stop before it; order alone is the reverse of that of the starts. While replacements are pending, old and new
   * definitions together may form a circle of requirements; it is cut where it closes.
   *
   * @param again whether they are stopped only to be started again
   */
  stopOrder(targets: readonly Controller[], again: boolean): StopOrder {
    const all = new Set(targets);
    const dependents = new Map<Controller, Controller[]>();
    for (const controller of all) {
      const requiring = this.naming(controller, "requirement");
      dependents.set(controller, requiring);
      const others = [
        ...requiring,
        ...this.naming(controller, "requisite"),
        ...this.naming(controller, "partOf"),
        ...(again ? [] : this.named(controller, "propagatesStopTo")),
      ];
      for (const other of others) all.add(other);
    }
    const before = new Map<Controller, readonly Controller[]>();
    const { order, circles } = inOrder(all, (controller) => {
      const requiring = dependents.get(controller) ?? [];
      const later = [...this.naming(controller, "requisite"), ...this.startedAfter(controller)];
      const waits = [
        ...requiring.map((to) => ({ to, soft: false })),
        ...later.filter((other) => all.has(other)).map((to) => ({ to, soft: true })),
      ];
      before.set(
        controller,
        waits.map(({ to }) => to),
      );
      return waits;
    });
    const cut = new Map<Controller, Set<Controller>>();
    for (const { from, to } of circles.map((circle) => circle.cut)) {
      const set = cut.get(from);
      if (set === undefined) cut.set(from, new Set([to]));
      else set.add(to);
    }
    const stops = order.map((controller) => {
      const gone = cut.get(controller);
      const waits = before.get(controller) ?? [];
      return { controller, before: gone === undefined ? waits : waits.filter((other) => !gone.has(other)) };
    });
    return { stops, circles: circles.filter(({ hard }) => !hard) };
  }

  /** Those that are started before `controller` where both are, and stopped after it. */
  startedBefore(controller: Controller): Controller[] {
    return [...this.named(controller, "after"), ...this.naming(controller, "before")];
  }

  /** Those that are started after `controller` where both are, and stopped before it. */
  startedAfter(controller: Controller): Controller[] {
    return [...this.named(controller, "before"), ...this.naming(controller, "after")];
  }

  #add(controller: Controller): Controller {
    this.#controllers.add(controller);
    this.#refer(controller);
    for (const name of controller.definition.provision) this.#names.set(name, controller);
    this.#defined(controller, undefined);
    return controller;
  }

  #rename(controller: Controller, definition: ServiceDefinition): void {
    const { name: before } = controller;
    this.#dropNames(controller);
    this.#forgetReferences(controller);
    controller.definition = definition;
    this.#refer(controller);
    controller.obsolete = false;
    for (const name of definition.provision) this.#names.set(name, controller);
    this.#defined(controller, before);
  }

  #refer(controller: Controller): void {
    const { definition } = controller;
    this.#references.add(controller, definition);
    if (definition.relations !== undefined) this.#related += 1;
  }

  #forgetReferences(controller: Controller): void {
    const { definition } = controller;
    this.#references.remove(controller, definition);
    if (definition.relations !== undefined) this.#related -= 1;
  }

  #dropNames(controller: Controller): void {
    for (const name of controller.definition.provision) {
      if (this.#names.get(name) === controller) this.#names.delete(name);
    }
  }
}
