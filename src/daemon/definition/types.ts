// What a service is: the immutable definition that a configuration module makes and a controller runs.
// The names mirror the Shepherd manual ("Defining Services") in camelCase.

import type { SupervisionOptions } from "../readiness/options.js";
import type { TimerData, TimerProcedure, timerProcedure } from "../timers/types.js";
import type { UnitData, UnitPathData, UnitSocketData, UnitTimerData } from "../units/types.js";
import type { CgroupLimits, CgroupOptions } from "./cgroup-options.js";
import type { Relations } from "./relations.js";

export type { Relations } from "./relations.js";

/** A value that survives the daemon: it is written to the keeper as JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A running process, as the value of a service that has one. */
export interface ProcessReference {
  readonly type: "process";
  /** Its name in the keeper's table of children. */
  readonly id: string;
  readonly pid: number;
  /** Clock ticks since boot at its start: with the pid it names the process for ever. */
  readonly start: number;
  readonly command: readonly string[];
}

/** What a running service's start produced. `true` where there is nothing to say. */
export type RunningValue = ProcessReference | Json;

/**
 * Gets the client's arguments (`herd start NAME ARG…`) and gives the running value. Only `false` and an exception mean that
 * the start failed; `undefined` and `null` count as `true`.
 */
export type StartFunction = (
  ...args: string[]
) => RunningValue | undefined | Promise<RunningValue | undefined>;
/**
 * Gets the running value, then the client's arguments (`herd stop NAME ARG…`). The service is stopped afterwards whatever
 * it gives; a true result makes the log say that it might have failed to stop. A process that still runs is ended.
 */
export type StopFunction = (running: RunningValue, ...args: string[]) => unknown;
/**
 * Called in a new supervisor, which has none of the old one's memory, for a service that runs: it makes again what lived in
 * there, and gives the running value from now on (`undefined`: as it was). Where it throws, the service has ended.
 */
export type ResumeFunction = (
  running: RunningValue,
) => RunningValue | undefined | Promise<RunningValue | undefined>;
/**
 * Gets the running value (`false` when stopped), then the client's arguments. What it prints with `console.log` goes to the
 * client. A result of `false` makes `herd` exit with 1; `undefined` counts as `true`.
 */
export type ActionFunction = (running: RunningValue | false, ...args: string[]) => unknown;

/** The key under which a built-in constructor or destructor carries its data. */
export const builtin: unique symbol = Symbol.for("shepherd-ts.builtin") as never;

/** Options common to every constructor that runs a program; the manual's keywords in camelCase. */
export interface ProcessOptions {
  /** A name or a number; default: the supervisor's. Without `group` the user's own group and supplementary groups are taken. */
  readonly user?: string | number;
  /** A name or a number; default: that of `user`, else the supervisor's. */
  readonly group?: string | number;
  /** Names or numbers of groups, in addition. */
  readonly supplementaryGroups?: readonly (string | number)[];
  /** Where standard output and error go, line by line with a time stamp: an absolute name; default: the supervisor's own log. */
  readonly logFile?: string;
  /** Where it is started: an absolute name; default `/` for root, else the home directory. */
  readonly directory?: string;
  /** The umask, such as `0o077`; default: the supervisor's. */
  readonly fileCreationMask?: number;
  /** Default true: the program leads its own session and process group. */
  readonly createSession?: boolean;
  /** `NAME=VALUE` strings, or a record; default: the supervisor's environment at its start. */
  readonly environmentVariables?: readonly string[] | Readonly<Record<string, string>>;
  /** In addition to those, or instead of those of the same names; in the same form. Default: none. */
  readonly extraEnvironmentVariables?: readonly string[] | Readonly<Record<string, string>>;
  /** By setrlimit's names in lower case, such as `nofile: { soft: 1024, hard: 4096 }`; a number sets both; `"unlimited"` too. */
  readonly resourceLimits?: Readonly<Record<string, ResourceLimitValue>>;
  /**
   * Texts in the command, such as a password, that nobody is to see: `***` stands for each of them in the running value, in
   * `herd status`, in logs and in errors. The program gets the true command, which others on the machine can see in /proc: a
   * secret in a file is safer. Default: none.
   */
  readonly secrets?: readonly string[];
  /**
   * Absolute names of files with secrets that the program reads. Before each start they must be regular files that the user
   * can read and that are not open to others: the owner is the user or root, and who else may read is at most the user's own
   * group. Otherwise the start fails, and says which file it is. Default: none.
   */
  readonly secretFiles?: readonly string[];
}
export type LimitValue = number | "unlimited";
export type ResourceLimitValue = LimitValue | { readonly soft: LimitValue; readonly hard: LimitValue };

