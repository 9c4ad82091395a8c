// The built-in constructors and destructors, as the manual's "Service De- and Constructors" has them: data that is
// checked here, and can be called inside a start function of one's own.

import { constants } from "node:os";
import { check, checkFields, checks, fail, isRecord, type Subject, show, subject } from "./check.js";
import { forkexecChecks, processChecks } from "./process-options.js";
import { runtime } from "./runtime.js";
import {
  type BuiltinStart,
  type BuiltinStop,
  builtin,
  type Constructor,
  type Destructor,
  type ForkexecOptions,
  type ProcessOptions,
} from "./types.js";

/**
 * Runs a program: the service runs as long as its process does.
 *
 * The program is looked up in PATH unless it has a slash. The start succeeds once the program was executed or, with
 * `pidFile`, once that file names a living process, which then is the service's. It fails with the stage, the file and
 * the reason when the program cannot be executed, its user taken, its directory entered or its log file opened.
 */
export function makeForkexecConstructor(
  command: readonly string[],
  options: ForkexecOptions = {},
): Constructor {
  const of = subject("makeForkexecConstructor");
  if (!checks.command.matches(command)) fail(of, `expected ${checks.command.expected}, got ${show(command)}`);
  checkFields(of, options, forkexecChecks);
  const [program, ...args] = command as readonly [string, ...string[]];
  return constructorOf({ kind: "forkexec", command: [program, ...args], options: { ...options } });
}

export interface KillOptions {
  /** A number or a name, such as `"SIGINT"` or `"INT"`; default TERM. */
  readonly signal?: number | string;
  /** Seconds until KILL; default 5. */
  readonly gracePeriod?: number;
}

/**
 * Ends the service's process: sends `signal` (default TERM) to its process group, and KILL when `gracePeriod` seconds
 * (default 5) are over. What left the group or the session is ended too.
 */
export function makeKillDestructor(
  signal?: number | string | KillOptions,
  options: KillOptions = {},
): Destructor {
  const of = subject("makeKillDestructor");
  const given = isRecord(signal)
    ? (signal as KillOptions)
    : { ...options, ...(signal === undefined ? {} : { signal }) };
  checkFields(of, given, {
    signal: check(
      'a signal\'s number, or its name such as "SIGTERM"',
      (value) => signalNumber(value) !== undefined,
    ),
    gracePeriod: checks.duration,
  });
  return destructorOf({
    kind: "kill",
    signal: signalNumber(given.signal ?? "SIGTERM") ?? constants.signals.SIGTERM,
    gracePeriod: given.gracePeriod ?? 5,
  });
}

/** Runs a shell command, the concatenation of the strings; the start succeeds if it exits with 0. A last object has options. */
export function makeSystemConstructor(...parts: readonly (string | ProcessOptions)[]): Constructor {
  return constructorOf({ kind: "system", ...systemCommand(subject("makeSystemConstructor"), parts) });
}

/** Runs a shell command, the concatenation of the strings, to stop the service. A last object has options. */
export function makeSystemDestructor(...parts: readonly (string | ProcessOptions)[]): Destructor {
  return destructorOf({ kind: "system", ...systemCommand(subject("makeSystemDestructor"), parts) });
}

function systemCommand(
  of: Subject,
  parts: readonly (string | ProcessOptions)[],
): { readonly command: string; readonly options: ProcessOptions } {
  const last = parts.at(-1);
  const options = isRecord(last) ? (last as ProcessOptions) : {};
  const words = isRecord(last) ? parts.slice(0, -1) : parts;
  const command = words.join("");
  if (!words.every(checks.isText) || command === "")
    fail(of, `expected strings that make a command, got ${show(words)}`);
  checkFields(of, options, processChecks);
  return { command, options: { ...options } };
}

function constructorOf(data: BuiltinStart): Constructor {
  return carry(() => runtime().runStart(data), data);
}

/** The destructor that `service` takes where none is given. */
export function destructorOf(data: BuiltinStop): Destructor {
  return carry((value: Parameters<Destructor>[0]) => runtime().runStop(data, value), data);
}

function carry<F extends object, D extends object>(call: F, data: D): F & { readonly [builtin]: D } {
  return Object.freeze(Object.assign(call, { [builtin]: Object.freeze(data) }));
}

function signalNumber(signal: unknown): number | undefined {
  if (typeof signal === "number")
    return Number.isInteger(signal) && signal >= 1 && signal <= 64 ? signal : undefined;
  if (typeof signal !== "string") return undefined;
  const name = signal.toUpperCase().replace(/^(SIG)?/, "SIG");
  return (constants.signals as Readonly<Record<string, number>>)[name];
}
