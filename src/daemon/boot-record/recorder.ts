// Records a boot, once it has settled, so that the keeper can repeat it; and removes a record that is of no use.

import { dirname } from "node:path";
import { ownerOf } from "../constructors/host.js";
import type { Controller } from "../controller/controller.js";
import { isProcess } from "../controller/running-value.js";
import { relationKinds } from "../definition/relations.js";
import { errorText } from "../error-text.js";
import type { InForce } from "../in-force.js";
import type { SpawnSpec } from "../keeper/types.js";
import type { System } from "../system.js";
import { expectationsOf, NotRecordable } from "./expectations.js";
import { removeRecord, replaceRecord } from "./file.js";
import { encodeRecord } from "./frames.js";
import { type RecordedService, recordable, type StartedService } from "./services.js";

/** Where names of users and groups come from. */
const accountFiles = ["/etc/passwd", "/etc/group"];

interface Log {
  info(line: string): void;
  warn(line: string): void;
}

export class BootRecorder {
  readonly #file: string;
  readonly #system: System;
  readonly #log: Log;
  readonly #since = Date.now();
  /** By canonical names: the first process that each service got. */
  readonly #spawned = new Map<string, SpawnSpec>();

  /** Listens from now on to what is started. */
  constructor(file: string, system: System, log: Log) {
    this.#file = file;
    this.#system = system;
    this.#log = log;
    system.processes.onSpawn = (id, spec) => {
      const service = ownerOf(id);
      if (!this.#spawned.has(service)) this.#spawned.set(service, spec);
    };
  }

  /** Writes down what was started, or removes what was written before where that is nothing. Never rejects. */
  async record(config: string, inForce: InForce): Promise<void> {
    const { processes } = this.#system;
    processes.onSpawn = undefined;
    try {
      const count = await this.#write(config, inForce);
      this.#log.info(
        `The start of ${count} ${count === 1 ? "service" : "services"} was recorded in ${this.#file}.`,
      );
    } catch (error) {
      this.#log.warn(`This boot is not recorded: ${errorText(error)}`);
      await this.remove();
    }
  }

  async #write(config: string, inForce: InForce): Promise<number> {
    // All of this turn: nothing may be of another moment.
    const { registry, notes } = this.#system;
    const system = notes.systemNow;
    const [file, ...more] = system?.files ?? [];
    const isOnly = more.length === 0 && file?.file === config && system?.former === undefined;
    if (system === undefined || file === undefined || !isOnly || (system.removed ?? []).length > 0)
      throw new NotRecordable("not exactly the configuration's services are in force");
    if (inForce.readsUnits) throw new NotRecordable("services come from unit files");
    const canonical = (name: string): string | undefined => registry.find(name)?.name;
    const groups = recordable(
      registry.controllers.flatMap((controller) => this.#started(controller) ?? []),
      canonical,
    );
    const services = groups.flat();
    if (services.length === 0) throw new NotRecordable("no service has a start that can be recorded");
    const definitions = (file.services ?? []).flatMap((name) => registry.find(name)?.definition ?? []);
    const wanted = inForce.startedAtBoot.flatMap((name) => canonical(name) ?? []);
    const [parent] = services.flatMap(({ spec }) =>
      spec.cgroup === undefined ? [] : [dirname(spec.cgroup)],
    );

    const expectations = await expectationsOf({
      config,
      compiled: file.compiled,
      program: process.argv[1] ?? "",
      read: { files: services.some(namesSomebody) ? accountFiles : [], since: this.#since },
      cgroups: parent === undefined ? undefined : dirname(parent),
    });
    const directories = parent === undefined ? [] : [parent];
    await replaceRecord(
      this.#file,
      encodeRecord({ expectations, system, definitions, wanted, groups, directories }),
    );
    return services.length;
  }

  /** A service that runs as the boot has started it, and that nobody else's definition is about. */
  #started(controller: Controller): StartedService | undefined {
    const { name, definition, state, replacement, obsolete } = controller;
    const { registry } = this.#system;
    const spec = this.#spawned.get(name);
    const isUp = state.status === "running" && state.enabled && isProcess(state.value);
    if (spec === undefined || !isUp || replacement !== undefined || obsolete) return undefined;
    const isNamed =
      registry.hasRelations && relationKinds.some((kind) => registry.naming(controller, kind).length > 0);
    return isNamed ? undefined : { definition, spec };
  }

  /** The next boot is an ordinary one. Never rejects. */
  async remove(): Promise<void> {
    await removeRecord(this.#file).catch((error: unknown) => this.#log.warn(errorText(error)));
  }
}

function namesSomebody({ data: { options } }: RecordedService): boolean {
  const { user, group, supplementaryGroups } = options;
  return user !== undefined || group !== undefined || supplementaryGroups !== undefined;
}
