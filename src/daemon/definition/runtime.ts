// The public API's way to the daemon it runs in, and the collector of what a module registers while it is loaded.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Status } from "../controller/state.js";
import type { RotationPolicy } from "../logs/rotation-policy.js";
import type { BuiltinStart, BuiltinStop, RunningValue, ServiceDefinition } from "./types.js";

/** What the daemon does for user code. */
export interface Runtime {
  runStart(data: BuiltinStart): Promise<RunningValue>;
  runStop(data: BuiltinStop, value: RunningValue): Promise<unknown>;
  registerServices(definitions: readonly ServiceDefinition[]): void;
  startInTheBackground(names: readonly string[]): void;
  startService(name: string, args: readonly string[]): Promise<boolean>;
  stopService(name: string, args: readonly string[]): Promise<string[]>;
  lookupService(name: string): ServiceSummary | undefined;
  clientCommand(): ClientCommand | undefined;
  launchService(definition: ServiceDefinition): Promise<boolean>;
  unusedServiceName(stem: string): string;
  updateRunningValue(name: string, value: RunningValue): void;
  triggerTimer(name: string): boolean;
  files(): SupervisorFiles;
  statistics(): SupervisorStatistics;
  rotateLogs(policy: RotationPolicy): Promise<void>;
  logFiles(): readonly LoggedTo[];
}

/** What `logFiles` tells. */
export interface LoggedTo {
  /** An absolute name. */
  readonly file: string;
  /** The canonical name of the service whose lines go there. */
  readonly service: string;
}

/** What a client sent for the action that is being served. */
export interface ClientCommand {
  /** Its arguments up to the first keyword. */
  readonly words: readonly string[];
  /** The value of each keyword by its name: a string, or a list of strings. */
  readonly keywords: ReadonlyMap<string, string | readonly string[]>;
  /** The client's working directory, as it says. */
  readonly directory: string;
}

/** What `supervisorFiles` tells: absolute names. */
export interface SupervisorFiles {
  /** The control socket, to which `herd` connects. */
  readonly controlSocket: string;
  /** The Node that runs the supervisor. */
  readonly node: string;
  /** The directory of the supervisor's programs. */
  readonly programs: string;
}

/** What `supervisorStatistics` tells. */
export interface SupervisorStatistics {
  /** Every name that a registered service answers to. */
  readonly serviceNames: number;
  /** Processes of services that live, without those that they have made. */
  readonly processes: number;
  /** Bytes of the JavaScript heap in use. */
  readonly heapUsed: number;
}

/** What `lookupService` tells. */
export interface ServiceSummary {
  /** The canonical name. */
  readonly name: string;
  readonly status: Status;
  /** A disabled service cannot be started. */
  readonly enabled: boolean;
  /** Undefined unless it runs. */
  readonly value: RunningValue | undefined;
}

let installed: Runtime | undefined;

export function setRuntime(runtime: Runtime): void {
  installed = runtime;
}

/** Throws outside a daemon. */
export function runtime(): Runtime {
  if (installed === undefined)
    throw new Error("this can only be called inside shepherd, not by a program of its own");
  return installed;
}

/** What a module registered. */
export interface Collected {
  readonly services: ServiceDefinition[];
  readonly toStart: string[];
}

interface Load extends Collected {
  state: "loading" | "loaded" | "failed";
}

const loads = new AsyncLocalStorage<Load>();

/** Runs `body`, which evaluates a module, and keeps what it registers from coming into force by itself. */
export async function collectDuring<T>(body: () => Promise<T>): Promise<Collected & { readonly result: T }> {
  const load: Load = { services: [], toStart: [], state: "loading" };
  try {
    const result = await loads.run(load, body);
    load.state = "loaded";
    return { services: load.services, toStart: load.toStart, result };
  } catch (error) {
    load.state = "failed";
    throw error;
  }
}

/**
 * The module load that the caller is part of. Timers and listeners that a module left behind still belong to its load:
 * once it is over they speak to the daemon like anybody else, and throw if it failed.
 */
export function currentLoad(): Collected | undefined {
  const load = loads.getStore();
  if (load?.state === "failed") throw new Error("the module that this belongs to could not be loaded");
  return load?.state === "loading" ? load : undefined;
}
