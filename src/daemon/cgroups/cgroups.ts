// One cgroup for each service, where cgroup2 is ours to use: made before the service starts, removed when it is stopped
// and empty. The directories themselves are the state: a new daemon finds them, and nothing but their place is noted.

import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "../../protocol/resources.js";
import type { CgroupLimits } from "../definition/cgroup-options.js";
import { isName } from "../definition/fields.js";
import { errorText } from "../error-text.js";
import { applyLimits, controllers, settingsOf, unapplied } from "./limits.js";
import { MemoryWatch } from "./memory-watch.js";
import { type Occupation, occupy } from "./occupation.js";
import { findPlace, NoCgroups, type Occupant } from "./place.js";
import { cgroupsIn, isPopulated, makeCgroup, removeCgroup } from "./tree.js";
import { briefUsageOf, oomKills, usageOf } from "./usage.js";

export interface CgroupParts {
  readonly keeper: Occupant;
  /** The directory that an earlier daemon has chosen. */
  readonly noted: string | undefined;
  /** Notes the choice; resolves when no crash can undo that. */
  note(directory: string): Promise<void>;
  /** What the definition of a service says; undefined where it says nothing. */
  limitsOf(service: string): CgroupLimits | false | undefined;
  /** Whether a service of that name is not stopped, or has left processes behind. */
  isUsed(service: string): boolean;
  /** The kernel has killed processes of a service for want of memory; the service may run on. */
  ranOut(service: string, kills: number): void;
  report(message: string): void;
}

/** No file that the kernel makes in a cgroup has this end: `memory.max` may be a service's name. */
const suffix = ".service";

/** The name of a service's cgroup; undefined for what is no service's name. */
export function cgroupName(service: string): string | undefined {
  return isName(service) ? `${service}${suffix}` : undefined;
}

/** The service of a cgroup of that name; undefined where it is none of ours. */
export function serviceOf(name: string): string | undefined {
  if (!name.endsWith(suffix)) return undefined;
  const service = name.slice(0, -suffix.length);
  return isName(service) ? service : undefined;
}

/** How often, and after how many ms, a cgroup that nothing lives in is removed again where the kernel is not done yet. */
const removals = { attempts: 10, pause: 20 } as const;

export class Cgroups {
  readonly #parts: CgroupParts;
  #place: Occupation | undefined;
  #directory = "";
  #trouble = "they have not been looked for yet";
  /** The services whose cgroups exist. */
  readonly #made = new Set<string>();
  /** Those that were started without one; where it exists nevertheless it holds what an earlier start has left behind. */
  readonly #outside = new Set<string>();
  /** What is under way for a service's cgroup; one thing after the other. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** Those that wait for the last process in a cgroup of a service that is stopped. */
  readonly #waiting = new Map<string, FSWatcher>();
  readonly #memory: MemoryWatch;

  constructor(parts: CgroupParts) {
    this.#parts = parts;
    this.#memory = new MemoryWatch((service, kills) => parts.ranOut(service, kills));
  }

  /** Finds and prepares our part of the hierarchy, if there is one; never rejects. */
  async open(): Promise<void> {
    const { keeper, noted, note } = this.#parts;
    try {
      const directory = noted ?? (await findPlace(keeper));
      // Before anything is made there: the next daemon, of a keeper that has moved, could not tell.
      if (noted === undefined) await note(directory);
      this.#place = await occupy(directory, keeper);
      this.#directory = directory;
      for (const name of await cgroupsIn(this.#place.services)) {
        const service = serviceOf(name);
        if (service !== undefined) this.#made.add(service);
      }
    } catch (error) {
      this.#place = undefined;
      this.#trouble = error instanceof NoCgroups ? error.message : `use cgroup2: ${errorText(error)}`;
    }
  }

  /** Goes on, once the services are there again, with what an earlier daemon has left: some are stopped or no more. */
  resume(): void {
    for (const service of this.#made) {
      const limits = this.#parts.limitsOf(service);
      const path = this.#path(service);
      if (!this.#parts.isUsed(service)) this.release(service);
      else if (limits === false) this.#outside.add(service);
      else if (path !== undefined)
        this.#watchMemory(service, path, limits).catch((error: unknown) =>
          this.#parts.report(errorText(error)),
        );
    }
  }

  /** Others are killed only with the whole machine in want, which the kernel's log tells. */
  async #watchMemory(service: string, path: string, limits: CgroupLimits | undefined): Promise<void> {
    if (limits?.memoryMax !== undefined) await this.#memory.begin(service, path);
    else this.#memory.end(service);
  }

  /** A service whose limit of memory is watched in this process, if there is one. */
  get watched(): string | undefined {
    return this.#memory.any;
  }

  /** What `herd status root` says: where they are, or why there are none. */
  get description(): string {
    if (this.#place === undefined) return `none (${this.#trouble})`;
    const { missing } = this.#place;
    const there = controllers.filter((controller) => !missing.has(controller));
    return `${this.#directory} (${there.length === 0 ? "no controllers" : there.join(", ")})`;
  }

  /** The directory of a service's cgroup, while it has one. */
  pathOf(service: string): string | undefined {
    return this.#made.has(service) && !this.#outside.has(service) ? this.#path(service) : undefined;
  }

  #path(service: string): string | undefined {
    const name = cgroupName(service);
    return this.#place === undefined || name === undefined ? undefined : join(this.#place.services, name);
  }