/** The terminal of a service, which people attach to. */
export interface TerminalOptions {
  /** Its width while nobody who may type is attached; default 80. */
  readonly columns?: number;
  /** Its height then; default 24. */
  readonly rows?: number;
  /** How many bytes of what was printed last somebody sees who attaches; at most 1 MiB, default 128 KiB. */
  readonly scrollback?: number;
}

export interface ForkexecOptions extends ProcessOptions, SupervisionOptions {
  /**
   * Gives the program a terminal of its own, as its standard streams and controlling terminal, which `herd attach` connects
   * to. What it prints goes to the log too, without control sequences. Needs the package node-pty. Default: none.
   */
  readonly terminal?: boolean | TerminalOptions;
  /**
   * The start ends when this file, an absolute name, holds the pid of a living process, which then is the service's: for
   * programs that go to the background by themselves. A file left from before is deleted first.
   */
  readonly pidFile?: string;
  /** Seconds to wait for `pidFile` before the start fails and what was started is ended; default 5. */
  readonly pidFileTimeout?: number;
}

/** `stream` and `seqpacket` have connections; `datagram` has none. */
export type SocketStyle = "stream" | "datagram" | "seqpacket";

/** What `endpoint` takes. Those that begin with `socket` are for sockets in the file system. */
export interface EndpointOptions {
  /** What the program knows it by, in LISTEN_FDNAMES: ASCII without colons and spaces; default "unknown". */
  readonly name?: string;
  /** Default "stream". */
  readonly style?: SocketStyle;
  /** How many connections may wait; default 128. */
  readonly backlog?: number;
  /** Whose the socket is, a name or a number; default: the supervisor's user. */
  readonly socketOwner?: string | number;
  /** Default: the supervisor's group. */
  readonly socketGroup?: string | number;
  /** Who may connect; default `0o666`: everybody who can enter the directory. */
  readonly socketPermissions?: number;
  /** Of directories that are made for it; default `0o755`. */
  readonly socketDirectoryPermissions?: number;
  /** How often an address that is in use is tried, once a second; default 5. */
  readonly bindAttempts?: number;
}
export type EndpointAddress =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "ipv4" | "ipv6"; readonly host: string; readonly port: number };

/** A place to listen at, checked, with every default. */
export interface Endpoint extends Required<Omit<EndpointOptions, "socketOwner" | "socketGroup">> {
  readonly address: EndpointAddress;
  readonly socketOwner?: string | number;
  readonly socketGroup?: string | number;
}

export interface SystemdOptions extends ProcessOptions, SupervisionOptions {
  /** Default true: the program is started by the first connection; otherwise at once. */
  readonly lazyStart?: boolean;
}

/** As for other programs, but without a log: standard output and error are the connection. */
export interface InetdOptions extends Omit<ProcessOptions, "logFile"> {
  /** The service of the Nth connection is STEM-N; default: the program's base name. */
  readonly serviceNameStem?: string;
  /** What each connection's service requires; default none. */
  readonly requirements?: readonly string[];
  /** One more is closed as soon as it is accepted; default 100. */
  readonly maxConnections?: number;
}

export interface KillOptions {
  /** A number or a name, such as `"SIGINT"` or `"INT"`; default TERM. */
  readonly signal?: number | string;
  /** Seconds until KILL; default 5. */
  readonly gracePeriod?: number;
}

