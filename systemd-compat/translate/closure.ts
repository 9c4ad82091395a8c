// Which units come along with those that are asked for: all that they need, want or start, each with its dependencies.

import { isTemplate, parseUnitName, templateOf, withInstance, withType } from "../names.js";
import type { Unit } from "../unit.js";
import { connectionInstance } from "./context.js";
import {
  addDependencies,
  hasDefaults,
  impliedDependencies,
  inverseDependencies,
  noDependencies,
  statedDependencies,
  type UnitDependencies,
} from "./dependencies.js";
import type { UnitLoader } from "./loader.js";
import { hasNothingToDo, isLookedAt, isMachineUnit } from "./machine-units.js";
import { isMachinesEnd, isMilestone } from "./standard-targets.js";
import { isTrigger, triggeredUnit } from "./triggers.js";

/** More are no system, but a mistake that makes units without end, such as an instance that wants another one. */
const mostUnits = 5000;

export interface ClosureOptions {
  /** Full names of units. */
  readonly asked: readonly string[];
  /** Whether milestones, such as `sockets.target`, start what they consist of; else only those that are asked for do. */
  readonly boots: boolean;
}

/** A unit that comes along. */
export interface Member {
  readonly unit: Unit;
  /** All names are those that units have themselves, as far as they are known. */
  readonly dependencies: UnitDependencies;
}

export interface Closure {
  /** By their own names, those that were asked for first. */
  readonly members: ReadonlyMap<string, Member>;
  /** What the services of connections need, by the names of the socket units that accept them. */
  readonly connections: ReadonlyMap<string, ConnectionNeeds>;
  /** Own names of units that are left to the machine, though something wants or requires them. */
  readonly left: readonly string[];
  /** Whether there were more than can be. */
  readonly cut: boolean;
}

/** Own names of units. */
export interface ConnectionNeeds {
  readonly requires: readonly string[];
  readonly wants: readonly string[];
}

/** How a name is meant: without what is `needed` a unit cannot start. */
type Need = "needed" | "wanted" | "named";

export async function closureOf(loader: UnitLoader, options: ClosureOptions): Promise<Closure> {
  const gathering = new Gathering(loader, options);
  await gathering.run();
  return gathering.result();
}

class Gathering {
  readonly #loader: UnitLoader;
  readonly #options: ClosureOptions;
  readonly #asked: ReadonlySet<string>;
  readonly #members = new Map<string, Member>();
  readonly #connections = new Map<string, ConnectionNeeds>();
  readonly #left = new Set<string>();
  readonly #queue: Unit[] = [];
  #cut = false;

  constructor(loader: UnitLoader, options: ClosureOptions) {
    this.#loader = loader;
    this.#options = options;
    this.#asked = new Set(options.asked);
  }

