// Command lines, as ExecStart= and its like have them: prefixes, words, several commands in one line.

import { show } from "../../src/daemon/definition/check.js";
import { BadValue, type ValueContext } from "../values/type.js";
import { nextWord } from "./next-word.js";
import { isAbsolute, isFileName, isValidPath, simplifyPath } from "./path.js";
import { hasControls } from "./text.js";
import { type WordOptions, WordReader } from "./words.js";

/**
 * With what rights a command runs. `unit`: as the unit says. `full` (`+`): as the supervisor, in no sandbox. `no-setuid`
 * (`!`): in the unit's sandbox, but as the supervisor's user. `ambient` (`!!`): as the unit says, where the kernel has
 * ambient capabilities.
 */
export type Privileges = "unit" | "full" | "no-setuid" | "ambient";

export interface Command {
  /** An absolute name, or one that is looked for in the search path of executables. */
  readonly path: string;
  /** What the program gets, its own name (argv[0]) first; variables are not expanded yet. */
  readonly argv: readonly [string, ...string[]];
  /** `-`: a failure counts as a success. */
  readonly ignoreFailure: boolean;
  /** False after `:`: `$` is an ordinary character. */
  readonly expandVariables: boolean;
  readonly privileges: Privileges;
}

export interface CommandLine {
  readonly commands: readonly Command[];
  /** Why what follows the commands could not be read, though it may be left out. */
  readonly problem?: string;
}

const wordOptions: WordOptions = { cEscapes: true };

/**
 * Reads the commands of one assignment, which `;` as a word of its own separates. A mistake in a command whose failure is
 * to be ignored is a problem; all others make the unit unusable.
 *
 * @throws BadValue
 */
export function parseCommandLine(text: string, context: ValueContext): CommandLine {
  const reader = new WordReader(text);
  const commands: Command[] = [];
  for (;;) {
    const first = firstWord(reader, context);
    if (first === undefined) return { commands };
    const prefix = parsePrefix(first);
    try {
      const { command, more } = parseCommand(reader, prefix, context);
      commands.push(command);
      if (!more) return { commands };
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      if (!prefix.ignoreFailure) throw new BadValue(error.message, true);
      return { commands, problem: error.message };
    }
  }
}

/** The word that a command begins with. A lone `;` separates nothing. */
function firstWord(reader: WordReader, context: ValueContext): string | undefined {
  let word: string | undefined;
  do word = nextWord(reader, wordOptions, context);
  while (word === ";");
  return word;
}

interface Prefix {
  readonly program: string;
  readonly ignoreFailure: boolean;
  readonly ownName: boolean;
  readonly expandVariables: boolean;
  readonly privileges: Privileges;
}

/** Takes the prefixes off: each once, in any order, and only one that is about privileges. */
function parsePrefix(word: string): Prefix {
  let ignoreFailure = false;
  let ownName = false;
  let expandVariables = true;
  let privileges: Privileges = "unit";
  let at = 0;
  for (; ; at += 1) {
    const character = word.charAt(at);
    if (character === "-" && !ignoreFailure) ignoreFailure = true;
    else if (character === "@" && !ownName) ownName = true;
    else if (character === ":" && expandVariables) expandVariables = false;
    else if (character === "+" && privileges === "unit") privileges = "full";
    else if (character === "!" && privileges === "unit") privileges = "no-setuid";
    else if (character === "!" && privileges === "no-setuid") privileges = "ambient";
    else break;
  }
  return { program: word.slice(at), ignoreFailure, ownName, expandVariables, privileges };
}

/** The command whose first word was read, and whether another one follows. */
function parseCommand(
  reader: WordReader,
  prefix: Prefix,
  context: ValueContext,
): { readonly command: Command; readonly more: boolean } {
  const { ignoreFailure, expandVariables, privileges } = prefix;
  const program = checkProgram(context.expand(prefix.program));
  const words = prefix.ownName ? [] : [program];
  const more = readArguments(reader, words, context);
  const [name, ...rest] = words;
  if (name === undefined || name === "")
    throw new BadValue('expected the name that the program is told after "@", got none');
  const path = simplifyPath(program);
  return { command: { path, argv: [name, ...rest], ignoreFailure, expandVariables, privileges }, more };
}

function checkProgram(program: string): string {
  if (program === "") throw new BadValue("expected a program, got none");
  if (hasControls(program) || /["'\\]/.test(program))
    throw new BadValue(
      `expected a program without quotes, backslashes and control characters, got ${show(program)}`,
    );
  if (program.endsWith("/")) throw new BadValue(`expected a program, got a directory, ${show(program)}`);
  if (!(isAbsolute(program) ? isValidPath(program) : isFileName(program)))
    throw new BadValue(
      `expected an absolute name of a program, or one without slashes, got ${show(program)}`,
    );
  return program;
}

/** Adds the words up to the end or to a `;`; true after that. */
function readArguments(reader: WordReader, words: string[], context: ValueContext): boolean {
  for (;;) {
    if (reader.isAt(";")) {
      reader.skip(1);
      return true;
    }
    if (reader.isAt("\\;")) {
      reader.skip(2);
      words.push(";");
      continue;
    }
    const word = nextWord(reader, wordOptions, context);
    if (word === undefined) return false;
    words.push(context.expand(word));
  }
}
