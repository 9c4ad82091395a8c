// How a service's process is supervised beyond its being there: when it counts as started, how it is watched. Data, made
// by small builders and checked here, so that every daemon can go on with it.

import { isIPv4, isIPv6 } from "node:net";
import {
  type Checks,
  check,
  checkFields,
  checkValue,
  fail,
  isRecord,
  type Subject,
} from "../definition/check.js";
import { fields, isCount, isSeconds, isText } from "../definition/fields.js";
import { frozenCopy } from "../definition/freeze.js";
import { shownCommand, type WithSecrets } from "../definition/secrets.js";
import type { BuiltinStart } from "../definition/types.js";
import { unitSupervision } from "../units/supervision.js";

/** What the builders of probes take. */
export interface ProbeOptions {
  /** Seconds between the end of a probe and the next one; default 0.1. (`health` has an interval of its own.) */
  readonly interval?: number;
  /** Seconds after which one probe counts as failed; default 5. */
  readonly timeout?: number;
  /** After how many failed probes a start fails; default: none, `readinessTimeout` alone decides. */
  readonly attempts?: number;
}

/** Where a port probe connects to. */
export type ProbeAddress = { readonly host: string; readonly port: number } | { readonly path: string };

interface Repeated {
  readonly interval: number;
  readonly timeout: number;
  readonly attempts?: number;
}

/** Made by `portAnswers`. */
export interface PortProbe extends Repeated {
  readonly type: "port";
  readonly address: ProbeAddress;
}

/** Made by `commandSucceeds`. */
export interface CommandProbe extends Repeated {
  readonly type: "command";
  readonly command: readonly [string, ...string[]];
}

export type Probe = PortProbe | CommandProbe;

/** Made by `notify`. */
export interface NotifyReadiness {
  readonly type: "notify";
}

/** When a start has succeeded: `"exec"`, as soon as the program is executed; or see the builder. */
export type Readiness = "exec" | NotifyReadiness | Probe;

/** Whose messages count: of the service's main process only, or of all its processes. */
export type NotifyAccess = "main" | "all";

export interface HealthOptions {
  /** Made by `portAnswers` or `commandSucceeds`. */
  readonly probe: Probe;
  /** Seconds between the end of a probe and the next one; default 10. */
  readonly interval?: number;
  /** Seconds after which one probe counts as failed; default: the probe's own. */
  readonly timeout?: number;
  /** How many probes in a row must fail; default 3. */
  readonly failures?: number;
  /** Seconds from the start's success to the first probe; default: `interval`. */
  readonly startDelay?: number;
}

/** Options of constructors whose service is a process that can be asked, or tells, how it is. */
export interface SupervisionOptions {
  /**
   * When the start has succeeded; default `"exec"`. Where it is another, and the process ends or the time is over before, the
   * start fails, says which probe failed last and why, and what was started is ended.
   */
  readonly readiness?: Readiness;
  /** Seconds within which the process must be ready; default 90. The process can ask for more (EXTEND_TIMEOUT_USEC). */
  readonly readinessTimeout?: number;
  /**
   * Whose messages count, as in systemd.exec(5): `"main"`, the default, or `"all"`. It also gives a process a notify socket
   * that would get none: one whose readiness is another, and that has neither `watchdog` nor a descriptor store.
   */
  readonly notifyAccess?: NotifyAccess;
  /**
   * Seconds within which the process must say WATCHDOG=1 again, as `sd_watchdog_enabled` tells it. One that does not is ended
   * with ABRT, and KILL later, and the service is started again under its respawn limit.
   */
  readonly watchdog?: number;
  /**
   * How many descriptors the service may give into keeping (FDSTORE=1); default 0. Its next process gets them back, with
   * LISTEN_FDS and LISTEN_FDNAMES and after the sockets of endpoints, until the service is stopped for good.
   */
  readonly fileDescriptorStoreMax?: number;
  /** A service that is unhealthy is ended, and started again under its respawn limit, whatever `respawn` says. */
  readonly health?: HealthOptions;
}

const usualProbe = { interval: 0.1, timeout: 5 } as const;
/** Nothing is asked more often than that. */
const shortest = 0.01;
/** What the descriptors of one service may take of the keeper's table, and of the 250 that one process can be given. */
const mostStored = 128;
/** The kernel's, for an address in the file system. */
const longestPath = 107;

const period = check<number>(
  `a number of seconds from ${shortest} to 2147483`,
  (value) => isSeconds(value) && value >= shortest,
);
const times = check<number>(
  "a number from 1 to 100000",
  (value) => isCount(value) && value >= 1 && value <= 100_000,
);

const probeChecks: Checks<ProbeOptions> = { interval: period, timeout: period, attempts: times };

const made = new WeakSet<object>();

function keep<T extends object>(value: T): T {
  const own = frozenCopy(value);
  made.add(own);
  return own;
}

const isMade = (value: unknown): value is { readonly type: string } =>
  typeof value === "object" && value !== null && made.has(value);

/**
 * The start has succeeded when the process says READY=1 on its notify socket, as `sd_notify` does. See sd_notify(3) for the
 * messages; docs/readiness.md tells what each does here.
 *
 * @example makeForkexecConstructor(["redis-server", "--supervised", "systemd"], { readiness: notify() })
 */
export function notify(): NotifyReadiness {
  return keep({ type: "notify" });
}