  async run(): Promise<void> {
    for (const name of this.#asked) {
      const unit = await this.#loader.loadNamed(name);
      if (unit !== undefined) this.#add(unit);
    }
    for (let unit = this.#queue.shift(); unit !== undefined; unit = this.#queue.shift())
      await this.#follow(unit);
  }

  result(): Closure {
    this.#invert();
    this.#orderTargets();
    return {
      members: this.#members,
      connections: this.#connections,
      left: [...this.#left].sort(),
      cut: this.#cut,
    };
  }

  #add(unit: Unit): void {
    if (this.#members.has(unit.name.full)) return;
    if (this.#members.size >= mostUnits) {
      this.#cut = true;
      return;
    }
    this.#members.set(unit.name.full, { unit, dependencies: noDependencies() });
    this.#queue.push(unit);
  }

  /** Takes up what one unit depends on, and notes its dependencies under their units' own names. */
  async #follow(unit: Unit): Promise<void> {
    const { dependencies } = this.#members.get(unit.name.full) ?? { dependencies: noDependencies() };
    // One that cannot be started needs nothing.
    if (unit.state !== "loaded" || isTemplate(unit.name)) return;
    const stated = statedDependencies(unit);
    addDependencies(stated, impliedDependencies(unit));
    await this.#prefetch(stated);
    for (const kind of ["requires", "bindsTo"] as const)
      for (const name of stated[kind])
        if (await this.#take(name, "needed", unit)) dependencies[kind].add(this.#loader.ownName(name));
    for (const kind of ["wants", "upholds"] as const)
      for (const name of stated[kind])
        if (await this.#take(name, "wanted", unit)) dependencies[kind].add(this.#loader.ownName(name));
    for (const kind of ["onFailure", "onSuccess"] as const)
      for (const name of stated[kind])
        if (await this.#take(name, "named", unit)) dependencies[kind].add(this.#loader.ownName(name));
    if (isTrigger(unit)) await this.#takeTriggered(unit.name.full, triggeredUnit(unit));
    for (const name of stated.requisite)
      if (!(await this.#isReached(name))) dependencies.requisite.add(this.#loader.ownName(name));
    for (const kind of [
      "after",
      "before",
      "conflicts",
      "partOf",
      "propagatesReloadTo",
      "propagatesStopTo",
    ] as const)
      for (const name of stated[kind]) dependencies[kind].add(name);
  }

  /** Files are read at the same time, though what they say is looked at in order. */
  async #prefetch({ requires, bindsTo, wants, upholds }: UnitDependencies): Promise<void> {
    const names = [...requires, ...bindsTo, ...wants, ...upholds].filter((name) => !isMilestone(name));
    await Promise.all(names.map((name) => this.#loader.loadNamed(name)));
  }

  /** Whether a name becomes a dependency; if it does, its unit comes along. */
  async #take(full: string, need: Need, of: Unit): Promise<boolean> {
    if (await this.#isReached(full)) return false;
    const name = parseUnitName(full);
    if (name === undefined || (isLookedAt(name.type) && need !== "needed")) return false;
    const unit = await this.#loader.load(name);
    if (unit.state === "not-found") {
      // Whoever has a name on the bus can do without where there is no bus at all.
      const isBus = full === "dbus.socket" && of.unit.Requires?.includes(full) !== true;
      if (need !== "needed" || isBus) return false;
    }
    this.#add(unit);
    return this.#members.has(unit.name.full);
  }

  /** Whether there is nothing to be done for a unit, since it is the machine's, or counts as reached. */
  async #isReached(full: string): Promise<boolean> {
    if (this.#asked.has(full)) return false;
    const name = parseUnitName(full);
    if (name === undefined || hasNothingToDo(name.type) || isMachinesEnd(full)) return true;
    if (isMilestone(full)) return !this.#options.boots;
    const unit = await this.#loader.load(name);
    if (this.#asked.has(unit.name.full)) return false;
    const started = isTrigger(unit) ? await this.#loader.loadNamed(triggeredUnit(unit)) : undefined;
    if (!isMachineUnit(unit, started)) return false;
    this.#left.add(unit.name.full);
    return true;
  }

  /** What a socket, a timer or a path starts is there to be started, and the service of a connection to be made. */
  async #takeTriggered(trigger: string, full: string): Promise<void> {
    const name = parseUnitName(full);
    if (name === undefined) return;
    if (isTemplate(name)) {
      const unit = await this.#loader.load(withInstance(name, connectionInstance));
      if (unit.state === "loaded") this.#connections.set(trigger, await this.#needsOf(unit));
    } else {
      const unit = await this.#loader.load(name);
      // Whoever asks for a trigger of a machine's unit wants that one.
      if (this.#asked.has(trigger) || !(await this.#isReached(full))) this.#add(unit);
    }
  }

  /** What the service of a connection needs; what has another name for each of them is nothing that there could be by now. */
  async #needsOf(unit: Unit): Promise<ConnectionNeeds> {
    const { requires, bindsTo, wants, upholds } = statedDependencies(unit);
    const taken = async (names: readonly string[], need: Need): Promise<readonly string[]> => {
      const own = new Set<string>();
      for (const name of names)
        if (!name.includes(connectionInstance) && (await this.#take(name, need, unit)))
          own.add(this.#loader.ownName(name));
      return [...own];
    };
    return {
      requires: await taken([...requires, ...bindsTo], "needed"),
      wants: await taken([...wants, ...upholds], "wanted"),
    };
  }

  /** What units say of others that these do, is added to the others. */
  #invert(): void {
    for (const { unit } of this.#members.values()) {
      const { reloadPropagatedFrom, stopPropagatedFrom } = inverseDependencies(unit);
      const { full } = unit.name;
      for (const name of reloadPropagatedFrom) this.#of(name)?.propagatesReloadTo.add(full);
      for (const name of stopPropagatedFrom) this.#of(name)?.propagatesStopTo.add(full);
    }
  }

  /** A target is reached after what it consists of, unless either of them says otherwise. */
  #orderTargets(): void {
    for (const { unit, dependencies } of this.#members.values()) {
      if (unit.type !== "target" || !hasDefaults(unit)) continue;
      const { requires, wants, bindsTo, requisite, before } = dependencies;
      for (const name of [...requires, ...wants, ...bindsTo, ...requisite]) {
        const other = this.#members.get(name);
        if (other === undefined || !hasDefaults(other.unit)) continue;
        if (!before.has(name) && !this.#isAfter(other, unit)) dependencies.after.add(name);
      }
    }
  }

  /** Whether the one says that it comes after the other. */
  #isAfter({ dependencies }: Member, { name, aliases }: Unit): boolean {
    return [name.full, ...aliases].some((one) => dependencies.after.has(one));
  }

  #of(name: string): UnitDependencies | undefined {
    return this.#members.get(this.#loader.ownName(name))?.dependencies;
  }
}

/** The socket units whose sockets a service gets if they are open: those that it names, those that start it, its namesake. */
export function socketsOf(
  unit: Unit,
  members: Iterable<Member>,
  hasFile: (name: string) => boolean,
): string[] {
  if (unit.type !== "service") return [];
  const names = new Set(unit.service.Sockets);
  const own = new Set([unit.name.full, ...unit.aliases]);
  for (const { unit: other } of members)
    if (other.type === "socket" && own.has(triggeredUnit(other))) names.add(other.name.full);
  const namesake = withType(unit.name, "socket");
  if (hasFile(namesake.full) || hasFile(templateOf(namesake)?.full ?? "")) names.add(namesake.full);
  return [...names].sort();
}
