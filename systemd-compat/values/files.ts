// Values that are names of files and directories.

import { show } from "../../src/daemon/definition/check.js";
import { nextWord } from "../parser/next-word.js";
import { isAbsolute, isNormalized, isValidPath, simplifyPath, withoutVarRun } from "../parser/path.js";
import { WordReader } from "../parser/words.js";
import { leftOut, listOf } from "./lists.js";
import { BadValue, scalar, type ValueContext, type ValueType } from "./type.js";

/** An absolute path, simplified. @throws BadValue */
export function absolutePath(path: string): string {
  if (!isAbsolute(path)) throw new BadValue(`expected an absolute path, got ${show(path)}`);
  return normalized(path);
}

/** A relative path, simplified. @throws BadValue */
export function relativePath(path: string): string {
  if (isAbsolute(path)) throw new BadValue(`expected a relative path, got ${show(path)}`);
  return normalized(path);
}

function normalized(path: string): string {
  const simple = simplifyPath(path);
  if (!isValidPath(simple)) throw new BadValue(`expected a path that the kernel takes, got ${show(path)}`);
  if (!isNormalized(simple)) throw new BadValue(`expected a path without "..", got ${show(path)}`);
  return simple;
}

/** What `read` gives; where it fails, the unit is refused. */
export function vitally<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw error instanceof BadValue ? new BadValue(error.message, true) : error;
  }
}

/** An absolute path with specifiers; what is empty, also once these are replaced, takes back what was assigned before. */
function pathType(refuses: boolean): ValueType<string> {
  const read = (text: string, context: ValueContext) => {
    const expanded = context.expand(text);
    return expanded === "" ? undefined : absolutePath(expanded);
  };
  return {
    expected: "an absolute path",
    parse: (text, _previous, context) => (refuses ? vitally(() => read(text, context)) : read(text, context)),
  };
}
export const path = pathType(false);
/** One without which the unit would run elsewhere than it says. */
export const vitalPath = pathType(true);

/** Absolute paths between colons. */
export const searchPath: ValueType<readonly string[]> = listOf(
  { expected: "absolute paths between colons", words: { separators: ":" } },
  (word, context) => absolutePath(context.expand(word)),
);

/** Absolute paths, which no assignment takes back. */
export const dependencyPaths: ValueType<readonly string[]> = listOf(
  { expected: "absolute paths", repeats: false, emptyResets: false },
  (word, context) => absolutePath(context.expand(word)),
);

/** A place in the unit's own view of the file system. */
export interface SandboxPath {
  readonly path: string;
  /** `-`: it need not exist. */
  readonly optional: boolean;
  /** `+`: it is below the unit's root directory, if that is another. */
  readonly inRoot: boolean;
}

export const sandboxPaths: ValueType<readonly SandboxPath[]> = listOf(
  { expected: 'absolute paths, with "-" before one that need not exist' },
  (word, context) => {
    const [, minus = "", plus = "", rest = ""] = /^(-?)(\+?)([\s\S]*)$/.exec(word) ?? [];
    return { path: absolutePath(context.expand(rest)), optional: minus !== "", inRoot: plus !== "" };
  },
);

/** One place that shows what is at another. */
export interface BindPath {
  readonly source: string;
  readonly destination: string;
  /** `-`: the source need not exist. */
  readonly optional: boolean;
  /** Whether what is mounted below the source is seen too. */
  readonly recursive: boolean;
}

export const bindPaths: ValueType<readonly BindPath[]> = listOf(
  { expected: 'paths, or pairs of them such as "/from:/to"', words: { keepBackslashes: true } },
  readBind,
);

function readBind(word: string, context: ValueContext): BindPath {
  const [source = "", destination = source, option = "rbind", ...more] = colonSeparated(word, context, false);
  if (more.length > 0 || !["", "rbind", "norbind"].includes(option))
    throw new BadValue(
      `expected "rbind" or "norbind" after the paths, got ${show([option, ...more].join(":"))}`,
    );
  const optional = source.startsWith("-");
  const from = absolutePath(context.expand(optional ? source.slice(1) : source));
  const to = destination === source ? from : absolutePath(context.expand(destination));
  return { source: from, destination: to, optional, recursive: option !== "norbind" };
}

