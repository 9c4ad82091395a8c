// What the daemon may ask of the keeper and what it is told: docs/keeper-protocol.md as TypeScript types.
// The codec is wire.ts, the connection client.ts; tests may drive the daemon with a fake Keeper.

/** A name in one of the keeper's tables: 1 to 255 bytes of UTF-8. */
export type Name = string;

/** Who a signal goes to (§4 *signal child*). */
export type Scope = "process" | "group" | "cgroup";
export type Clock = "realtime" | "monotonic" | "boottime";
/** How the keeper ends (§4 *finish*). Outside PID 1 of the initial namespace all but `exit` mean `exit` too. */
export type Ending = "exit" | "power-off" | "reboot" | "halt" | "kexec";
export type Family = "unix" | "ipv4" | "ipv6";
export type SocketType = "stream" | "datagram" | "seqpacket";

/** Where a child's descriptor comes from (§5 attribute 22). */
export type DescriptorSource =
  | { readonly name: Name }
  | { readonly path: string; readonly flags: number; readonly mode?: number }
  | { readonly own: 0 | 1 | 2 };

export interface ResourceLimit {
  /** setrlimit(2)'s number. */
  readonly resource: number;
  /** `undefined` is infinity. */
  readonly soft: number | undefined;
  readonly hard: number | undefined;
}

export type Namespace = "mount" | "network" | "ipc" | "uts" | "user" | "cgroup";

/**
 * One change to the child's own mount namespace (§5 attribute 68). Paths are absolute. `path` is one of the child's: below
 * its `rootDirectory`, if it has one, where symbolic links cannot lead out of it. `source` is one of the keeper's.
 * With `optional`, a `path` (of a bind: a `source`) that does not exist is skipped.
 */
export type MountAction =
  /** `source` appears at `path` too, which is made where it is missing; `recursive`: with all that is mounted below. */
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly path: string;
      readonly recursive?: boolean;
      readonly optional?: boolean;
    }
  /**
   * What is mounted at and below `path` becomes so; `path` itself is made a mount first, if it is none. `read-write` exempts
   * from an earlier `read-only` and makes nothing writable that was not; `exec` allows execution everywhere below.
   */
  | {
      readonly kind: "read-only" | "read-write" | "no-exec" | "exec";
      readonly path: string;
      readonly optional?: boolean;
    }
  /** `path` is covered by something empty of the same kind, with mode 0 and read-only. */
  | { readonly kind: "inaccessible"; readonly path: string; readonly optional?: boolean }
  /** A file system of its own. `options` as mount(8) has them, such as `mode=0755,size=10%,nosuid,nodev,ro`. */
  | {
      readonly kind: "tmpfs";
      readonly path: string;
      readonly options?: string;
      readonly optional?: boolean;
    }
  /** A new view of the processes, such as with the options `hidepid=invisible,subset=pid`; nosuid, nodev, noexec. */
  | { readonly kind: "proc"; readonly path: string; readonly options?: string; readonly optional?: boolean }
  /** The message queues of the child's IPC namespace; nosuid, nodev, noexec. */
  | { readonly kind: "mqueue"; readonly path: string; readonly optional?: boolean }
  /** A read-only /dev with what is no hardware: null, zero, full, random, urandom, tty, terminals, shm, log. */
  | { readonly kind: "devices" };

