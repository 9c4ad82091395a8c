// What an adapter tells about a supervisor: how to configure it, and the commands that start, ask and stop it.

export type Command = readonly [string, ...string[]];

/** A service that a supervisor is to run. */
export interface BenchService {
  readonly name: string;
  readonly command: Command;
  /** Names of services that must run before it. */
  readonly needs: readonly string[];
  /** Whether its standard output is to be logged by the supervisor's own means. */
  readonly log: boolean;
}

/** What an adapter has to work with. */
export interface Ground {
  /** An empty directory, of this life of the supervisor alone; those of the same configuration have the same name. */
  readonly directory: string;
  /** Where caches may be kept from one round to the next. */
  readonly cache: string;
  /** The program of helper.c. */
  readonly helper: string;
  /** The file of the stamps. */
  readonly stamps: string;
  /** Where a program is that `programs` names. */
  program(name: string): string;
  /** Writes a file below the directory. */
  file(name: string, text: string, mode?: number): string;
}

/** A supervisor that is configured, and not yet started. */
export interface Configured {
  readonly daemon: Command;
  /** Where it is started otherwise as PID 1. */
  readonly init?: Command;
  readonly environment?: Readonly<Record<string, string>>;
  readonly status: (service: string) => Command;
  readonly list: Command;
  /** Ends the supervisor with all services; `root` is its process ID. */
  readonly stop: (root: number) => Command;
  /** The files that a service's output went to, in no order; looked up when asked. */
  readonly logs?: (service: string) => readonly string[];
  /** Whether clients can be answered; absent: once it runs services. */
  readonly ready?: () => boolean;
  /** The supervisor's process among its own; absent: the one that was started. */
  readonly root?: (processes: readonly OwnProcess[]) => number | undefined;
  /** Whether its first life, which fills caches, has filled them; absent: once its services run. */
  readonly warmed?: () => boolean;
  /** Whether it sleeps, by its processes: of one that hibernates. */
  readonly asleep?: (processes: readonly OwnProcess[]) => boolean;
  /** Shell commands that put files into the root directory `$ROOT` of an adapter that is `boxed`. */
  readonly furnish?: string;
}

export interface OwnProcess {
  readonly pid: number;
  readonly name: string;
}

export interface Peer {
  readonly name: string;
  /** The programs without which it is absent. */
  readonly programs: readonly string[];
  /** Whether a service can need others. */
  readonly orders: boolean;
  /** Whether it has a place for the output of services, and what is special about that. */
  readonly logging?: string;
  /** Whether the output of a service goes to its file without passing through the supervisor. */
  readonly logsNothing?: boolean;
  /** How services are respawned here, where that is no matter of course. */
  readonly respawn?: string;
  /** The most services that it can run; absent: any number. */
  readonly most?: number;
  /** Whether a life of it takes so long that it gets one round, and no more than `slowMost` services, unless it is asked for by name. */
  readonly slow?: boolean;
  /** By how much longer than usual it may take. */
  readonly patience?: number;
  /** The only experiments that it is there for. */
  readonly only?: readonly string[];
  /** Whether it must have a whole machine: a root directory, and namespaces, of its own. */
  readonly boxed?: boolean;
  /** Whether its first life differs from those after it, such as by a cache that it fills: then one life goes before. */
  readonly warms?: boolean;
  configure(ground: Ground, services: readonly BenchService[]): Configured;
}

/** The most services of a peer that is slow. */
export const slowMost = 100;

/** A shell script that executes `command`. */
export function script(command: readonly string[]): string {
  return `#!/bin/sh\nexec ${command.join(" ")}\n`;
}
