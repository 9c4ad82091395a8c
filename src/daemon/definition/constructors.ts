// The built-in constructors and destructors, as the manual's "Service De- and Constructors" has them: data that is
// checked here, and can be called inside a start function of one's own.

import { constants } from "node:os";
import { basename } from "node:path";
import { checkSupervision, supervisionChecks } from "../readiness/options.js";
import { type Checks, check, checkFields, checkValue, fail, isRecord, type Subject } from "./check.js";
import { addressText, endpointList, sameAddress } from "./endpoint.js";
import { fields, isCount, isName, isText, listOf } from "./fields.js";
import { frozenCopy } from "./freeze.js";
import { forkexecChecks, processChecks } from "./process-options.js";
import { runtime } from "./runtime.js";
import { secretsIn } from "./secrets.js";
import {
  type BuiltinStart,
  type BuiltinStop,
  builtin,
  type Constructor,
  type Destructor,
  type Endpoint,
  type ForkexecOptions,
  type InetdData,
  type InetdOptions,
  type KillOptions,
  type ProcessOptions,
  type RunningValue,
  type SystemdData,
  type SystemdOptions,
} from "./types.js";

/**
 * Runs a program; the service runs as long as its process does.
 *
 * `command` is the program and its arguments, without a shell; a program without a slash is looked up in PATH. The start
 * succeeds once the program is executed or, with `pidFile`, once that file names a living process, which then is the
 * service's. It fails, saying at which stage and why, where the program cannot be executed, the user's identity not be
 * taken, the directory not be entered or the log file not be opened.
 *
 * @example makeForkexecConstructor(["/usr/sbin/nginx", "-g", "daemon off;"], { logFile: "/var/log/nginx.log" })
 * @throws DefinitionError where the command or an option is not what it should be
 */
export function makeForkexecConstructor(
  command: readonly string[],
  options: ForkexecOptions = {},
): Constructor {
  const of = { what: "makeForkexecConstructor", secrets: secretsIn(options) };
  const data = {
    kind: "forkexec",
    command: checkValue(of, command, fields.command),
    options: checkFields(of, options, forkexecChecks),
  } as const;
  checkSupervision(of, data.options);
  const { terminal, createSession, pidFile } = data.options;
  if (terminal !== undefined && terminal !== false) {
    if (createSession === false) fail(of, "terminal: needs a session, which createSession: false refuses");
    if (pidFile !== undefined)
      fail(
        of,
        "terminal: not with pidFile, since the terminal is hung up when the program goes to the background",
      );
  }
  return carryingStart(data);
}

/**
 * Runs a program that gets sockets which listen already, from descriptor 3 on: it finds LISTEN_FDS, LISTEN_FDNAMES and
 * LISTEN_PID in its environment, as `sd_listen_fds` wants them. It is started by the first connection or datagram or, with
 * `lazyStart: false`, at once. The sockets stay when it is respawned, when the service is restarted, and when the
 * supervisor dies.
 *
 * @example makeSystemdConstructor(["/usr/bin/mpd", "--no-daemon"], [endpoint("/run/mpd/socket")], { user: "mpd" })
 * @throws DefinitionError where the command, an endpoint or an option is not what it should be
 */
export function makeSystemdConstructor(
  command: readonly string[],
  endpoints: readonly Endpoint[],
  options: SystemdOptions = {},
): Constructor {
  const of = { what: "makeSystemdConstructor", secrets: secretsIn(options) };
  const { lazyStart = true, ...rest } = checkFields<SystemdOptions>(of, options, {
    ...processChecks,
    ...supervisionChecks,
    lazyStart: fields.flag,
  });
  checkSupervision(of, rest, lazyStart);
  return carryingListener(of, {
    kind: "systemd",
    command: checkValue(of, command, fields.command),
    endpoints: checkEndpoints(of, endpoints),
    lazyStart,
    options: rest,
  });
}