/**
 * Succeeds when a connection to `address` is accepted: a port of 127.0.0.1, `"IPV4:PORT"`, `"[IPV6]:PORT"`, or a Unix stream
 * socket's absolute name. Nothing is sent. A socket of an endpoint is always open: it tells nothing of the program.
 *
 * @throws DefinitionError where the address or an option is not what it should be
 */
export function portAnswers(address: number | string, options: ProbeOptions = {}): PortProbe {
  const of = { what: "portAnswers" };
  const checked = checkFields<ProbeOptions>(of, options, probeChecks);
  return keep({ ...usualProbe, ...checked, type: "port", address: addressOf(of, address) });
}

/**
 * Succeeds when a program exits with 0: `command` is the program and its arguments, without a shell. It runs as the service's
 * user, with its environment and limits; its standard error goes to the service's log.
 *
 * @throws DefinitionError where the command or an option is not what it should be
 */
export function commandSucceeds(command: readonly string[], options: ProbeOptions = {}): CommandProbe {
  const of = { what: "commandSucceeds" };
  const checked = checkFields<ProbeOptions>(of, options, probeChecks);
  return keep({
    ...usualProbe,
    ...checked,
    type: "command",
    command: checkValue(of, command, fields.command),
  });
}

const probeAddress = check<number | string>(
  'a port, "IPV4:PORT", "[IPV6]:PORT" with a port from 1 to 65535, or an absolute file name of up to 107 bytes',
  (value) => parse(value) !== undefined,
);

function addressOf(of: Subject, address: unknown): ProbeAddress {
  return (
    parse(address) ??
    fail(of, `expected ${probeAddress.expected}; got ${JSON.stringify(address) ?? typeof address}`)
  );
}

function parse(address: unknown): ProbeAddress | undefined {
  if (typeof address === "number") return inet("127.0.0.1", address);
  if (!isText(address)) return undefined;
  if (address.startsWith("/"))
    return Buffer.byteLength(address) > longestPath ? undefined : { path: address };
  const [, v6, v4, port] = /^(?:\[([^\]%]*)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  const isHost = v6 === undefined ? isIPv4(v4 ?? "") : isIPv6(v6);
  return isHost ? inet(v6 ?? v4 ?? "", Number(port)) : undefined;
}

function inet(host: string, port: number): ProbeAddress | undefined {
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}

/** As messages name it, without the secrets of its service. */
export function probeText(probe: Probe, options: WithSecrets = {}): string {
  if (probe.type === "command") return `command "${shownCommand(probe.command, options).join(" ")}"`;
  const { address } = probe;
  if ("path" in address) return address.path;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

const probe = check<Probe>(
  "a probe made by portAnswers(…) or commandSucceeds(…)",
  (value) => isMade(value) && (value.type === "port" || value.type === "command"),
);

const healthChecks: Checks<HealthOptions> = {
  probe,
  interval: period,
  timeout: period,
  failures: times,
  startDelay: fields.seconds,
};

const health = check<HealthOptions>(
  "{ probe, interval, timeout, failures, startDelay }",
  (value) => isRecord(value) && value.probe !== undefined,
);

export const supervisionChecks: Checks<SupervisionOptions> = {
  readiness: check(
    '"exec", notify(), portAnswers(…) or commandSucceeds(…)',
    (value) => value === "exec" || isMade(value),
  ),
  readinessTimeout: period,
  notifyAccess: check('"main" or "all"', (value) => value === "main" || value === "all"),
  watchdog: period,
  fileDescriptorStoreMax: check(
    `a number from 0 to ${mostStored}`,
    (value) => isCount(value) && value <= mostStored,
  ),
  health,
};

/** What single fields do not tell: those of `health`, and which options do not go together. */
export function checkSupervision(
  of: Subject,
  options: SupervisionOptions & { readonly pidFile?: string },
  lazyStart = false,
): void {
  const { readiness = "exec", pidFile } = options;
  if (options.health !== undefined) {
    const { probe: asked } = checkFields<HealthOptions>(
      { ...of, what: `${of.what}: field "health"` },
      options.health,
      healthChecks,
    );
    if (asked.attempts !== undefined)
      fail(of, 'field "health": its probe has "attempts", which is about starts; say "failures"');
  }
  if (lazyStart && readiness !== "exec")
    fail(
      of,
      'field "readiness": a program that the first connection starts needs "lazyStart: false" for that',
    );
  if (pidFile !== undefined && readiness !== "exec" && readiness.type === "notify")
    fail(of, 'fields "readiness" and "pidFile": a program that notifies names its process itself (MAINPID)');
}

/** The supervision of a service whose start this is; that of a function has none. */
export function supervisionOf(data: BuiltinStart | undefined): SupervisionOptions {
  if (data?.kind === "unit") return unitSupervision(data);
  return data?.kind === "forkexec" || data?.kind === "systemd" ? data.options : {};
}

/** Whether its processes get a notify socket. */
export function hasNotifySocket(options: SupervisionOptions): boolean {
  const { readiness = "exec", watchdog, fileDescriptorStoreMax = 0, notifyAccess } = options;
  const isAsked = readiness !== "exec" && readiness.type === "notify";
  return isAsked || watchdog !== undefined || fileDescriptorStoreMax > 0 || notifyAccess !== undefined;
}

/** Whether something of this goes on after the start, so that only a service's whole start can have it. */
export function outlivesStart(options: SupervisionOptions): boolean {
  return hasNotifySocket(options) || options.health !== undefined;
}