/** A built-in constructor as data, which a new daemon can resume. */
export interface ForkexecData {
  readonly kind: "forkexec";
  readonly command: readonly [string, ...string[]];
  readonly options: ForkexecOptions;
  /** The process gets the container's own standard streams and not a log: only the main service of a container. */
  readonly ownStreams?: boolean;
}
export interface SystemData {
  readonly kind: "system";
  readonly command: string;
  readonly options: ProcessOptions;
}
export interface SystemdData {
  readonly kind: "systemd";
  readonly command: readonly [string, ...string[]];
  readonly endpoints: readonly Endpoint[];
  readonly lazyStart: boolean;
  readonly options: ProcessOptions & SupervisionOptions;
}
export interface InetdData {
  readonly kind: "inetd";
  readonly command: readonly [string, ...string[]];
  readonly endpoints: readonly Endpoint[];
  readonly stem: string;
  readonly requirements: readonly string[];
  readonly maxConnections: number;
  readonly options: ProcessOptions;
}
/** The service of one connection, which its start accepts: nobody else can start it, and nobody again. */
export interface ConnectionData {
  readonly kind: "connection";
  /** The canonical name of the service that listens. */
  readonly of: string;
  /** The keeper's name of the socket that it comes from. */
  readonly socket: string;
  readonly command: readonly [string, ...string[]];
  readonly options: ProcessOptions;
}
/** A rule of the system log, as the log writer takes it. */
export interface SystemLogRoute {
  /** A bit for each facility, by its number. */
  readonly facilities: number;
  /** A bit for each priority, by its number. */
  readonly priorities: number;
  /** An index in the list of files; without one: the recent messages alone. */
  readonly file?: number;
  readonly tag?: string;
  readonly stop: boolean;
}
export interface SystemLogData {
  readonly kind: "system-log";
  readonly endpoints: readonly Endpoint[];
  /** Absent: the machine's own, where it is ours. */
  readonly kernelLogFile?: string | false;
  readonly files: readonly string[];
  readonly routes: {
    readonly rules: readonly SystemLogRoute[];
    readonly host: string;
    readonly rateLimit?: { readonly messages: number; readonly seconds: number };
    readonly markInterval: number;
  };
}
export type BuiltinStart =
  | SystemLogData
  | ForkexecData
  | SystemData
  | SystemdData
  | InetdData
  | ConnectionData
  | TimerData
  | UnitData
  | UnitSocketData
  | UnitTimerData
  | UnitPathData;
export type BuiltinStop =
  | { readonly kind: "kill"; readonly signal: number; readonly gracePeriod: number }
  | SystemData
  /** As the unit says, whose data are the start's. */
  | { readonly kind: "unit" };

/** Calling a built-in constructor inside a function of one's own runs it as part of that function. */
export type Constructor = StartFunction & {
  readonly [builtin]?: BuiltinStart;
  readonly [timerProcedure]?: TimerProcedure;
};
export type Destructor = StopFunction & { readonly [builtin]?: BuiltinStop };

export interface ActionDefinition {
  readonly name: string;
  readonly documentation: string;
  readonly procedure: ActionFunction;
}

/** What `shepherdAction` takes. */
export interface ShepherdActionOptions {
  /** As in `herd NAME SERVICE`. One that has the name of a usual action, such as `status`, takes its place. */
  readonly name: string;
  /** What `herd doc SERVICE action NAME` tells. */
  readonly documentation?: string;
  readonly procedure: ActionFunction;
}

/** At most `times` respawns within `seconds`; one more disables the service. */
export interface RespawnLimit {
  /** 0 to 100. */
  readonly times: number;
  readonly seconds: number;
}

/** How a process ended: the raw wait status and its parts. */
export interface Termination {
  readonly pid: number;
  /** As wait(2) gives it: exit code 1 is 256, signal 15 is 15. */
  readonly status: number;
  readonly exitCode?: number;
  readonly signal?: number;
}

/**
 * Called instead of the usual handling when a service's process ends by itself. The service is stopped by then.
 * What it returns decides: `"respawn"` (under the limit), `"stop"`, or `"default"`.
 */
export type TerminationHandler = (
  service: { readonly name: string; readonly value: RunningValue },
  termination: Termination,
) => TerminationDecision | Promise<TerminationDecision>;
export type TerminationDecision = "respawn" | "stop" | "default";