/** Everything a child can be given (§5). Only `arguments` is required; the environment is exactly `environment`. */
export interface SpawnSpec {
  readonly program?: string;
  readonly arguments: readonly [string, ...string[]];
  /** `NAME=VALUE` strings. */
  readonly environment?: readonly string[];
  readonly directory?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Supplementary groups; an empty list drops them all. */
  readonly groups?: readonly number[];
  readonly umask?: number;
  readonly limits?: readonly ResourceLimit[];
  readonly nice?: number;
  readonly scheduler?: { readonly policy: number; readonly priority: number; readonly resetOnFork?: boolean };
  readonly ioPriority?: number;
  readonly oomScoreAdjustment?: number;
  readonly noNewPrivileges?: boolean;
  readonly boundingCapabilities?: bigint;
  readonly ambientCapabilities?: bigint;
  readonly inheritableCapabilities?: bigint;
  readonly secureBits?: number;
  readonly session?: "none" | "session" | "group";
  readonly terminal?: { readonly name: Name } | { readonly path: string };
  readonly descriptors?: readonly { readonly target: number; readonly source: DescriptorSource }[];
  readonly listen?: readonly { readonly name: Name; readonly as: string }[];
  readonly cgroup?: string;
  readonly parentDeathSignal?: number;
  readonly mark?: string;
  readonly socketEnvironment?: Name;
  readonly ignoredSignals?: readonly number[];
  readonly processors?: readonly number[];
  /** The name of a variable that gets the process's own pid. */
  readonly pidVariable?: string;
  /**
   * Namespaces of its own. In a network namespace `lo` is up; a user namespace has root, `uid` and `gid` under
   * the same numbers, and nobody else.
   */
  readonly namespaces?: readonly Namespace[];
  /** A namespace to join, such as a file below /run/netns; not together with one of its own. */
  readonly networkNamespacePath?: string;
  readonly ipcNamespacePath?: string;
  /** How mounts of its own mount namespace relate to later ones outside; default `slave`: those appear inside too. */
  readonly mountPropagation?: "slave" | "private" | "shared";
  /** Applied in order; needs a mount namespace. What is mounted at a path gets the flags of the last action for it. */
  readonly mounts?: readonly MountAction[];
  /** What is `/` for it; `directory`, `program` and descriptors' paths are below it. */
  readonly rootDirectory?: string;
  /** personality(2)'s number. */
  readonly personality?: number;
  /**
   * BPF programs for seccomp(2), the machine's `sock_filter` structures one after the other. They are loaded in order just
   * before the program is executed, so each must let through the loading of the next and the execution. Whoever is not root
   * also needs `noNewPrivileges`.
   */
  readonly systemCallFilters?: readonly Uint8Array[];
}

export interface ListenSpec {
  readonly name: Name;
  readonly family: Family;
  /** A path (a leading `@` is abstract) or a numeric address. */
  readonly address: string;
  readonly port?: number;
  readonly type: SocketType;
  readonly backlog?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly reusePort?: boolean;
  readonly v6Only?: boolean;
  readonly slot?: number;
  readonly daemon?: boolean;
  readonly directoryMode?: number;
  /** The address may be one that this machine does not have, or not yet. */
  readonly freeBind?: boolean;
  /** As `freeBind`, for connections that were meant for others. */
  readonly transparent?: boolean;
  /** Only what comes by this network interface. */
  readonly interface?: string;
  /** The kernel's number, where it is not the usual one of the type. */
  readonly protocol?: number;
}

