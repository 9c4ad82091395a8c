// What activation does, as data: steps that say how things are to be, each of which can be carried out again without harm.
// They are kept in the system directory as JSON, so that a system can be activated where nobody evaluates its module.

import { callSite } from "../../daemon/definition/call-site.js";
import {
  type Checks,
  check,
  checkFields,
  checkValue,
  fail,
  isRecord,
  type Subject,
  show,
} from "../../daemon/definition/check.js";
import { fields, isText, listOf } from "../../daemon/definition/fields.js";
import type { AccountsStep } from "../accounts/step.js";
import { type FileLike, fileLikeCheck, isFileLike } from "../files/file-like.js";

/** Whose a directory or file is to be. */
export interface Ownership {
  /** Permissions, such as `0o750`. Default for what is made: 0755 for directories, 0644 for files. */
  readonly mode?: number | undefined;
  /** A name or a number; default for what is made: root. */
  readonly owner?: string | number | undefined;
  /** A name or a number; default: the primary group of `owner`, or root's. */
  readonly group?: string | number | undefined;
}

/**
 * A directory is there. Those above it that are missing are made too, as root's with 0755. One that exists keeps what
 * `mode`, `owner` and `group` do not say.
 */
export interface DirectoryStep extends Ownership {
  readonly step: "directory";
  readonly path: string;
}

/** A regular file is there with these contents, replaced as a whole where they differ. */
export interface FileStep extends Ownership {
  readonly step: "file";
  readonly path: string;
  /** Either this, or `source`. */
  readonly contents?: string | undefined;
  readonly source?: FileLike | undefined;
}

/** A symbolic link is there; it replaces a file or link, never a directory. */
export interface SymlinkStep {
  readonly step: "symlink";
  readonly path: string;
  readonly target: FileLike;
}

/** Nothing is there: no file, no link, no directory with what is in it. File systems mounted below are left alone. */
export interface RemoveStep {
  readonly step: "remove";
  readonly path: string;
}

/** A program was run, and has succeeded. */
export interface RunStep {
  readonly step: "run";
  /** The program, an absolute name, and its arguments. */
  readonly command: readonly [FileLike, ...FileLike[]];
  /** Not run where this file exists. Without it the program runs each time, and must bear that. */
  readonly unless?: string | undefined;
  /** A name or a number; default root. */
  readonly user?: string | number | undefined;
  /** A name or a number; default: the primary group of `user`. Supplementary groups are always empty. */
  readonly group?: string | number | undefined;
  /** The whole environment; default: PATH, LANG=C.UTF-8, and USER and HOME where there is a `user`. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** Where it is started; default `/`. */
  readonly directory?: string | undefined;
  /** Seconds after which it is ended and has failed; default 120. */
  readonly timeout?: number | undefined;
}

/** The first lines of a system's activation: directories for the current boot, and `/run/current-system`. */
export interface CurrentSystemStep {
  readonly step: "current-system";
}

/** `/etc` holds what `etc/` of the system directory holds. */
export interface EtcStep {
  readonly step: "etc";
}

/** A program that runs with more privileges than whoever calls it. */
export interface PrivilegedProgramData {
  readonly program: FileLike;
  readonly setuid: boolean;
  readonly setgid: boolean;
  readonly user: string | number;
  readonly group: string | number;
  /** As setcap(8) takes them; default: none. */
  readonly capabilities?: string | undefined;
}

/** The directory of privileged programs holds these, and no others. */
export interface PrivilegedProgramsStep {
  readonly step: "privileged-programs";
  readonly programs: readonly PrivilegedProgramData[];
}

/** What the previous boot has left in `/tmp` and `/run`, and locks on accounts, are gone. */
export interface CleanupStep {
  readonly step: "cleanup";
}

/** The activation of the system is carried out: only in the boot script. */
export interface ActivateStep {
  readonly step: "activate";
}

/** The supervisor takes over: only as the last one of the boot script. */
export interface SuperviseStep {
  readonly step: "supervise";
  /** Default: the one that carries out the boot. */
  readonly program?: FileLike | undefined;
  /** Files that services use, to be in place by then. */
  readonly files: readonly FileLike[];
}

export type ActivationStep =
  | DirectoryStep
  | FileStep
  | SymlinkStep
  | RemoveStep
  | RunStep
  | CurrentSystemStep
  | EtcStep
  | AccountsStep
  | PrivilegedProgramsStep;

/** What happens at boot, besides. */
export type BootStep = ActivationStep | CleanupStep | ActivateStep | SuperviseStep;

/** What one service has to do when the system is activated. The first step that fails ends it. */
export interface ActivationSnippet {
  /** Whose it is, for messages. */
  readonly name: string;
  readonly steps: readonly ActivationStep[];
}

/** What one service has to do at boot; the first step that fails ends it. */
export interface BootSnippet {
  readonly name: string;
  readonly steps: readonly BootStep[];
}

const made = new WeakSet<object>();

function remember<Step extends ActivationStep>(step: Step): Step {
  made.add(step);
  return Object.freeze(step);
}

/** Whether `value` was made by one of the builders here. */
export function isActivationStep(value: unknown): value is ActivationStep {
  return typeof value === "object" && value !== null && made.has(value);
}

/** Steps that only the essential types make. */
export const internalStep: <Step extends ActivationStep>(step: Step) => Step = remember;