const { logFile: _noLog, ...unloggedChecks } = processChecks;
const inetdChecks: Checks<InetdOptions> = {
  ...unloggedChecks,
  serviceNameStem: fields.name,
  requirements: fields.names,
  maxConnections: check(
    "a number from 1 to 10000",
    (value) => isCount(value) && value >= 1 && value <= 10_000,
  ),
};

/** The manual's default. */
const defaultMaxConnections = 100;
/** What is left of a name's 200 bytes for the connection's number. */
const longestStem = 180;

/**
 * Runs a program for each connection, which is its standard input, output and error, as a service of its own: STEM-1,
 * STEM-2, … It finds TCPLOCALIP, TCPLOCALPORT, TCPREMOTEIP and TCPREMOTEPORT in its environment where they apply.
 * Connections live on when this service is stopped.
 *
 * @example makeInetdConstructor(["/usr/sbin/sshd", "-i"], [endpoint("[::]:22")], { maxConnections: 10 })
 * @throws DefinitionError where the command, an endpoint or an option is not what it should be
 */
export function makeInetdConstructor(
  command: readonly string[],
  endpoints: readonly Endpoint[],
  options: InetdOptions = {},
): Constructor {
  const of = { what: "makeInetdConstructor", secrets: secretsIn(options) };
  const program = checkValue(of, command, fields.command);
  const checked = checkEndpoints(of, endpoints);
  const datagram = checked.find(({ style }) => style === "datagram");
  if (datagram !== undefined)
    fail(
      of,
      `endpoint ${addressText(datagram.address)}: a datagram socket has no connections; use makeSystemdConstructor`,
    );
  const {
    serviceNameStem: stem = basename(program[0]),
    requirements = [],
    maxConnections = defaultMaxConnections,
    ...rest
  } = checkFields<InetdOptions>(of, options, inetdChecks);
  if (!isName(stem) || Buffer.byteLength(stem) > longestStem)
    fail(
      of,
      `field "serviceNameStem": expected ${fields.name.expected}, at most ${longestStem}, got "${stem}"`,
    );
  return carryingListener(of, {
    kind: "inetd",
    command: program,
    endpoints: checked,
    stem,
    requirements,
    maxConnections,
    options: rest,
  });
}

function checkEndpoints(of: Subject, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const checked = checkValue(of, endpoints, endpointList);
  const twice = checked.find((one, index) =>
    checked.slice(0, index).some((other) => sameAddress(one, other)),
  );
  if (twice !== undefined) fail(of, `endpoint ${addressText(twice.address)} is given twice`);
  return checked;
}

/** The manual's default: how a service's process is ended where nothing else is said. */
const usualKill = { kind: "kill", signal: constants.signals.SIGTERM, gracePeriod: 5 } as const;

export const signalField = check<number | string>(
  'a signal\'s number, or its name such as "SIGTERM"',
  (value) => isSignal(value),
);

const killChecks: Checks<KillOptions> = {
  signal: signalField,
  gracePeriod: fields.seconds,
};

/**
 * Ends the service's process: sends `signal` (a number or a name such as `"SIGINT"` or `"INT"`; default TERM) to its
 * process group, and KILL after `gracePeriod` seconds (default 5). A service without a process is just stopped.
 *
 * @example makeKillDestructor("SIGQUIT", { gracePeriod: 30 })
 * @throws DefinitionError where the signal does not exist or the grace period is no number of seconds
 */
export function makeKillDestructor(
  signal?: number | string | KillOptions,
  options?: Omit<KillOptions, "signal">,
): Destructor {
  const of = { what: "makeKillDestructor" };
  if (isRecord(signal) && options !== undefined) fail(of, "expected one object with options, got two");
  const { signal: given = usualKill.signal, gracePeriod = usualKill.gracePeriod } = isRecord(signal)
    ? checkFields<KillOptions>(of, signal, killChecks)
    : {
        ...checkFields<Omit<KillOptions, "signal">>(of, options ?? {}, { gracePeriod: fields.seconds }),
        ...(signal === undefined
          ? {}
          : { signal: checkValue(of, signal, killChecks.signal) as number | string }),
      };
  return carryingStop({ kind: "kill", signal: signalNumber(given) ?? usualKill.signal, gracePeriod });
}