/** The parts between colons; one after a backslash separates nothing. */
function colonSeparated(word: string, context: ValueContext, cEscapes: boolean): string[] {
  const reader = new WordReader(word);
  const parts: string[] = [];
  const options = {
    separators: ":",
    everySeparator: true,
    cEscapes,
    unescapeSeparators: true,
    unquote: false,
  };
  let part = nextWord(reader, options, context);
  while (part !== undefined) {
    parts.push(part);
    part = nextWord(reader, options, context);
  }
  return parts;
}

/** A file system in memory. */
export interface TemporaryFileSystem {
  readonly path: string;
  /** As mount(8) has them. */
  readonly options: string;
}

export const temporaryFileSystems: ValueType<readonly TemporaryFileSystem[]> = listOf(
  { expected: 'absolute paths, with options after a colon such as "/var:ro"' },
  (word, context) => {
    const colon = word.indexOf(":");
    const end = colon < 0 ? word.length : colon;
    return {
      path: absolutePath(context.expand(word.slice(0, end))),
      options: context.expand(word.slice(end + 1)),
    };
  },
);

/** A directory that is made for the unit, below that of its kind: /run, /var/lib, … */
export interface UnitDirectory {
  readonly path: string;
  /** A symbolic link to it, in the same place. */
  readonly link?: string;
}

export const unitDirectories: ValueType<readonly UnitDirectory[]> = listOf(
  { expected: "relative paths", words: { keepBackslashes: true } },
  (word, context) => {
    const [first = "", link, ...more] = colonSeparated(word, context, true);
    if (more.length > 0) throw new BadValue(`expected a path, or "PATH:LINK", got ${show(word)}`);
    const directory = { path: unitPath(first, context) };
    if (link === undefined) return directory;
    if (context.directive !== "ConfigurationDirectory")
      return { ...directory, link: unitPath(link, context) };
    context.warn(`a link for a ConfigurationDirectory, ${show(link)}`, leftOut);
    return directory;
  },
);

function unitPath(text: string, context: ValueContext): string {
  const simple = relativePath(context.expand(text));
  if (simple !== "private" && !simple.startsWith("private/")) return simple;
  throw new BadValue(
    `expected a path that is not "private", where directories of dynamic users are, got ${show(text)}`,
  );
}

/** The directory in which commands start. */
export interface WorkingDirectory {
  /** Absolute, or `~` for the user's home directory. */
  readonly path: string;
  /** `-`: it need not exist. */
  readonly optional: boolean;
}

export const workingDirectory: ValueType<WorkingDirectory> = {
  expected: 'an absolute path, or "~"',
  parse(text, _previous, context) {
    if (text === "") return undefined;
    const optional = text.startsWith("-");
    const given = optional ? text.slice(1) : text;
    if (given === "~") return { path: "~", optional };
    const read = () => ({ path: absolutePath(context.expand(given)), optional });
    return optional ? read() : vitally(read);
  },
};

/** A file's place, where one below /var/run is taken for one below /run. */
export function runtimePath(given: string, context: ValueContext): string {
  const absolute = absolutePath(given);
  const moved = withoutVarRun(absolute);
  if (moved === undefined) return absolute;
  context.notice(`${show(absolute)} is in /var/run, which is no place any more`, `${show(moved)} is taken`);
  return moved;
}

/** The file with the number of the main process: relative names are in the runtime directory. */
export const pidFile = scalar(
  "the name of a file",
  (text, context) => {
    const expanded = context.expand(text);
    const absolute = isAbsolute(expanded) ? expanded : `${context.runtimeDirectory}/${expanded}`;
    return vitally(() => runtimePath(absolute, context));
  },
  { emptyResets: true },
);