const absolute = check<string>(
  "an absolute file name, without `.` and `..`",
  (value) =>
    isText(value) && value.startsWith("/") && !value.split("/").some((part) => [".", ".."].includes(part)),
);
const mode = check<number>(
  "permissions from 0 to 0o7777",
  (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0o7777,
);
const ownershipChecks: Checks<Ownership> = { mode, owner: fields.account, group: fields.account };

/**
 * A directory is there, with its permissions and owner.
 *
 * @example directoryStep("/var/lib/tor", { mode: 0o700, owner: "tor", group: "tor" })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function directoryStep(path: string, ownership: Ownership = {}): DirectoryStep {
  const of = { what: "directoryStep", position: callSite() };
  checkValue(of, path, absolute, "the path");
  return remember({ step: "directory", path, ...checkFields(of, ownership, ownershipChecks) });
}

/**
 * A regular file is there, with its contents, permissions and owner.
 *
 * @param contents a string, or `{ source }`, a file-like value that is copied
 * @example fileStep("/etc/tor/torsocks.conf", "AllowInbound 1\n", { mode: 0o644 })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function fileStep(
  path: string,
  contents: string | { readonly source: FileLike },
  ownership: Ownership = {},
): FileStep {
  const of = { what: "fileStep", position: callSite() };
  checkValue(of, path, absolute, "the path");
  const what =
    typeof contents === "string" ? { contents } : checkFields(of, contents, { source: fileLikeCheck });
  if (!("contents" in what) && what.source === undefined) fail(of, 'field "source" is missing');
  return remember({ step: "file", path, ...what, ...checkFields(of, ownership, ownershipChecks) });
}

/**
 * A symbolic link is there. Its target may be relative, as a string.
 *
 * @throws DefinitionError that names the place and what was expected
 */
export function symlinkStep(path: string, target: FileLike): SymlinkStep {
  const of = { what: "symlinkStep", position: callSite() };
  checkValue(of, path, absolute, "the path");
  if (typeof target === "string") checkValue(of, target, fields.file, "the target");
  else checkValue(of, target, fileLikeCheck, "the target");
  return remember({ step: "symlink", path, target });
}

/**
 * Nothing is there any more.
 *
 * @throws DefinitionError that names the place and what was expected
 */
export function removeStep(path: string): RemoveStep {
  const of = { what: "removeStep", position: callSite() };
  checkValue(of, path, absolute, "the path");
  if (path.replaceAll("/", "") === "") fail(of, "the path: expected another one than the root directory");
  return remember({ step: "remove", path });
}

const isVariables = (value: unknown): boolean =>
  isRecord(value) &&
  Object.entries(value).every(
    ([name, text]) => name !== "" && isText(name) && !name.includes("=") && isText(text),
  );

const runChecks: Checks<Omit<RunStep, "step" | "command">> = {
  unless: absolute,
  user: fields.account,
  group: fields.account,
  environment: check("a record of strings", isVariables),
  directory: absolute,
  timeout: check<number>(
    "a number of seconds above 0",
    (value) => fields.seconds.matches(value) && value > 0,
  ),
};

const commandCheck = listOf<FileLike>(
  "a list of strings and file-like values, the program first",
  (value) => isText(value) || isFileLike(value),
  1,
);

/**
 * A program is run to its end; where it fails, so does activation, with the last lines that it has printed.
 *
 * @example
 * runStep([fileAppend(postgresql, "/bin/initdb"), "-D", "/var/lib/postgresql/data"], {
 *   unless: "/var/lib/postgresql/data/PG_VERSION",
 *   user: "postgres",
 * })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function runStep(
  command: readonly [FileLike, ...FileLike[]],
  options: Omit<RunStep, "step" | "command"> = {},
): RunStep {
  const of = { what: "runStep", position: callSite() };
  const [program, ...words] = checkValue(of, command, commandCheck, "the command");
  checkValue(of, program, fileLikeCheck, "the program");
  return remember({
    step: "run",
    command: Object.freeze([program as FileLike, ...words]) as RunStep["command"],
    ...checkFields(of, options, runChecks),
  });
}

/** Checks what a service contributes; messages name the snippet. */
export function checkSnippets(of: Subject, value: unknown): readonly ActivationSnippet[] {
  if (!Array.isArray(value)) fail(of, `expected a list of {name, steps}, got ${show(value)}`);
  return (value as readonly unknown[]).map((one) => checkSnippet(of, one));
}

function checkSnippet(of: Subject, value: unknown): ActivationSnippet {
  if (!isRecord(value) || typeof value.name !== "string" || value.name === "")
    fail(of, `expected {name, steps} with a name, got ${show(value)}`);
  const snippet = { what: `${of.what}: activation snippet ${show(value.name)}`, position: of.position };
  const { name, steps } = checkFields<{ readonly name?: string; readonly steps?: readonly ActivationStep[] }>(
    snippet,
    value as { readonly name: string },
    {
      name: fields.text,
      steps: listOf(
        "a list of steps made by directoryStep(…), fileStep(…), symlinkStep(…), removeStep(…) or runStep(…)",
        isActivationStep,
      ),
    },
  );
  if (name === undefined || steps === undefined) fail(snippet, 'field "steps" is missing');
  return { name, steps };
}
