// The daemon's death at every instant, over a fake keeper: what the next daemon makes of what is left.

import assert from "node:assert/strict";
import type { LoadedConfiguration } from "../../src/daemon/configuration/load.js";
import { isProcess } from "../../src/daemon/controller/running-value.js";
import { isReload, type ServiceState, type Status } from "../../src/daemon/controller/state.js";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { InForce } from "../../src/daemon/in-force.js";
import type { Name } from "../../src/daemon/keeper/types.js";
import { decodeNote } from "../../src/daemon/notes-format.js";
import type { System, SystemParts } from "../../src/daemon/system.js";
import { isTimer } from "../../src/daemon/timers/state.js";
import type { FakeKeeper, FakeKeeperOptions } from "./fake-keeper.js";
import {
  client,
  definition,
  emptySystem,
  fakeKeeper,
  forkexec,
  kill,
  settle,
  type TestSystem,
  testSystem,
} from "./system.js";

/** How long, in ms, something may take; only a failure takes that long. */
const patience = 5_000;

const servicePrefix = "service/";

// What tests look at

/** A service of one program, which has its canonical name. */
export function program(provision: string, options: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return definition(provision, {
    start: forkexec(`/bin/${provision.split(" ")[0]}`),
    stop: kill(),
    ...options,
  });
}

export function stateOf({ system }: { readonly system: System }, name: string): ServiceState {
  return system.registry.get(name).state;
}

/** Raw wait statuses, newest first. */
export function exitsOf(test: { readonly system: System }, name: string): readonly number[] {
  return stateOf(test, name).exitStatuses.map(({ status }) => status);
}

/** Each service with its status, in the order in which they were registered. */
export function servicesOf({ system }: { readonly system: System }): readonly string[] {
  return system.registry.controllers.map(({ name, state }) => `${name} ${state.status}`);
}

/** The keeper's children, with the signals that each was sent. */
export function childrenOf({ children }: FakeKeeper): readonly (readonly [Name, readonly number[]])[] {
  return children.map(({ id, signals }) => [id, signals.map(({ signal }) => signal)]);
}

/** What the keeper has noted of a service. */
export function notedState({ notes }: FakeKeeper, name: string): Partial<ServiceState> | undefined {
  const key = `${servicePrefix}${name}`;
  const bytes = notes.get(key);
  return bytes === undefined ? undefined : (decodeNote(key, bytes) as Partial<ServiceState>);
}

// Waiting

/** Lets things happen, without any wait between, until a condition holds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + patience;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await settle();
  }
}

/** Waits until nothing is under way in a system, nor due. One that comes to no rest is left to `faultsOf`. */
export async function rest(test: TestSystem): Promise<void> {
  const { requests } = test.keeper;
  const deadline = Date.now() + patience;
  let before: number;
  do {
    before = requests.length;
    await settle();
  } while ((requests.length > before || unrestOf(test).length > 0) && Date.now() < deadline);
}

function unrestOf({ system, keeper }: TestSystem): readonly string[] {
  const unrest = system.registry.controllers.flatMap(({ name, state }) => [
    ...(state.status === "starting" || state.status === "stopping" ? [`${name} is ${state.status}`] : []),
    ...(state.wanted === undefined ? [] : [`a ${state.wanted} of ${name} stays wanted`]),
    ...(state.respawnAt === undefined ? [] : [`${name} is still to be respawned`]),
    ...(state.processes.some(isReload) ? [`the reload of ${name} stays under way`] : []),
    ...(state.undecided ? [`what follows the end of ${name} stays undecided`] : []),
    ...(state.leaders.length === 0 ? [] : [`what ${name} left behind stays`]),
    ...(state.status === "running" && isProcess(state.value) && state.mainStatus !== undefined
      ? [`whether another process takes the place of ${name}'s stays undecided`]
      : []),
  ]);
  const orphanNotes = [...keeper.notes.keys()]
    .filter((key) => key.startsWith(servicePrefix))
    .filter((key) => system.registry.find(key.slice(servicePrefix.length)) === undefined)
    .map((key) => `the note ${key} stays`);
  const events = keeper.unacknowledged.map(({ type }) => `${type} stays unacknowledged`);
  return [...unrest, ...orphanNotes, ...events];
}

// Dying

/** The keeper as it was at each instant from the given one on, with what went before it. */
export function* deaths(
  keeper: FakeKeeper,
  from = 0,
): Generator<{ readonly left: FakeKeeper; readonly after: string }> {
  const { instants } = keeper;
  for (const [index, what] of instants.entries())
    if (index >= from) yield { left: keeper.at(index), after: `${index} of ${instants.length}: ${what}` };
}

/** Something that a system does, and how that must end whenever the daemon dies. */
export interface Scenario {
  readonly definitions: readonly ServiceDefinition[];
  readonly keeper?: FakeKeeperOptions;
  readonly prepare?: (system: System) => void;
  /** Other surroundings than the usual ones, for each daemon. */
  readonly parts?: Partial<SystemParts>;
  /** What happens first, without a death. */
  readonly before?: (test: TestSystem) => Promise<unknown>;
  readonly act: (test: TestSystem) => Promise<unknown>;
  /** The status that each of these has in the end. */
  readonly ends: Readonly<Record<string, Status>>;
  /** What else is to be compared: the same at each end. */
  readonly look?: (test: TestSystem) => unknown;
}

