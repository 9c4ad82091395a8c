// The built-in constructors and destructors, as the manual's "Service De- and Constructors" has them: data that is
// checked here, and can be called inside a start function of one's own.

import { constants } from "node:os";
import { type Checks, check, checkFields, checkValue, fail, isRecord, type Subject } from "./check.js";
import { fields, isText, listOf } from "./fields.js";
import { frozenCopy } from "./freeze.js";
import { forkexecChecks, processChecks } from "./process-options.js";
import { runtime } from "./runtime.js";
import {
  type BuiltinStart,
  type BuiltinStop,
  builtin,
  type Constructor,
  type Destructor,
  type ForkexecOptions,
  type KillOptions,
  type ProcessOptions,
  type RunningValue,
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
  const of = { what: "makeForkexecConstructor" };
  return carryingStart({
    kind: "forkexec",
    command: checkValue(of, command, fields.command),
    options: checkFields(of, options, forkexecChecks),
  });
}

/** The manual's default: how a service's process is ended where nothing else is said. */
const usualKill = { kind: "kill", signal: constants.signals.SIGTERM, gracePeriod: 5 } as const;

const killChecks: Checks<KillOptions> = {
  signal: check('a signal\'s number, or its name such as "SIGTERM"', (value) => isSignal(value)),
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
  of: Subject,
  parts: readonly (string | ProcessOptions)[],
): { readonly command: string; readonly options: ProcessOptions } {
  const last = parts.at(-1);
  const options = isRecord(last) ? checkFields<ProcessOptions>(of, last, processChecks) : {};
  const command = checkValue(of, isRecord(last) ? parts.slice(0, -1) : parts, commandParts).join("");
  if (command === "") fail(of, `expected ${commandParts.expected}, got nothing`);
  return { command, options };
}

function carryingStart(data: BuiltinStart): Constructor {
  const own = frozenCopy(data);
  return carrying(() => runtime().runStart(own), own);
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
function signalNumber(signal: number | string): number | undefined {
  if (typeof signal === "number")
    return Number.isInteger(signal) && signal >= 1 && signal <= 64 ? signal : undefined;
  const name = signal.toUpperCase().replace(/^(SIG)?/, "SIG");
  return (constants.signals as Readonly<Record<string, number | undefined>>)[name];
}
