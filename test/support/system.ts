// A system over a fake keeper, for unit tests of what the daemon does with services.

import { stat } from "node:fs/promises";
import type { LogStreams } from "../../src/daemon/constructors/host.js";
import {
  builtin,
  type Constructor,
  type Destructor,
  type ForkexecOptions,
  type ServiceDefinition,
} from "../../src/daemon/definition/types.js";
import { Request } from "../../src/daemon/request.js";
import { System, type SystemHooks, type SystemParts } from "../../src/daemon/system.js";
import { FakeKeeper, type FakeKeeperOptions } from "./fake-keeper.js";

export interface TestSystem {
  readonly system: System;
  readonly keeper: FakeKeeper;
  /** What was logged. */
  readonly lines: string[];
  /** Names of services that ended and stay so. */
  readonly settled: string[];
}

/** The log streams of a system that has no log writer. */
export const noLogs: LogStreams = {
  open: async () => undefined,
  begin: async () => ({ open: async () => undefined }),
  label: () => undefined,
  pid: undefined,
  successionOf: () => undefined,
  systemLogOf: () => undefined,
  openSystemLog: async () => undefined,
  closeSystemLog: () => undefined,
  ended: () => undefined,
  keepWithin: () => undefined,
};

/**
 * @param keeper the keeper of an earlier system: the daemon died, and this is the next one
 * @param prepare what is done once the definitions are registered, before the services are taken over
 */
export function testSystem(
  definitions: readonly ServiceDefinition[],
  keeper = new FakeKeeper(),
  prepare: (system: System) => void = () => undefined,
  parts: Partial<SystemParts> = {},
): TestSystem {
  const test = emptySystem(keeper, {}, parts);
  test.system.registry.register(definitions);
  prepare(test.system);
  test.system.resume();
  return test;
}

/** A system that has no services yet, and has not taken over what an earlier one left. */
export function emptySystem(
  keeper: FakeKeeper,
  hooks: Partial<SystemHooks> = {},
  parts: Partial<SystemParts> = {},
): TestSystem {
  const lines: string[] = [];
  const settled: string[] = [];
  const log = (line: string): void => {
    lines.push(line);
  };
  const system = new System(
    {
      keeper,
      log: { info: log, error: (line) => log(`error: ${line}`) },
      logs: noLogs,
      environment: ["PATH=/bin"],
      directory: "/",
      resolveIdentity: async () => ({}),
      ...parts,
    },
    {
      settled: ({ name }) => settled.push(name),
      over: () => undefined,
      forgotten: () => undefined,
      replaced: () => undefined,
      ...hooks,
    },
  );
  keeper.onEvent((event) => system.handleEvent(event));
  return { system, keeper, lines, settled };
}

export function fakeKeeper(options?: FakeKeeperOptions): FakeKeeper {
  return new FakeKeeper(options);
}

/** A request of a client that keeps its lines. */
export function client(): Request {
  return new Request(() => undefined);
}

/** A definition with the defaults of `service`. */
export function definition(provision: string, options: Partial<ServiceDefinition> = {}): ServiceDefinition {
  const [first = "", ...rest] = provision.split(" ");
  return {
    provision: [first, ...rest],
    requirement: [],
    oneShot: false,
    transient: false,
    respawn: false,
    respawnLimit: { times: 5, seconds: 7 },
    respawnDelay: 0,
    start: () => true,
    stop: () => false,
    retryable: false,
    actions: [],
    autoStart: true,
    documentation: "",
    ...options,
  };
}

const unreachable = (): never => {
  throw new Error("a built-in constructor is run by its data");
};

/** makeForkexecConstructor, as data. */
export function forkexec(...command: [string, ...string[]]): Constructor {
  return carriedForkexec(command);
}

/** The same, with its options. */
export function carriedForkexec(
  command: readonly [string, ...string[]],
  options: ForkexecOptions = {},
): Constructor {
  return Object.assign(() => unreachable(), { [builtin]: { kind: "forkexec", command, options } as const });
}

/** makeKillDestructor, as data. */
export function kill(gracePeriod = 5): Destructor {
  return Object.assign(() => unreachable(), {
    [builtin]: { kind: "kill", signal: 15, gracePeriod } as const,
  });
}

/** Lets everything that is ready happen, and what waits for a file, which is read by threads that may be kept waiting. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await stat("/");
  }
}