  /**
   * Makes the cgroup of a service that is starting, unless its definition wants none. Resolves with what of that failed: the
   * service starts nevertheless.
   * @param isNew whether nothing of this start exists yet, so that limits and counts begin anew
   */
  async prepare(service: string, isNew: boolean): Promise<readonly string[]> {
    const limits = this.#parts.limitsOf(service);
    if (limits === false) {
      if (this.#made.has(service)) this.#outside.add(service);
      this.#memory.end(service);
      return [];
    }
    this.#outside.delete(service);
    const path = this.#path(service);
    if (path === undefined) return this.#notApplied(await this.#unapplied(service, limits));
    return await this.#queue(service, async () => {
      this.#stopWaiting(service);
      try {
        if (isNew && this.#made.has(service) && (await removeCgroup(path))) this.#made.delete(service);
        const fresh = await makeCgroup(path);
        this.#made.add(service);
        const failures = await applyLimits(path, limits ?? {}, !fresh);
        await this.#watchMemory(service, path, limits);
        return [...failures, ...this.#notApplied(await this.#unapplied(service, limits))];
      } catch (error) {
        return [`has no cgroup: ${errorText(error)}`];
      }
    });
  }

  #notApplied(limits: readonly string[]): string[] {
    return limits.length === 0 ? [] : [`limits not applied: ${limits.join(", ")}`];
  }

  async #unapplied(service: string, limits: CgroupLimits | undefined): Promise<string[]> {
    if (limits === undefined || settingsOf(limits).length === 0) return [];
    const why = (controller: string): string =>
      this.#place === undefined
        ? `no cgroups here: ${this.#trouble}`
        : (this.#place.missing.get(controller) ?? "this kernel has none");
    return await unapplied(this.pathOf(service), limits, why);
  }

  /** Removes the cgroup of a service that is stopped, as soon as nothing lives in it. */
  release(service: string): void {
    const path = this.#made.has(service) ? this.#path(service) : undefined;
    if (path === undefined || this.#parts.isUsed(service)) return;
    this.#queue(service, () => this.#remove(service, path)).catch((error: unknown) =>
      this.#parts.report(`remove cgroup ${path}: ${errorText(error)}`),
    );
  }

  async #remove(service: string, path: string): Promise<void> {
    for (let attempt = 0; attempt < removals.attempts; attempt += 1) {
      // It may have been started again meanwhile.
      if (this.#parts.isUsed(service)) return;
      if (await removeCgroup(path)) {
        this.#made.delete(service);
        this.#outside.delete(service);
        this.#stopWaiting(service);
        this.#memory.end(service);
        return;
      }
      if (await isPopulated(path)) {
        this.#wait(service, path);
        return;
      }
      await delay(removals.pause);
    }
    this.#parts.report(`remove cgroup ${path}: it stays busy although nothing lives in it`);
  }

  /** A service may leave processes running on purpose: their cgroup goes with the last of them. */
  #wait(service: string, path: string): void {
    if (this.#waiting.has(service)) return;
    const again = (): void => this.release(service);
    try {
      const watcher = watch(join(path, "cgroup.events"), { persistent: false }, again);
      watcher.on("error", () => this.#stopWaiting(service));
      this.#waiting.set(service, watcher);
    } catch (error) {
      this.#parts.report(`watch ${path}/cgroup.events: ${errorText(error)}; the cgroup is left`);
      return;
    }
    // What ended before it was watched.
    again();
  }

  #stopWaiting(service: string): void {
    this.#waiting.get(service)?.close();
    this.#waiting.delete(service);
  }

  /** How many processes of a service the kernel has killed for want of memory since it was started. */
  async oomKills(service: string): Promise<number> {
    const path = this.pathOf(service);
    return path === undefined ? 0 : ((await oomKills(path)) ?? 0);
  }

  /** What a service uses at present; undefined where it has no cgroup. */
  async briefUsageOf(service: string): Promise<Resources | undefined> {
    const path = this.pathOf(service);
    return path === undefined ? undefined : await briefUsageOf(path);
  }

  /** What a service uses, and which of its limits are not in force; undefined where there is nothing to say. */
  async resourcesOf(service: string): Promise<Resources | undefined> {
    const path = this.pathOf(service);
    const limits = this.#parts.limitsOf(service);
    const isUsed = this.#parts.isUsed(service);
    const notApplied =
      !isUsed || limits === false ? [] : await this.#unapplied(service, limits).catch(() => []);
    if (path === undefined && notApplied.length === 0) return undefined;
    const usage = path === undefined ? {} : { cgroup: path, ...(await usageOf(path)) };
    return { ...usage, ...(notApplied.length === 0 ? {} : { notApplied }) };
  }

  #queue<T>(service: string, work: () => Promise<T>): Promise<T> {
    const last = this.#queues.get(service) ?? Promise.resolve();
    const next = last.then(work, work);
    const over = next.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(service, over);
    over
      .then(() => {
        if (this.#queues.get(service) === over) this.#queues.delete(service);
      })
      .catch(() => undefined);
    return next;
  }
}