/** One request (§4). `op` is the request's name there. */
export type Request =
  | {
      readonly op: "spawn";
      readonly id: Name;
      readonly spec: SpawnSpec;
      /** Instead of the spec's: what follows the keeper's start time in it. */
      readonly mark?: string;
    }
  | {
      readonly op: "adopt";
      readonly id: Name;
      readonly pid: number;
      readonly start: number;
      /** Where what belongs to it is, as with `cgroup` of a spawn. */
      readonly cgroup?: string;
    }
  | { readonly op: "signal-child"; readonly id: Name; readonly signal: number; readonly scope: Scope }
  | { readonly op: "signal-process"; readonly pid: number; readonly start: number; readonly signal: number }
  | { readonly op: "pipe"; readonly name: Name; readonly uid?: number; readonly gid?: number }
  | ({ readonly op: "listen" } & ListenSpec)
  | { readonly op: "socket-pair"; readonly name: Name; readonly peer: Name; readonly type: SocketType }
  | { readonly op: "memory-file"; readonly name: Name; readonly size: number }
  | {
      readonly op: "open";
      readonly name: Name;
      readonly path: string;
      readonly flags: number;
      readonly mode?: number;
      /** A FIFO, which is made where there is none; the rest is for one only. */
      readonly fifo?: boolean;
      readonly uid?: number;
      readonly gid?: number;
      readonly directoryMode?: number;
    }
  | {
      readonly op: "notify-socket";
      readonly name: Name;
      readonly path: string;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
    }
  | { readonly op: "close"; readonly name: Name; readonly unlink?: boolean }
  | { readonly op: "watch"; readonly name: Name; readonly on: boolean }
  | { readonly op: "accept"; readonly name: Name; readonly connection: Name }
  | {
      readonly op: "pass";
      readonly through: Name;
      readonly names: readonly Name[];
      readonly data: Uint8Array;
    }
  | { readonly op: "put-note"; readonly key: Name; readonly value: Uint8Array }
  | { readonly op: "delete-note"; readonly key: Name }
  | {
      readonly op: "arm-timer";
      readonly id: Name;
      readonly clock: Clock;
      /** Absolute, in nanoseconds of `clock`. */
      readonly at: bigint;
      readonly kill?: Name;
      readonly signal?: number;
      readonly scope?: Scope;
    }
  | { readonly op: "disarm-timer"; readonly id: Name }
  | { readonly op: "acknowledge"; readonly event: bigint; readonly store?: Name }
  | {
      readonly op: "configure";
      readonly silence?: number;
      readonly culprit?: Name;
      readonly orphans?: boolean;
      readonly grace?: number;
      readonly deaths?: number;
      readonly window?: number;
    }
  | { readonly op: "begin-shutdown"; readonly deadline: number; readonly how: Ending; readonly code?: number }
  | { readonly op: "finish"; readonly how: Ending; readonly code?: number; readonly grace?: number }
  | { readonly op: "relaunch"; readonly reason?: string }
  | { readonly op: "hibernate" }
  /** Must be the last of its frame. `program` is an absolute path; default: the keeper's own. */
  | { readonly op: "replace-keeper"; readonly program?: string }
  | { readonly op: "tell-manager"; readonly data: string }
  /** One of `amount` and `value`. */
  | {
      readonly op: "set-option";
      readonly name: Name;
      readonly level: number;
      readonly option: number;
      readonly amount?: number;
      readonly value?: Uint8Array;
    }
  /** In the record of a boot only: what is absent may be anything. Times are in ns since the epoch. */
  | {
      readonly op: "expect-file";
      readonly path: string;
      readonly inode?: bigint;
      readonly size?: number;
      readonly modified?: bigint;
      readonly changed?: bigint;
      /** What it contains. */
      readonly data?: Uint8Array;
      /** That there is none. */
      readonly absent?: boolean;
    }
  /** In the record of a boot only: all that the daemon is given. */
  | {
      readonly op: "expect-environment";
      /** Each variable, ended by NUL, in their order. */
      readonly environment: Uint8Array;
      /** The program and its arguments, each ended by NUL. */
      readonly arguments: Uint8Array;
      readonly directory: string;
    }
  /** In the record of a boot only, the last of its frame: until the programs of all children are executed. */
  | { readonly op: "await-started" }
  /** One that is there already is as good. */
  | { readonly op: "make-directory"; readonly path: string; readonly mode?: number }
  /** For each of these that lives: a timer that kills it, and its signal, as to its process group. */
  | {
      readonly op: "end-children";
      readonly ids: readonly Name[];
      readonly signal: number;
      /** Of KILL. */
      readonly scope: Scope;
      readonly clock: Clock;
      /** Absolute, in nanoseconds of `clock`. */
      readonly at: bigint;
      /** What the timers' names begin with; the child's follows. */
      readonly timers: string;
    }
  /**
   * Once `child` has ended, having run and with nobody left in its process group or session, `id` is spawned at once; in
   * the place of whoever has stood by before.
   */
  | {
      readonly op: "stand-by";
      readonly child: Name;
      readonly id: Name;
      readonly spec: SpawnSpec;
      /** What messages go through, before it is spawned. */
      readonly through?: Name;
      readonly messages?: readonly Uint8Array[];
      /** One more, which is sent when it was: with its pid in the 8 bytes from `place` on. */
      readonly after?: Uint8Array;
      readonly place?: number;
    }
  /** Nobody stands by for `child` any more. */
  | { readonly op: "stand-down"; readonly child: Name };

export type StandBy = Extract<Request, { readonly op: "stand-by" }>;