/**
 * The stop of a service whose start is `makeInetdConstructor`: nobody listens any more, and connections that are open go on
 * to their end. It is what a service without `stop` does; the name is the manual's.
 */
export function makeInetdDestructor(): Destructor {
  return usualStop;
}

/**
 * The stop of a service whose start is `makeSystemdConstructor`: its process, if it has one by then, is ended as by
 * `makeKillDestructor`, and nobody listens any more. The name is the manual's.
 *
 * @throws DefinitionError where the signal does not exist or the grace period is no number of seconds
 */
export function makeSystemdDestructor(options: KillOptions = {}): Destructor {
  return makeKillDestructor(options);
}

/** The stop of a service that names none. */
export const usualStop: Destructor = carryingStop(usualKill);

/**
 * Runs a shell command, the strings put together; the start succeeds if it exits with 0, and the running value is `true`.
 * A last argument that is an object has options.
 *
 * @example makeSystemConstructor("mount -a")
 * @throws DefinitionError where there is no command, or an option is not what it should be
 */
export function makeSystemConstructor(...parts: readonly (string | ProcessOptions)[]): Constructor {
  return carryingStart({ kind: "system", ...systemCommand({ what: "makeSystemConstructor" }, parts) });
}

/**
 * Runs a shell command, the strings put together, to stop the service; where it does not exit with 0 the log says that
 * the service might have failed to stop. A last argument that is an object has options.
 *
 * @example makeSystemDestructor("umount ", directory)
 * @throws DefinitionError where there is no command, or an option is not what it should be
 */
export function makeSystemDestructor(...parts: readonly (string | ProcessOptions)[]): Destructor {
  return carryingStop({ kind: "system", ...systemCommand({ what: "makeSystemDestructor" }, parts) });
}

const commandParts = listOf<string>("strings that make a command", isText, 1);

function systemCommand(
  subject: Subject,
  parts: readonly (string | ProcessOptions)[],
): { readonly command: string; readonly options: ProcessOptions } {
  const last = parts.at(-1);
  const of: Subject = { ...subject, secrets: secretsIn(last) };
  const options = isRecord(last) ? checkFields<ProcessOptions>(of, last, processChecks) : {};
  const command = checkValue(of, isRecord(last) ? parts.slice(0, -1) : parts, commandParts).join("");
  if (command === "") fail(of, `expected ${commandParts.expected}, got nothing`);
  return { command, options };
}

function carryingStart(data: BuiltinStart): Constructor {
  const own = frozenCopy(data);
  return carrying(() => runtime().runStart(own), own);
}

/** Its service listens on beyond the start: that is no step of another start. */
function carryingListener({ what }: Subject, data: SystemdData | InetdData): Constructor {
  return carrying(() => {
    throw new Error(`${what}: this is a service's whole start, and cannot be called in a start function`);
  }, frozenCopy(data));
}

function carryingStop(data: BuiltinStop): Destructor {
  const own = frozenCopy(data);
  return carrying((value: RunningValue) => runtime().runStop(own, value), own);
}

function carrying<F extends object, D>(call: F, data: D): F & { readonly [builtin]: D } {
  return Object.freeze(Object.assign(call, { [builtin]: data }));
}

function isSignal(value: unknown): boolean {
  return (typeof value === "number" || typeof value === "string") && signalNumber(value) !== undefined;
}

/** Numbers reach the real-time signals too, which have no names here. */
export function signalNumber(signal: number | string): number | undefined {
  if (typeof signal === "number")
    return Number.isInteger(signal) && signal >= 1 && signal <= 64 ? signal : undefined;
  const name = signal.toUpperCase().replace(/^(SIG)?/, "SIG");
  return (constants.signals as Readonly<Record<string, number | undefined>>)[name];
}
