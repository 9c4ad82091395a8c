// What constructors and destructors need of the daemon, and what they are told of the start or stop they serve.

import type { Cgroups } from "../cgroups/cgroups.js";
import type { ConsolePlaces } from "../console/console.js";
import type { Leader, ServiceState } from "../controller/state.js";
import type { Deadlines } from "../deadlines.js";
import type { RelationKind } from "../definition/relations.js";
import type { ProcessOptions, RunningValue, ServiceDefinition } from "../definition/types.js";
import type { SpawnSpec, StandBy } from "../keeper/types.js";
import type { SizedPolicy } from "../logs/rotation-policy.js";
import type { SystemLogSetup } from "../logs/system-log.js";
import type { Outbox } from "../outbox.js";
import type { Child, End, Processes, Step } from "../processes.js";
import type { Readables } from "../readables.js";
import type { Attendant } from "../readiness/attendant.js";
import type { Strangers } from "../strangers.js";
import type { Instant } from "../timers/plan.js";
import type { Stamps } from "../timers/stamps.js";
import type { TimerProcedure } from "../timers/types.js";
import type { Places } from "../units/execution/places.js";
import type { UnitRun } from "../units/run.js";
import type { UnitData } from "../units/types.js";
import type { Sockets } from "./sockets.js";

/** Ids that a child gets; what is absent stays as the keeper's own. */
export interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** Whose they are, where the user has an entry. */
  readonly account?: { readonly name: string; readonly home: string };
}

export interface LogStream {
  /** The service's canonical name. */
  readonly name: string;
  /** The pipe's name in the keeper. */
  readonly pipe: string;
  /** The program's base name, which stands before its lines in the supervisor's log. */
  readonly program: string;
  /** The process whose lines they are, where there is one already. */
  readonly pid?: number;
  readonly file?: { readonly path: string; readonly uid?: number; readonly gid?: number };
}

/** A log stream of which the pipe is there. */
export interface LogOpening {
  /**
   * Has the lines read, as those of the process with that number; the second call gives what the first one did. Rejects
   * with an error that names the file and the reason.
   */
  open(pid: number): Promise<void>;
}

/** What the log writer is told of a process that takes another one's place. */
export type Succession = Required<Pick<StandBy, "through" | "messages" | "after" | "place">>;

/** The log writer, as far as constructors know it. */
export interface LogStreams {
  /** Its process, which is no service's; undefined while there is none. */
  readonly pid: number | undefined;
  /** Rejects with an error that names the file and the reason. */
  open(stream: LogStream): Promise<void>;
  /**
   * As `open`, but a stream without a file is left to what this resolves with: what is printed until then waits in the
   * pipe.
   */
  begin(stream: LogStream): Promise<LogOpening>;
  /** The service's process is over: what it wrote last is written, a line without its end too. */
  ended(name: string): void;
  /** Tells whose lines they are from now on. */
  label(name: string, program: string, pid: number): void;
  /**
   * What has to be told, and through what, when a process of a service has ended and the next one is spawned, so that lines
   * are not taken for the other one's; undefined while they are not read.
   */
  successionOf(name: string, program: string): Succession | undefined;
  /** The service whose log the system log is, if there is one. */
  systemLogOf(): string | undefined;
  /** Reads the system log's sources, and writes its files; rejects with an error that names the file and the reason. */
  openSystemLog(setup: SystemLogSetup): Promise<void>;
  /**
   * The service is to have its sockets closed: where it is the system log, what these hold is written first. Undefined for
   * every other service.
   */
  closeSystemLog(service: string): Promise<void> | undefined;
  /** What a service wants of all log files while it runs; undefined: nothing any more. */
  keepWithin(service: string, policy: SizedPolicy | undefined): void;
}

/** The services that a running service makes: one for each of its connections. */
export interface Offspring {
  /** Whether there is a service of this name, or anything left of one. */
  has(name: string): boolean;
  /** How many connections of a service are being served. */
  count(of: string): number;
  /** The data of the services that a socket unit has made for its connections and that still are there. */
  connections(of: string): readonly UnitData[];
  /** Registers a service and starts it; resolves with whether it runs. What it requires runs. */
  start(definition: ServiceDefinition): Promise<boolean>;
  areRunning(names: readonly string[]): boolean;
  /** Resolves with whether all of them run then. */
  startAll(names: readonly string[]): Promise<boolean>;
}

/** The states of all services, for those which start others. */
export interface States {
  /** By any of its names; undefined where there is no such service. */
  of(
    name: string,
  ):
    | { readonly name: string; readonly state: ServiceState; readonly definition: ServiceDefinition }
    | undefined;
  /**
   * Has `listener` called soon after the state of the service with this name has changed, or its definition; several changes
   * can be told at once. Gives what ends that.
   */
  watch(name: string, listener: () => void): () => void;
  /** Those that name the service with this name so, each once. */
  naming?(
    name: string,
    kind: RelationKind,
  ): readonly { readonly state: ServiceState; readonly definition: ServiceDefinition }[];
}