/** A place in a source file, counted from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A service, checked and frozen. */
export interface ServiceDefinition {
  /** Every name it answers to; the first is the canonical name. */
  readonly provision: readonly [string, ...string[]];
  /** Those to which it is bound included. */
  readonly requirement: readonly string[];
  /** Absent: none. */
  readonly relations?: Relations;
  readonly oneShot: boolean;
  readonly transient: boolean;
  readonly respawn: boolean;
  /** `false`: no limit. */
  readonly respawnLimit: RespawnLimit | false;
  /** Seconds before a respawn. */
  readonly respawnDelay: number;
  readonly start: Constructor;
  readonly stop: Destructor;
  /** Whether a start function that the supervisor's death has interrupted may be called a second time. */
  readonly retryable: boolean;
  readonly resume?: ResumeFunction;
  readonly actions: readonly ActionDefinition[];
  readonly autoStart: boolean;
  /** Whether it is started once, by whoever made it: it is forgotten after that, also where the start fails. */
  readonly singleStart?: true;
  readonly documentation: string;
  readonly terminationHandler?: TerminationHandler;
  /** Limits of its cgroup; `false`: it is to have none. */
  readonly cgroup?: CgroupLimits | false;
  /** Where it was made: in the compiled module, until `userPosition` maps it. */
  readonly position?: SourcePosition;
}

/** What `service(provision, options)` takes. */
export interface ServiceOptions extends Relations {
  /** Names of services that must run before this one starts; they stop after it. Default: none. */
  readonly requirement?: readonly string[];
  /** Default false. A one-shot is over when its start returned; it runs again each time it is needed. */
  readonly oneShot?: boolean;
  /** Default false. A transient service is unregistered when it ends. */
  readonly transient?: boolean;
  /** Whether it is started again when its process ends by itself; default false (`shepherdService`: true). */
  readonly respawn?: boolean;
  /** Default 5 times within 7 seconds; `false` for none. */
  readonly respawnLimit?: RespawnLimit | readonly [times: number, seconds: number] | false;
  /** Seconds before each respawn; default 0.1. With 0 the keeper does it by itself where nobody has to be asked. */
  readonly respawnDelay?: number;
  /** A constructor or a function; default: succeeds at once with the running value `true`. */
  readonly start?: Constructor;
  /**
   * A destructor or a function; default: `makeKillDestructor()`, which ends the service's process if it has one. (In the
   * Shepherd the default leaves the process running.)
   */
  readonly stop?: Destructor;
  /**
   * Default false: a start *function* that was under way when the supervisor was killed is not called again; what it had
   * spawned is ended, and the start has failed as `interrupted`. With true it is called once more in the new supervisor.
   * Built-in constructors need neither: they go on where they were.
   */
  readonly retryable?: boolean;
  /** For a service that lives, in part, inside the supervisor; see `ResumeFunction`. */
  readonly resume?: ResumeFunction;
  /** Its own actions, each made by `shepherdAction`; default: none. */
  readonly actions?: readonly ActionDefinition[];
  /** Whether a configuration that lists the service starts it; default true. */
  readonly autoStart?: boolean;
  /** What `herd doc NAME` tells. */
  readonly documentation?: string;
  readonly terminationHandler?: TerminationHandler;
  /**
   * Limits of memory, processes and CPU for the service as a whole, such as `{ memoryMax: "512M", pidsMax: 100 }`; default
   * none. Where cgroup2 is not ours to use, or lacks what a limit needs, the service starts nevertheless, and its status
   * tells. `false`: it has no cgroup of its own, and what leaves its session is looked for in other ways.
   */
  readonly cgroup?: CgroupOptions | false;
}

/** What `shepherdService` takes: Guix's record, with its defaults (respawn true; limit and delay absent mean the usual ones). */
export interface ShepherdServiceOptions extends ServiceOptions {
  /** Every name it answers to; the first is the canonical name. */
  readonly provision: readonly string[];
}

/** A configuration whose services are there. */
export interface SettledConfiguration extends Configuration {
  readonly services: readonly ServiceDefinition[];
}

/** What a configuration module may export as its default. */
export interface Configuration {
  /** Made by `service` or `shepherdService`; or a promise of that, such as `systemdUnits` gives, which is waited for. */
  readonly services: readonly ServiceDefinition[] | Promise<readonly ServiceDefinition[]>;
  /** The canonical name of the service whose end is the end of the container: its exit code becomes ours. */
  readonly exitWith?: string;
  /** Seconds within which a shutdown ends, whatever services do; default 30. */
  readonly shutdownTimeout?: number;
}
