// The variables that a unit's processes have: none of the supervisor's own, but for those that a unit asks for.

import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { listNames, readText, readUpTo } from "../../../../systemd-compat/bounded-read.js";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import { parseEnvironmentFile } from "../../../../systemd-compat/parser/environment.js";
import { parseAssignments } from "../../../../systemd-compat/parser/os-release.js";
import { hasWildcards, matchesFileName } from "../../../../systemd-compat/pattern.js";
import type { EnvironmentFileReference } from "../../../../systemd-compat/values/commands.js";
import { errorText } from "../../error-text.js";
import type { UnitIdentity } from "./types.js";

export type Variables = ReadonlyMap<string, string>;

/** Where programs are, for those that are not told. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Bytes of a file of variables; matches of a pattern of such files; the names that are looked at for them. */
const most = { bytes: 2 ** 20, files: 1024, names: 100_000 } as const;

/** Variables of locale.conf(5) that count. */
const isLocale = (name: string): boolean =>
  name === "LANG" || name === "LANGUAGE" || /^LC_[A-Z]+$/.test(name);

/** `NAME=VALUE` strings as a map; of several of a name the last counts. */
export function variablesOf(strings: readonly string[]): Variables {
  return new Map(
    strings.flatMap((string) => {
      const equals = string.indexOf("=");
      return equals <= 0 ? [] : [[string.slice(0, equals), string.slice(equals + 1)] as const];
    }),
  );
}

/** What processes of a system's unit have at the least; a user's have all that the supervisor has. */
export function baseVariables(inherited: Variables, locale: Variables, isSystem: boolean): Variables {
  if (!isSystem) return new Map([["PATH", defaultPath], ...locale, ...inherited]);
  const own = locale.size > 0 ? locale : new Map([...inherited].filter(([name]) => isLocale(name)));
  return new Map([["PATH", defaultPath], ...own]);
}

/** The system's language, from the first of these files that there is. */
export async function readLocale(files: readonly string[]): Promise<Variables> {
  for (const file of files) {
    const text = await readText(file, most.bytes);
    if (text === undefined) continue;
    return new Map([...parseAssignments(text)].filter(([name]) => isLocale(name)));
  }
  return new Map();
}

/** What tells processes who they are. */
export function identityVariables({ name, home, shell }: UnitIdentity): Variables {
  return new Map([
    ...(home === undefined ? [] : [["HOME", home] as const]),
    ...(name === undefined ? [] : [["LOGNAME", name] as const, ["USER", name] as const]),
    ...(shell === undefined ? [] : [["SHELL", shell] as const]),
  ]);
}

export interface EnvironmentParts {
  readonly base: Variables;
  /** The supervisor's own, for PassEnvironment=. */
  readonly inherited: Variables;
  /** What the supervisor tells this process. */
  readonly own: Variables;
  /** What EnvironmentFile= has. */
  readonly files: Variables;
}

/**
 * All variables of a process, before those of UnsetEnvironment= are taken away: that is what variables in commands stand
 * for. Later ones win: the supervisor's, ExecSearchPath=, PassEnvironment=, Environment=, EnvironmentFile=.
 */
export function composeEnvironment(settings: ServiceSettings, parts: EnvironmentParts): Variables {
  const { ExecSearchPath: path, PassEnvironment: pass = [], Environment: own } = settings;
  const passed = pass.flatMap((name) => {
    const value = parts.inherited.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return new Map([
    ...parts.base,
    ...parts.own,
    ...(path === undefined || path.length === 0 ? [] : [["PATH", path.join(":")] as const]),
    ...passed,
    ...(own ?? []),
    ...parts.files,
  ]);
}

/** Without those of UnsetEnvironment=: names, or assignments that are taken away only with that value. */
export function withoutUnset(variables: Variables, unset: readonly string[] = []): Variables {
  const gone = new Set(unset);
  return new Map([...variables].filter(([name, value]) => !gone.has(name) && !gone.has(`${name}=${value}`)));
}

export function environmentStrings(variables: Variables): string[] {
  return Array.from(variables, ([name, value]) => `${name}=${value}`);
}

/**
 * Reads all files of variables, the later ones winning.
 * @param warn is told of lines that are left out
 * @throws Error naming the file, where one that must be there is not
 */
export async function readEnvironmentFiles(
  references: readonly EnvironmentFileReference[],
  warn: (line: string) => void,
): Promise<Variables> {
  const variables = new Map<string, string>();
  for (const reference of references) {
    const { path, optional } = reference;
    const files = await filesOf(path);
    if (files.length === 0 && !optional) throw new Error(`${path}: there is no such file`);
    for (const file of files) {
      try {
        for (const [name, value] of await readVariables(file, warn)) variables.set(name, value);
      } catch (error) {
        if (!optional) throw new Error(`${file}: ${errorText(error)}`);
        if (!isAbsent(error)) warn(`${file}: ${errorText(error)}; none of it is used`);
      }
    }
  }
  return variables;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

async function readVariables(file: string, warn: (line: string) => void): Promise<Variables> {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const handle = await open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    const contents = await readUpTo(handle, most.bytes + 1);
    if (contents.length > most.bytes) throw new Error(`it has more than ${most.bytes} bytes`);
    const { variables, problems } = parseEnvironmentFile(contents);
    for (const { line, what } of problems) warn(`${file}:${line}: ${what}; it is left out`);
    return variables;
  } finally {
    await handle.close();
  }
}

/** The files that a name with wildcards stands for, in the order of their names; one without stands for itself. */
async function filesOf(path: string): Promise<readonly string[]> {
  if (!hasWildcards(path)) return [path];
  let found = [""];
  for (const part of path.split("/").filter((one) => one !== "")) {
    const next: string[] = [];
    for (const directory of found) {
      if (!hasWildcards(part)) next.push(`${directory}/${part.replaceAll(/\\(.)/g, "$1")}`);
      else {
        const names = (await listNames(directory === "" ? "/" : directory, most.names)) ?? [];
        next.push(
          ...names
            .filter((name) => matchesFileName(name, part))
            .sort()
            .map((name) => `${directory}/${name}`),
        );
      }
      if (next.length > most.files) throw new Error(`${path}: it stands for more than ${most.files} files`);
    }
    found = next;
  }
  const there = await Promise.all(found.map(async (file) => ((await isThere(file)) ? [file] : [])));
  return there.flat();
}

async function isThere(file: string): Promise<boolean> {
  return await lstat(file).then(
    () => true,
    () => false,
  );
}