/** One result. `errno` 0 is success; `text` says what was attempted on what. Only the fields of its request are set. */
export interface Result {
  readonly errno: number;
  readonly text: string;
  readonly pid?: number;
  readonly start?: number;
  readonly alive?: boolean;
  readonly port?: number;
  readonly path?: string;
  readonly local?: string;
  readonly remote?: string;
  readonly remotePort?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** What every event carries: its number, to acknowledge, and when it happened (realtime, ns). */
export interface EventHeader {
  readonly event: bigint;
  readonly at: bigint;
}

/** Why a child never came to execute its program. */
export interface SetupFailure {
  /** One of the stages of §7, such as `chdir`. */
  readonly stage: string;
  readonly errno: number;
  /** The object: the directory, the file, the program. */
  readonly text: string;
}

export type KeeperEvent = EventHeader &
  (
    | { readonly type: "child-started"; readonly id: Name; readonly pid: number }
    | {
        readonly type: "child-ended";
        readonly id: Name;
        readonly pid: number;
        /** The raw wait status. */
        readonly status: number;
        readonly userMicroseconds: number;
        readonly systemMicroseconds: number;
        readonly peakKibibytes: number;
        /** Nobody is left in its process group, or its session. */
        readonly alone?: boolean;
        /** Who stood by and has taken its place. */
        readonly successor?: Successor;
        readonly failure?: SetupFailure;
      }
    | {
        readonly type: "orphan-ended";
        readonly pid: number;
        readonly start: number;
        readonly status: number;
        readonly lost: number;
      }
    | { readonly type: "readable"; readonly name: Name }
    | {
        readonly type: "datagram";
        readonly name: Name;
        readonly data: Uint8Array;
        readonly pid: number;
        readonly uid: number;
        readonly gid: number;
        readonly start: number;
        readonly descriptors: number;
        readonly truncated: boolean;
      }
    | { readonly type: "timer-fired"; readonly id: Name }
    | { readonly type: "clock-was-set" }
    | {
        readonly type: "signal";
        readonly signal: number;
        readonly pid: number;
        readonly uid: number;
        readonly count: number;
      }
    | {
        readonly type: "daemon-restarted";
        readonly status: number;
        readonly reason: "died" | "silent" | "malformed" | "relaunch" | "woken";
        readonly text: string;
        readonly deaths: number;
        readonly generation: number;
      }
  );

export interface KeeperRecord {
  readonly pid: number;
  readonly started: bigint;
  /** Whether the keeper is PID 1. */
  readonly init: boolean;
  /** Whether that is in the initial PID namespace: a machine, not a container. */
  readonly initial: boolean;
  readonly generation: number;
  readonly rescue: boolean;
  readonly slots: readonly {
    readonly number: number;
    readonly descriptor: number;
    readonly family: Family;
  }[];
  /** Whether a service manager above us set NOTIFY_SOCKET. */
  readonly manager: boolean;
  readonly release: string;
  /** Whether the keeper's standard input, output and error are terminals. */
  readonly terminals: readonly [boolean, boolean, boolean];
  readonly bootId: string;
  readonly orphans: number;
}

/** A child that was spawned in the moment in which another one had ended. */
export interface Successor {
  readonly id: Name;
  readonly pid: number;
  readonly start: number;
}

export interface ChildRecord {
  readonly id: Name;
  readonly pid: number;
  readonly start: number;
  readonly state: "setup" | "running" | "ended";
  readonly spawned: bigint;
  readonly cgroup?: string;
  readonly adopted: boolean;
  /** Whether somebody stands by for it. */
  readonly standsBy?: boolean;
}

export interface DescriptorRecord {
  readonly name: Name;
  readonly kind: "other" | "pipe" | "listener" | "notify" | "connection" | "memory" | "socket-pair";
  readonly path?: string;
  readonly watched: boolean;
  /** The number under which this daemon inherited it. */
  readonly daemonDescriptor?: number;
}

export interface TimerRecord {
  readonly id: Name;
  readonly clock: Clock;
  readonly at: bigint;
  readonly kill?: Name;
}

/** What the keeper held when this daemon said hello. */
export interface Inventory {
  readonly keeper: KeeperRecord;
  readonly children: readonly ChildRecord[];
  readonly descriptors: readonly DescriptorRecord[];
  readonly notes: ReadonlyMap<Name, Uint8Array>;
  readonly timers: readonly TimerRecord[];
}

/** The daemon's view of the keeper. Requests are written in the order of the calls. */
export interface Keeper {
  /** What it held at hello. */
  readonly inventory: Inventory;
  /**
   * Sends one frame and resolves with one result for each request, in order; it rejects only when the keeper is
   * gone or the frame cannot be encoded. With `stopOnError` what follows a failed request is not applied (ECANCELED).
   */
  send(
    requests: readonly Request[],
    options?: { readonly stopOnError?: boolean },
  ): Promise<readonly Result[]>;
  /** Sets the one receiver of events; those that arrived before are delivered first. */
  onEvent(receiver: (event: KeeperEvent) => void): void;
  /**
   * Called once when the keeper is gone, though it was not told to finish, or what it sends cannot be read: the
   * daemon must exit.
   */
  onLost(receiver: (reason: Error) => void): void;
}

/** What a daemon needs that leaves while there is nothing to do. */
export interface Parting {
  /** How many frames have come and gone so far. */
  readonly traffic: number;
  /** When the last of them did, as `monotonic` gives it. */
  readonly quietSince: number;
  /** Whether no result is awaited and nothing waits to be written. */
  readonly isQuiet: boolean;
  /**
   * Hands the keeper one last frame, whose results nobody awaits, within this very turn; false where it cannot take it at
   * once, and nothing was sent then. Only while `isQuiet`. The caller exits before it does anything else.
   */
  sendLast(requests: readonly Request[]): boolean;
}
