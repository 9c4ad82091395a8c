// Which services there are: names to controllers, and how a set of definitions enters as a whole or not at all.

import type { Controller } from "../controller/controller.js";
import type { ServiceDefinition } from "../definition/types.js";
import { checkGraph, GraphError } from "./graph.js";

/** A name that no registered service provides. */
export class ServiceNotFound extends Error {
  override readonly name = "ServiceNotFound";
  readonly service: string;

  constructor(service: string) {
    super(`service '${service}' could not be found`);
    this.service = service;
  }
}

export class Registry {
  /** In the order of registration. */
  readonly #controllers = new Set<Controller>();
  readonly #names = new Map<string, Controller>();
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
      if (holder.state.status === "stopped") {
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
    this.#controllers.delete(controller);
    this.#dropNames(controller);
  }

  /**
   * `targets` and all that depends on them, each after its dependents, with the dependents to wait for. While
   * replacements are pending, old and new definitions together may form a circle; it is cut where it closes.
   */
  dependentsFirst(
    targets: readonly Controller[],
  ): { controller: Controller; dependents: readonly Controller[] }[] {
    const dependents = new Map<Controller, Controller[]>();
    for (const controller of this.#controllers) {
      for (const name of controller.definition.requirement) {
        const required = this.#names.get(name);
        if (required === undefined) continue;
        const list = dependents.get(required);
        if (list === undefined) dependents.set(required, [controller]);
        else list.push(controller);
      }
    }
    const order = new Map<Controller, readonly Controller[]>();
    const onPath = new Set<Controller>();
    for (const target of targets) {
      const path = [{ controller: target, next: 0 }];
      onPath.add(target);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const { controller } = top;
        const all = dependents.get(controller) ?? [];
        const dependent = order.has(controller) ? undefined : all[top.next++];
        if (dependent === undefined) {
          if (!order.has(controller))
            order.set(
              controller,
              all.filter((other) => !onPath.has(other)),
            );
          path.pop();
          onPath.delete(controller);
        } else if (!order.has(dependent) && !onPath.has(dependent)) {
          path.push({ controller: dependent, next: 0 });
          onPath.add(dependent);
        }
      }
    }
    return [...order].map(([controller, list]) => ({ controller, dependents: list }));
  }

  #add(controller: Controller): Controller {
    this.#controllers.add(controller);
    for (const name of controller.definition.provision) this.#names.set(name, controller);
    this.#defined(controller, undefined);
    return controller;
  }

  #rename(controller: Controller, definition: ServiceDefinition): void {
    const { name: before } = controller;
    this.#dropNames(controller);
    controller.definition = definition;
    controller.obsolete = false;
    for (const name of definition.provision) this.#names.set(name, controller);
    this.#defined(controller, before);
  }

  #dropNames(controller: Controller): void {
    for (const name of controller.definition.provision) {
      if (this.#names.get(name) === controller) this.#names.delete(name);
    }
  }
}