export interface Host {
  readonly cgroups: Cgroups;
  readonly outbox: Outbox;
  readonly processes: Processes;
  readonly deadlines: Deadlines;
  readonly readables: Readables;
  readonly sockets: Sockets;
  readonly offspring: Offspring;
  readonly states: States;
  readonly logs: LogStreams;
  /** The names of the descriptors that the keeper held when this daemon began. */
  readonly found: ReadonlySet<string>;
  /** The keeper's pid: orphans become its children. */
  readonly keeperPid: number;
  /** Those among its children that have no record. */
  readonly strangers: Strangers;
  /** Whether this is a container, and not all of a machine. */
  readonly isContainer: boolean;
  /** Tells this system's marks from those of every other one. */
  readonly markPrefix: string;
  /** What services inherit: the environment at the daemon's start, without what is between keeper and daemon. */
  readonly environment: readonly string[];
  readonly directory: string;
  /** When persistent timers ran last; absent where nothing is kept beyond the keeper's life. */
  readonly stamps?: Stamps;
  /** Where units have what they need; absent: where they have it on this system. */
  readonly unitPlaces?: Places;
  /** What makes terminals for services; absent in unit tests. */
  readonly consoles?: ConsolePlaces;
  /** What the clocks say. */
  instant(): Instant;
  resolveIdentity(options: ProcessOptions): Promise<Identity>;
  report(message: string): void;
}

export interface StartContext {
  /** The service's canonical name. */
  readonly name: string;
  /** Aborted when the start is cancelled: what was spawned must be ended then. */
  readonly signal: AbortSignal;
  /** Tells the client that asked. */
  say(line: string): void;
  /** Attends to the processes of the service, where the start is a constructor's and no function's. */
  readonly attendant: Attendant | undefined;
  /** The service's note, and what is written to it: of a service that is a unit. */
  readonly unit?: UnitRun;
  /**
   * Spawns a process that belongs to this start or stop; it is noted in the same step, so no crash separates the two.
   * @param step what else belongs to that step
   */
  spawn(id: string, spec: SpawnSpec, step?: Step): Child;
}

/** What is done for a service that runs without a process of its own. */
export interface Attendance {
  /** The service is not to be attended to any longer. */
  close(): void;
  /** Of a timer: runs its action now, and gives whether it does. */
  trigger?(): boolean;
  /** Of a timer: when it goes off next, in milliseconds since the epoch, at most `count` times. */
  alarms?(count: number): readonly number[];
}

export interface RunningContext {
  /** The service's canonical name. */
  readonly name: string;
  /** Attends to the process that is to come. */
  readonly attendant: Attendant;
  /** Spawns the process that is the running value from now on. */
  become(id: string, spec: SpawnSpec, command: readonly string[]): Child;
  /** The service cannot run on. */
  failed(reason: string): void;
  /** Nothing of the service runs any more, which is no failure. */
  ended(): void;
  /** The running value. */
  value(): RunningValue;
  /**
   * Gives the service another running value.
   * @param ended a process that `spawn` has made and that has ended: what it left behind is ended
   */
  change(value: RunningValue, ended?: Leader): void;
  /** Spawns a process beside the running value, which is ended with the service. */
  spawn(id: string, spec: SpawnSpec, onEnd: (end: End) => void): Child;
  /** As `spawn`, for a process that an earlier daemon has spawned; undefined where there is none of that name. */
  follow(id: string, onEnd: (end: End) => void): Child | undefined;
  /** The service has done what it is for, and is stopped. */
  finish(): void;
  log(line: string): void;
  /** The function that a timer calls, where it is there, and whether one that was interrupted may be called again. */
  readonly procedure: { readonly call: TimerProcedure; readonly retryable: boolean } | undefined;
}

/** A start that failed in a way that needs no stack trace: its message says stage, object and reason. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
}

/** The id of the process that a launcher leaves behind. */
export function mainOf(launcher: string): string {
  return `${launcher}/main`;
}

/** The id of the process that was spawned, be `child` that one or what it left behind. */
export function launcherOf(child: string): string {
  return child.replace(/(\/main)+$/, "");
}

/** The service that a child was made for: names have no `#`. */
export function ownerOf(child: string): string {
  return child.replace(/#[^#]*$/, "");
}

/** The mark of a child's descendants: the processes of one start share it, its adopted main process included. */
export function markOf(host: Pick<Host, "markPrefix">, child: string): string {
  return `${host.markPrefix}.${encodeURIComponent(launcherOf(child))}`;
}
