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
  /** Of a unit; rejects with why it failed. */
  reloadService(name: string): Promise<void>;
  files(): SupervisorFiles;
  statistics(): SupervisorStatistics;
  rotateLogs(policy: RotationPolicy): Promise<void>;
  logFiles(): readonly LoggedTo[];
  /** Absent where there is no daemon, as in tests of what does not need one. */
  readonly units?: UnitOperations;
}

/** What the reader of systemd units asks of the daemon. */
export interface UnitOperations {
  /** Whether the keeper is PID 1: the system is ours to set up. */
  readonly init: boolean;
  /** Runs a program to its end, in an environment of its own; its output is cut at a bound. */
  runProgram(argv: readonly [string, ...string[]], options: ProgramOptions): Promise<ProgramOutcome>;
  /**
   * Evaluates the modules that read units anew: a unit that changed gets its new definition, when it stops at the latest;
   * a new one is registered and not started; one that is gone runs until it stops. Resolves with what was done, in lines.
   */
  reread(): Promise<readonly string[]>;
  /**
   * Puts definitions that are in no module into force, those of them that differ from what is, and gives up those of units
   * that are gone, by the services' names; nothing is started or stopped. Gives what was done, in lines.
   */
  renew(definitions: readonly ServiceDefinition[], gone: readonly string[]): readonly string[];
  /** All services that systemd units became. */
  list(): readonly UnitSummary[];
  /** All names of other services. */
  otherNames(): readonly string[];
}

export interface ProgramOptions {
  /** `NAME=VALUE`; nothing else is in the program's environment. */
  readonly environment: readonly string[];
  /** Seconds until it is killed. */
  readonly timeout: number;
}

export interface ProgramOutcome {
  /** The exit code; 128 and more where a signal ended it. */
  readonly status: number;
  /** Standard output and error. */
  readonly output: string;
}

export interface UnitSummary extends ServiceSummary {
  /** The unit's name with its suffix. */
  readonly unit: string;
  /** All names of the service. */
  readonly provision: readonly string[];
  readonly description: string;
  /** Whether its definition is in no module: it was loaded on demand. */
  readonly onDemand: boolean;
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

/**
 * Why a module is evaluated. `start`: it is the first thing that the supervisor does. `load`: somebody asks for it.
 * `reread`: what it reads besides has changed. `resume`: what was in force is put into force again in a new daemon.
 */
export type LoadPurpose = "start" | "load" | "reread" | "resume";

/** What a module registered. */
export interface Collected {
  readonly purpose: LoadPurpose;
  readonly services: ServiceDefinition[];
  readonly toStart: string[];
  /** Lines for the log, once the module is in force. */
  readonly notices: string[];
  /** Whether its definitions come from unit files too, which may change without it. */
  readsUnits: boolean;
}

interface Load extends Collected {
  state: "loading" | "loaded" | "failed";
}

const loads = new AsyncLocalStorage<Load>();
/** Loads that are under way, and those that failed. */
let remembered = 0;

/** Runs `body`, which evaluates a module, and keeps what it registers from coming into force by itself. */
export async function collectDuring<T>(
  body: () => Promise<T>,
  purpose: LoadPurpose = "load",
): Promise<Collected & { readonly result: T }> {
  const load: Load = {
    purpose,
    services: [],
    toStart: [],
    notices: [],
    readsUnits: false,
    state: "loading",
  };
  remembered += 1;
  try {
    const result = await loads.run(load, body);
    load.state = "loaded";
    remembered -= 1;
    // Where there is no such storage in use, promises cost half.
    if (remembered === 0) loads.disable();
    const { services, toStart, notices, readsUnits } = load;
    return { purpose, services, toStart, notices, readsUnits, result };
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
