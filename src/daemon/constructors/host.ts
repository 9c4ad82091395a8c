// What constructors and destructors need of the daemon, and what they are told of the start or stop they serve.

import type { Deadlines } from "../deadlines.js";
import type { ProcessOptions, ServiceDefinition } from "../definition/types.js";
import type { SpawnSpec } from "../keeper/types.js";
import type { Outbox } from "../outbox.js";
import type { Child, Processes, Step } from "../processes.js";
import type { Readables } from "../readables.js";
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
  readonly file?: { readonly path: string; readonly uid?: number; readonly gid?: number };
}

/** The log writer, as far as constructors know it. */
export interface LogStreams {
  /** Rejects with an error that names the file and the reason. */
  open(stream: LogStream): Promise<void>;
  /** The service's process is over: what it wrote last is written, a line without its end too. */
  ended(name: string): void;
  /** Tells whose lines they are from now on. */
  label(name: string, program: string, pid: number): void;
}

/** The services that a running service makes: one for each of its connections. */
export interface Offspring {
  /** Whether there is a service of this name, or anything left of one. */
  has(name: string): boolean;
  /** How many connections of a service are being served. */
  count(of: string): number;
  /** Registers a service and starts it; resolves with whether it runs. What it requires runs. */
  start(definition: ServiceDefinition): Promise<boolean>;
  areRunning(names: readonly string[]): boolean;
  /** Resolves with whether all of them run then. */
  startAll(names: readonly string[]): Promise<boolean>;
}

export interface Host {
  readonly outbox: Outbox;
  readonly processes: Processes;
  readonly deadlines: Deadlines;
  readonly readables: Readables;
  readonly sockets: Sockets;
  readonly offspring: Offspring;
  readonly logs: LogStreams;
  /** The keeper's pid: orphans become its children. */
  readonly keeperPid: number;
  /** Tells this system's marks from those of every other one. */
  readonly markPrefix: string;
  /** What services inherit: the environment at the daemon's start, without what is between keeper and daemon. */
  readonly environment: readonly string[];
  readonly directory: string;
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
}

export interface RunningContext {
  /** The service's canonical name. */
  readonly name: string;
  /** Spawns the process that is the running value from now on. */
  become(id: string, spec: SpawnSpec, command: readonly string[]): Child;
  /** The service cannot run on. */
  failed(reason: string): void;
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
  return child.replace(/\/main$/, "");
}

/** The mark of a child's descendants: the processes of one start share it, its adopted main process included. */
export function markOf(host: Pick<Host, "markPrefix">, child: string): string {
  return `${host.markPrefix}.${encodeURIComponent(launcherOf(child))}`;
}
