// Values that are command lines, and what goes with them: the environment and the accounts that they run with.

import { show } from "../../src/daemon/definition/check.js";
import { isAccountName } from "../parser/account-name.js";
import { type Command, parseCommandLine } from "../parser/command-line.js";
import { isVariableName, parseVariable } from "../parser/environment.js";
import { WordError, WordReader } from "../parser/words.js";
import { absolutePath, vitally } from "./files.js";
import { listOf, tolerate } from "./lists.js";
import { BadValue, mismatch, scalar, type ValueContext, type ValueType } from "./type.js";

/** Commands, in order; an empty assignment takes back those before it. */
export const commands: ValueType<readonly Command[]> = {
  expected: "a command line",
  parse(text, previous = [], context) {
    if (text === "") return undefined;
    const { commands: found, problem } = parseCommandLine(text, context);
    if (problem !== undefined)
      context.warn(problem, "the command is left out, since its failure would be ignored");
    return [...previous, ...found];
  },
};

/** Variables and their values; of several of a name the last counts. */
export const environment: ValueType<ReadonlyMap<string, string>> = {
  expected: 'assignments such as "NAME=VALUE"',
  parse(text, previous = new Map(), context) {
    if (text === "") return undefined;
    const variables = new Map(previous);
    const reader = new WordReader(text);
    for (let word = nextVariable(reader, context); word !== undefined; word = nextVariable(reader, context)) {
      const given = word;
      const variable = tolerate(context, () => readVariable(given, context));
      if (variable !== undefined) variables.set(...variable);
    }
    return variables;
  },
};

function readVariable(word: string, context: ValueContext): readonly [name: string, value: string] {
  const expanded = context.expand(word);
  const variable = parseVariable(expanded);
  if (variable === undefined) throw new BadValue(mismatch("an assignment of a variable", expanded));
  return variable;
}

/** The next assignment; undefined also where the rest is not readable, of which nothing is used. */
function nextVariable(reader: WordReader, context: ValueContext): string | undefined {
  try {
    return reader.next({ cEscapes: true });
  } catch (error) {
    if (!(error instanceof WordError)) throw error;
    context.warn(`${error.message} in ${show(reader.rest)}`, "the rest of the line is ignored");
    return undefined;
  }
}

/** A file of variables. */
export interface EnvironmentFileReference {
  /** Absolute; it may have wildcards, and then stands for all that match. */
  readonly path: string;
  /** `-`: it need not exist. */
  readonly optional: boolean;
}

export const environmentFiles: ValueType<readonly EnvironmentFileReference[]> = {
  expected: "the absolute name of a file",
  parse(text, previous = [], context) {
    if (text === "") return undefined;
    const expanded = context.expand(text);
    const optional = expanded.startsWith("-");
    return [...previous, { path: absolutePath(optional ? expanded.slice(1) : expanded), optional }];
  },
};

/** Names of variables. */
export const variableNames: ValueType<readonly string[]> = listOf(
  { expected: "names of variables", repeats: false },
  (word, context) => {
    const name = context.expand(word);
    if (isVariableName(name)) return name;
    throw new BadValue(mismatch("the name of a variable", name));
  },
);

/** Names of variables, or assignments of which only such a value is meant. */
export const variablesToUnset: ValueType<readonly string[]> = listOf(
  { expected: "names of variables, or assignments", words: { cEscapes: true }, repeats: false },
  (word, context) => {
    const expanded = context.expand(word);
    if (isVariableName(expanded) || parseVariable(expanded) !== undefined) return expanded;
    throw new BadValue(mismatch("the name or an assignment of a variable", expanded));
  },
);

const accountRule = "the name or number of an account";

function readAccount(text: string, context: ValueContext): string {
  const name = vitally(() => context.expand(text));
  if (!isAccountName(name)) throw new BadValue(mismatch(accountRule, name), true);
  return name;
}

/** A user or a group: with a wrong one the unit would run with other rights. */
export const account = scalar(accountRule, readAccount, { emptyResets: true, refuses: true });

export const accounts: ValueType<readonly string[]> = listOf(
  { expected: "names or numbers of groups" },
  readAccount,
);