/** The daemon dies at each instant of `act`, and the next one at each instant of its recovery: all comes to one end. */
export async function sweep({ definitions, prepare, parts, ...scenario }: Scenario): Promise<void> {
  const first = testSystem(definitions, fakeKeeper(scenario.keeper), prepare, parts);
  await scenario.before?.(first);
  await settle();
  const from = first.keeper.instants.length;
  await scenario.act(first);
  await rest(first);
  const expected = scenario.look?.(first);
  const faultsAt = (test: TestSystem, when: string): readonly string[] => {
    const faults = [...faultsOf(test, scenario.ends)];
    const seen = JSON.stringify(scenario.look?.(test));
    if (seen !== JSON.stringify(expected)) faults.push(`${seen} instead of ${JSON.stringify(expected)}`);
    return faults.map((fault) => `${when}: ${fault}`);
  };
  const found = [...faultsAt(first, "without a death")];
  for (const { left, after } of deaths(first.keeper, from)) {
    const second = testSystem(definitions, left, prepare, parts);
    await rest(second);
    found.push(...faultsAt(second, `killed after ${after}`));
    for (const again of deaths(left)) {
      const third = testSystem(definitions, again.left, prepare, parts);
      await rest(third);
      found.push(...faultsAt(third, `killed after ${after}; again after ${again.after}`));
    }
  }
  assert.deepEqual(found, []);
  assert.ok(first.keeper.instants.length > from, "the daemon has died at some instant");
}

/** What is wrong with a system that has come to rest. */
export function faultsOf(test: TestSystem, ends: Readonly<Record<string, Status>>): readonly string[] {
  const { system, keeper } = test;
  const processes = new Map<Name, string>();
  for (const { name, state } of system.registry.controllers)
    if (isProcess(state.value) && state.value.id !== "") processes.set(state.value.id, name);
    else if (isTimer(state.value)) for (const { id } of state.value.runs) processes.set(id, name);
  const living = new Set(keeper.children.map(({ id }) => id));
  const wrong = Object.entries(ends).flatMap(([name, status]) => {
    const { status: actual, failure = "no failure" } = system.registry.find(name)?.state ?? gone;
    return actual === status ? [] : [`${name} is ${actual}, not ${status} (${failure})`];
  });
  const lost = [...processes].filter(([id]) => !living.has(id)).map(([id, name]) => `${name} has lost ${id}`);
  const stray = [...living].filter((id) => !processes.has(id)).map((id) => `${id} belongs to nobody`);
  return [...wrong, ...lost, ...stray, ...unrestOf(test)];
}

const gone = { status: "gone", failure: undefined } as const;

// The configuration in force

/** Modules by what they are compiled to, which for a file that nobody has changed is its own name. */
export type Modules = Readonly<Record<string, readonly ServiceDefinition[]>>;

export interface TakeOver {
  /** Files that have changed, with what they are compiled to now. */
  readonly changed?: Readonly<Record<string, string>>;
  /** Whether it is the rescue daemon, which evaluates nothing. */
  readonly rescue?: boolean;
  /** What a module's compilation waits for. */
  readonly compiling?: (file: string) => Promise<void>;
}

export interface Daemon extends TestSystem {
  readonly force: InForce;
  /** Loads a module, and waits until all that it starts has been. */
  load(file: string): Promise<void>;
}

/** The first daemon, or one that takes over what an earlier one left, as daemon.ts does. */
export async function daemon(
  modules: Modules,
  keeper: FakeKeeper = fakeKeeper(),
  { changed = {}, rescue = false, compiling = async () => undefined }: TakeOver = {},
): Promise<Daemon> {
  let inForce: InForce | undefined;
  const test = emptySystem(keeper, {
    over: (controller) => inForce?.stopped(controller),
    forgotten: (controller) => inForce?.forget(controller),
    replaced: () => inForce?.note(),
  });
  const { system } = test;
  const log = (line: string): void => {
    test.lines.push(line);
  };
  system.registry.register([definition("root")]);
  const evaluate = async (file: string, compiled: string): Promise<LoadedConfiguration> => {
    const services = modules[compiled];
    if (services === undefined) throw new Error(`read ${compiled}: there is none`);
    const toStart = services.filter(({ autoStart }) => autoStart).map(({ provision: [name] }) => name);
    // Definitions are known by their identity: each evaluation makes its own.
    return { file, compiled, hash: compiled, services: services.map((one) => ({ ...one })), toStart };
  };
  const force = new InForce({
    system,
    root: system.registry.get("root"),
    read: async (file) => {
      await compiling(file);
      return await evaluate(file, changed[file] ?? file);
    },
    readCompiled: ({ file, compiled }) => evaluate(file, compiled),
    log: { info: log, error: (line) => log(`error: ${line}`) },
  });
  inForce = force;
  if (system.notes.system === undefined) {
    system.resume();
  } else {
    if (rescue) force.resumeWithoutCode();
    else await force.resume();
    system.registerNoted("which is lost");
    force.settle();
    system.resume();
  }
  const load = async (file: string): Promise<void> => {
    await force.load(file, client());
    await rest(test);
  };
  return { ...test, force, load };
}
