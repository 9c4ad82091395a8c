// The services that running services make, one for each of their connections.

import type { Offspring as Needed } from "./constructors/host.js";
import { builtin, type ServiceDefinition } from "./definition/types.js";
import type { Notes } from "./notes.js";
import type { Registry } from "./registry/registry.js";
import type { Request } from "./request.js";
import type { Supervisor } from "./supervisor.js";
import type { UnitData } from "./units/types.js";

export class Offspring implements Needed {
  readonly #registry: Registry;
  readonly #supervisor: Supervisor;
  readonly #notes: Notes;
  readonly #background: () => Request;

  /** @param background makes the request for work that no client asked for */
  constructor(registry: Registry, supervisor: Supervisor, notes: Notes, background: () => Request) {
    this.#registry = registry;
    this.#supervisor = supervisor;
    this.#notes = notes;
    this.#background = background;
  }

  has(name: string): boolean {
    return this.#registry.find(name) !== undefined || this.#notes.hasService(name);
  }

  count(of: string): number {
    return this.#registry.controllers.filter(({ definition }) => {
      const data = definition.start[builtin];
      return data?.kind === "connection" && data.of === of;
    }).length;
  }

  connections(of: string): readonly UnitData[] {
    return this.#registry.controllers.flatMap(({ definition }) => {
      const data = definition.start[builtin];
      return data?.kind === "unit" && data.connection?.of === of ? [data] : [];
    });
  }

  async start(definition: ServiceDefinition): Promise<boolean> {
    if (this.#supervisor.goingDown) return false;
    const [controller] = this.#registry.register([definition]);
    // Not by way of the supervisor: what nobody but us can ask for needs no note that it is wanted.
    const outcome = await controller?.start([], this.#background());
    return outcome?.ok === true;
  }

  areRunning(names: readonly string[]): boolean {
    return names.every((name) => this.#registry.find(name)?.state.status === "running");
  }

  async startAll(names: readonly string[]): Promise<boolean> {
    const failed = await this.#supervisor.startAll(names, this.#background());
    return failed.length === 0;
  }
}
