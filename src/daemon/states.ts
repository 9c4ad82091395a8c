// What services tell each other of their states: those that start others have to know what becomes of these.

import { AsyncResource } from "node:async_hooks";
import type { States as Needed } from "./constructors/host.js";
import type { Controller } from "./controller/controller.js";
import type { RelationKind } from "./definition/relations.js";
import type { Registry } from "./registry/registry.js";

export class States implements Needed {
  readonly #registry: Registry;
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #due = new Set<() => void>();
  /** What a listener does is nobody's: what is said there must not go to the client whose request changed something. */
  readonly #scope = new AsyncResource("States");

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  of(name: string): Pick<Controller, "name" | "state" | "definition"> | undefined {
    return this.#registry.find(name);
  }

  naming(name: string, kind: RelationKind): readonly Pick<Controller, "state" | "definition">[] {
    const controller = this.#registry.find(name);
    return controller === undefined ? [] : this.#registry.naming(controller, kind);
  }

  watch(name: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      this.#due.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name);
    };
  }

  /** A service's state has changed, or its definition. */
  changed({ definition }: Pick<Controller, "definition">): void {
    if (this.#listeners.size === 0) return;
    for (const name of definition.provision)
      for (const listener of this.#listeners.get(name) ?? []) this.#tell(listener);
  }

  /** Soon, and once for all that changes until then. */
  #tell(listener: () => void): void {
    if (this.#due.has(listener)) return;
    this.#due.add(listener);
    this.#scope.runInAsyncScope(queueMicrotask, undefined, () => {
      if (this.#due.delete(listener)) listener();
    });
  }
}
