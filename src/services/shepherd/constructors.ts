// The constructors and actions of `shepherd-ts`, for composed systems: words of their commands may be files as values, which
// become the names that the files have at run time, and are remembered so that the files are put in place.

import { type Check, checkValue, isRecord } from "../../daemon/definition/check.js";
import {
  makeForkexecConstructor as forkexecConstructor,
  makeInetdConstructor as inetdConstructor,
  makeSystemConstructor as systemConstructor,
  makeSystemDestructor as systemDestructor,
  makeSystemdConstructor as systemdConstructor,
} from "../../daemon/definition/constructors.js";
import { isText, listOf } from "../../daemon/definition/fields.js";
import { secretsIn } from "../../daemon/definition/secrets.js";
import { shepherdConfigurationAction as configurationAction } from "../../daemon/definition/service.js";
import type {
  Constructor,
  Destructor,
  Endpoint,
  ForkexecOptions,
  InetdOptions,
  ProcessOptions,
  SystemdOptions,
} from "../../daemon/definition/types.js";
import {
  type TimerOptions,
  command as timerCommand,
  makeTimerConstructor as timerConstructor,
} from "../../daemon/timers/builders.js";
import type { CalendarEvent } from "../../daemon/timers/calendar/event.js";
import type { Interval, TimerCommand, TimerProcedure } from "../../daemon/timers/types.js";
import { type FileLike, fileLikeCheck, filePath, isFileLike } from "../files/file-like.js";
import { filesOf, withFiles } from "./files-of.js";
import type { ShepherdAction } from "./service.js";

/** A word of a command: a string, or a file, which stands for its name. */
export type CommandWord = string | FileLike;

const isWord = (value: unknown): boolean => isText(value) || isFileLike(value);
const commandCheck: Check<readonly CommandWord[]> = listOf(
  "a list of strings and files, the program first",
  isWord,
  1,
);

/**
 * As `makeForkexecConstructor` of `shepherd-ts`, with files among the words of the command.
 *
 * @example makeForkexecConstructor([fileAppend(tor, "/bin/tor"), "-f", torrc], { user: "tor", group: "tor" })
 * @throws DefinitionError where the command or an option is not what it should be
 */
export function makeForkexecConstructor(
  command: readonly CommandWord[],
  options: ForkexecOptions = {},
): Constructor {
  const words = lowered("makeForkexecConstructor", command, options);
  return withFiles(forkexecConstructor(words, options), command);
}

/**
 * As `makeSystemdConstructor` of `shepherd-ts`, with files among the words of the command.
 *
 * @throws DefinitionError where the command, an endpoint or an option is not what it should be
 */
export function makeSystemdConstructor(
  command: readonly CommandWord[],
  endpoints: readonly Endpoint[],
  options: SystemdOptions = {},
): Constructor {
  const words = lowered("makeSystemdConstructor", command, options);
  return withFiles(systemdConstructor(words, endpoints, options), command);
}

/**
 * As `makeInetdConstructor` of `shepherd-ts`, with files among the words of the command.
 *
 * @throws DefinitionError where the command, an endpoint or an option is not what it should be
 */
export function makeInetdConstructor(
  command: readonly CommandWord[],
  endpoints: readonly Endpoint[],
  options: InetdOptions = {},
): Constructor {
  const words = lowered("makeInetdConstructor", command, options);
  return withFiles(inetdConstructor(words, endpoints, options), command);
}

/** What makes a shell command, and at the end options for it. */
type SystemParts = readonly (CommandWord | ProcessOptions)[];

/**
 * As `makeSystemConstructor` of `shepherd-ts`, with files among the parts of the shell command.
 *
 * @example makeSystemConstructor(fileAppend(utilLinux, "/bin/mount"), " -a")
 * @throws DefinitionError where there is no command, or an option is not what it should be
 */
export function makeSystemConstructor(...parts: SystemParts): Constructor {
  return withFiles(systemConstructor(...parts.map(loweredPart)), parts.filter(isFileLike));
}

/**
 * As `makeSystemDestructor` of `shepherd-ts`, with files among the parts of the shell command.
 *
 * @throws DefinitionError where there is no command, or an option is not what it should be
 */
export function makeSystemDestructor(...parts: SystemParts): Destructor {
  return withFiles(systemDestructor(...parts.map(loweredPart)), parts.filter(isFileLike));
}

/**
 * As `command` of `shepherd-ts`, a program for `makeTimerConstructor`, with files among its words.
 *
 * @throws DefinitionError where a word or an option is not what it should be
 */
export function command(
  words: readonly CommandWord[],
  options: Omit<ProcessOptions, "logFile"> = {},
): TimerCommand {
  return withFiles(timerCommand(lowered("command", words, options), options), words);
}

/**
 * As `makeTimerConstructor` of `shepherd-ts`, for commands with files among their words.
 *
 * @throws DefinitionError where the schedule, the action or an option is not what it should be
 */
export function makeTimerConstructor(
  schedule: CalendarEvent | Interval,
  action: TimerCommand | TimerProcedure,
  options: TimerOptions = {},
): Constructor {
  return withFiles(timerConstructor(schedule, action, options), filesOf(action));
}

/**
 * As `shepherdConfigurationAction` of `shepherd-ts`, for a file as a value: `cat $(herd configuration tor)`.
 *
 * @throws DefinitionError where `file` is no file
 */
export function shepherdConfigurationAction(file: FileLike): ShepherdAction {
  const checked = checkValue({ what: "shepherdConfigurationAction" }, file, fileLikeCheck);
  const action = configurationAction(filePath(checked));
  withFiles(action.procedure, [checked]);
  return action;
}

/** The command as words; `what` is the builder, whose `options` may tell what no message shows. */
function lowered(what: string, command: readonly CommandWord[], options: unknown): readonly string[] {
  return checkValue({ what, secrets: secretsIn(options) }, command, commandCheck).map(nameOf);
}

const nameOf = (word: CommandWord): string => (typeof word === "string" ? word : filePath(word));

/** Options are records too: what is no file is left for the constructor to check. */
function loweredPart(part: CommandWord | ProcessOptions): string | ProcessOptions {
  return isRecord(part) && isFileLike(part) ? filePath(part) : (part as string | ProcessOptions);
}
