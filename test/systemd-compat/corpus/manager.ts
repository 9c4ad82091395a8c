// What systemd's own manager makes of units: run in its test mode, in which it starts nothing, by a user without rights.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";

const program = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].find((file) => existsSync(file));

function versionOf(file: string): string {
  return spawnSync(file, ["--version"], { encoding: "utf8" }).stdout.split("\n", 1)[0] ?? "";
}

function reason(): string | false {
  if (program === undefined || !/^systemd 252 /.test(versionOf(program))) return "there is no systemd 252";
  if (process.getuid?.() !== 0) return "needs root, to run systemd as nobody";
  return spawnSync("setpriv", ["--version"]).status !== 0 && "there is no setpriv";
}

/** Why it cannot be asked; false if it can. */
export const noManager: string | false = reason();

/** The lines that it prints of a unit, by what stands before the colon; commands by the setting that they are of. */
export type Dump = ReadonlyMap<string, readonly string[]>;

export const nobody = 65_534;

/** Runs a program of systemd's as nobody, in namespaces of its own, with only our units in sight. */
function runAsNobody(units: string, empty: string, command: readonly string[]) {
  const environment = [
    `SYSTEMD_UNIT_PATH=${units}`,
    `SYSTEMD_GENERATOR_PATH=${empty}`,
    `SYSTEMD_ENVIRONMENT_GENERATOR_PATH=${empty}`,
    `XDG_RUNTIME_DIR=${empty}`,
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_LOG_TARGET=console",
    "LC_ALL=C",
  ];
  const unshare = ["--pid", "--fork", "--mount", "--mount-proc", "--kill-child"];
  const setpriv = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  // As the second process: as the first it would take itself for the system's.
  const shell = ["sh", "-c", '"$0" "$@"; exit $?'];
  return spawnSync(
    "unshare",
    [...unshare, "setpriv", ...setpriv, "env", "-i", ...environment, ...shell, ...command],
    {
      encoding: "utf8",
      cwd: "/",
      timeout: 60_000,
      maxBuffer: 2 ** 28,
    },
  );
}

/** What the manager has read. */
export interface Answers {
  readonly dumps: ReadonlyMap<string, Dump>;
  /** Lines that it finds fault with, by the names of the files in `units`. */
  readonly faults: ReadonlyMap<string, readonly number[]>;
}

/**
 * What it knows of each unit once it has loaded `target` and all that this wants.
 * @param units a directory that everybody may read
 * @param empty another one, where it looks for programs that make units
 */
export function askManager(units: string, empty: string, target: string): Answers {
  const command = [program ?? "", "--test", "--system", `--unit=${target}`];
  const { status, stdout, stderr } = runAsNobody(units, empty, command);
  if (status !== 0) throw new Error(`systemd --test exited with ${status}: ${stderr.slice(0, 2000)}`);
  return { dumps: parseDump(stdout), faults: parseFaults(stderr) };
}

/** The same of `systemd-analyze verify`. */
export function verify(
  units: string,
  empty: string,
  names: readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const options = ["--man=no", "--generators=no", "--recursive-errors=no"];
  const files = names.map((name) => join(units, name));
  return parseFaults(runAsNobody(units, empty, ["systemd-analyze", "verify", ...options, ...files]).stderr);
}

/** What it says of things that work, but are not written so nowadays. */
const notices = /obsolete|please use|legacy|unsafe|removed soon/i;

function parseFaults(text: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, Set<number>>();
  for (const [, file = "", line, what = ""] of text.matchAll(/^(\/\S+?):(\d+): (.*)$/gm))
    if (!notices.test(what))
      found.set(basename(file), (found.get(basename(file)) ?? new Set()).add(Number(line)));
  return new Map(Array.from(found, ([name, lines]) => [name, [...lines].sort((a, b) => a - b)]));
}

function parseDump(text: string): ReadonlyMap<string, Dump> {
  const units = new Map<string, Map<string, string[]>>();
  let unit: Map<string, string[]> | undefined;
  let command = "";
  for (const line of text.split("\n")) {
    const [, name] = /^\t-> Unit (.*):$/.exec(line) ?? [];
    if (name !== undefined) {
      unit = new Map();
      units.set(name, unit);
      continue;
    }
    if (/^-> By /.test(line)) unit = undefined;
    const [, group] = /^\t\t-> (\w+):$/.exec(line) ?? [];
    command = group ?? command;
    const [, label, value] = /^\t\t\t?([A-Za-z][\w ]*): (.*)$/.exec(line) ?? [];
    if (unit === undefined || label === undefined || value === undefined) continue;
    const key = label === "Command Line" ? command : label;
    unit.set(key, [...(unit.get(key) ?? []), value]);
  }
  return units;
}

/** The words of a command line, as it quotes them. */
export function unquote(line: string): readonly string[] {
  const words: string[] = [];
  for (const [, quoted, dollar, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"|\$'((?:[^'\\]|\\.)*)'|(\S+)/gs))
    words.push(plain ?? withoutEscapes(quoted ?? dollar ?? ""));
  return words;
}

const controls: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
};

function withoutEscapes(text: string): string {
  return text.replace(/\\(.)/gs, (_, letter: string) => controls[letter] ?? letter);
}
