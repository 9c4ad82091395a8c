// Brings about what the files of tmpfiles.d(5) say, as systemd-tmpfiles(8) does: at the boot of a container, and when a
// package is installed.
//
// Differences from systemd: links on the way are followed only where nobody but root can have put them; locks (flock) on what
// is cleaned are not looked at, since Node cannot; `v`, `q` and `Q` make directories and no subvolumes; attributes need the
// programs setfattr, chattr and setfacl.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PlaceError } from "../../src/services/activation/directory.js";
import { readAccounts } from "../../src/services/activation/identity.js";
import { type Diagnostic, Diagnostics } from "../diagnostics.js";
import { parseAccountId } from "../parser/account-name.js";
import { readSystemFacts } from "../system-facts.js";
import { cleanDirectory } from "./clean.js";
import { create } from "./create.js";
import { matchesOf } from "./glob.js";
import { fromBase64, type ParseContext, parseTmpfiles } from "./parse.js";
import { type Plan, planOf, type Step, stepsOf } from "./plan.js";
import { removeFor } from "./remove.js";
import { readAll, readNamed, type SourceText } from "./sources.js";
import { expander, tmpfilesLetters } from "./specifiers.js";
import { NoToolError } from "./tools.js";
import type { Line, Operation } from "./types.js";

export interface TmpfilesOptions {
  /** Where the file system begins; default `/`. */
  readonly root?: string;
  /** Makes files and directories; default false. */
  readonly create?: boolean;
  /** Removes what lines say; default false. */
  readonly remove?: boolean;
  /** Removes what is too old; default false. */
  readonly clean?: boolean;
  /** Carries out lines with `!` too, which are for the time when nothing runs yet; default false. */
  readonly boot?: boolean;
  /** Only lines for paths at or below one of these; default: all. */
  readonly prefixes?: readonly string[];
  /** No lines for paths at or below one of these; default: none. */
  readonly excludedPrefixes?: readonly string[];
  /** These files, or texts, instead of all. */
  readonly sources?: readonly (string | SourceText)[];
  /** Whether it is no mistake where a user or group does not exist; default false. */
  readonly graceful?: boolean;
  /** The directory of credentials that lines may ask for; default: none. */
  readonly credentials?: string | undefined;
  /** Called with what is about to be done, such as `create` and a line. */
  readonly onStep?: (step: Step) => void;
}

export interface TmpfilesOutcome {
  /** In the order of their discovery. */
  readonly diagnostics: readonly Diagnostic[];
  /** Whether a file or a line has a mistake. */
  readonly isInvalid: boolean;
  /** Whether something could not be done. */
  readonly hasFailed: boolean;
}

/** Never rejects for what files say or for what cannot be done: the diagnostics tell it. */
export async function applyTmpfiles(options: TmpfilesOptions = {}): Promise<TmpfilesOutcome> {
  const { root = "/" } = options;
  const diagnostics = new Diagnostics();
  const texts = await sourcesOf(root, options.sources, diagnostics);
  const context = await parseContext(root, options);
  const lines = texts.flatMap(({ file, text }) => parseTmpfiles(file, text, context, diagnostics));
  const plan = planOf(
    lines.filter(({ path }) => isIncluded(path, options)),
    diagnostics,
  );
  const isInvalid = diagnostics.refused;
  const execution = new Execution(root, plan, options.credentials, diagnostics);
  for (const step of stepsOf(plan, operationsOf(options))) {
    options.onStep?.(step);
    await execution.perform(step);
  }
  return { diagnostics: diagnostics.list, isInvalid, hasFailed: execution.hasFailed };
}

async function sourcesOf(
  root: string,
  sources: TmpfilesOptions["sources"],
  diagnostics: Diagnostics,
): Promise<readonly SourceText[]> {
  if (sources === undefined) return await readAll(root, "tmpfiles.d", diagnostics);
  const texts: SourceText[] = [];
  for (const source of sources)
    texts.push(
      ...(typeof source === "string" ? await readNamed(root, "tmpfiles.d", [source], diagnostics) : [source]),
    );
  return texts;
}

async function parseContext(
  root: string,
  { boot = false, graceful = false }: TmpfilesOptions,
): Promise<ParseContext> {
  const { users, groups } = await accountsOf(root);
  const userIds = new Map(users.map(({ name, uid }) => [name, uid]).reverse() as [string, number][]);
  const groupIds = new Map(groups.map(({ name, gid }) => [name, gid]).reverse() as [string, number][]);
  const idIn = (ids: ReadonlyMap<string, number>) => (name: string) =>
    parseAccountId(name) ?? (name === "root" ? 0 : ids.get(name));
  return {
    expand: expander(tmpfilesLetters, await readSystemFacts(root)),
    userId: idIn(userIds),
    groupId: idIn(groupIds),
    boot,
    graceful,
  };
}

async function accountsOf(root: string): ReturnType<typeof readAccounts> {
  try {
    return await readAccounts({ root });
  } catch (error) {
    // Names are unknown then, and their lines say so.
    if (error instanceof PlaceError) return { users: [], groups: [] };
    throw error;
  }
}

function isIncluded(path: string, { prefixes = [], excludedPrefixes = [] }: TmpfilesOptions): boolean {
  const isBelow = (prefix: string): boolean => {
    const directory = prefix.replace(/\/+$/, "");
    return path === directory || path.startsWith(`${directory}/`);
  };
  if (excludedPrefixes.some(isBelow)) return false;
  return prefixes.length === 0 || prefixes.some(isBelow);
}

function operationsOf({ create, remove, clean }: TmpfilesOptions): ReadonlySet<Operation> {
  return new Set<Operation>([
    ...(remove === true ? (["remove"] as const) : []),
    ...(clean === true ? (["clean"] as const) : []),
    ...(create === true ? (["create"] as const) : []),
  ]);
}

/** Carries steps out, each whatever became of the others. */
class Execution {
  hasFailed = false;
  readonly #root: string;
  readonly #plan: Plan;
  readonly #credentials: string | undefined;
  readonly #diagnostics: Diagnostics;

  constructor(root: string, plan: Plan, credentials: string | undefined, diagnostics: Diagnostics) {
    this.#root = root;
    this.#plan = plan;
    this.#credentials = credentials;
    this.#diagnostics = diagnostics;
  }

  async perform({ operation, line }: Step): Promise<void> {
    const failed = (error: PlaceError): void => this.#failed(line, operation, error);
    try {
      if (operation === "create") await this.#create(line);
      else if (operation === "remove") await removeFor(line, { root: this.#root }, failed);
      else await this.#clean(line, failed);
    } catch (error) {
      if (error instanceof NoToolError)
        this.#say(line, "warning", error.message, "the line is not carried out");
      else if (error instanceof PlaceError) failed(error);
      else throw error;
    }
  }

  async #create(line: Line): Promise<void> {
    const contents = await this.#contents(line);
    if (contents === "missing") return;
    const notice = (what: string): void => this.#say(line, "notice", what, "it stays as it is");
    await create(line, { root: { root: this.#root }, contents, notice });
  }

  /** `missing`: the line is for a credential that there is not. */
  async #contents({ contents }: Line): Promise<Buffer | undefined | "missing"> {
    if (contents === undefined || contents.from === "line") return contents?.bytes;
    if (this.#credentials === undefined) return "missing";
    const file = join(this.#credentials, contents.name);
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch {
      return "missing";
    }
    if (!contents.isBase64) return bytes;
    const decoded = fromBase64(bytes.toString("latin1"));
    if (decoded === undefined) throw new PlaceError(file, "the credential is no Base64");
    return decoded;
  }

  async #clean({ type, path, age }: Line, failed: (error: PlaceError) => void): Promise<void> {
    if (age === undefined || !"dDevqQCxX".includes(type)) return;
    const root = { root: this.#root };
    const paths = "exX".includes(type) ? await matchesOf(root, path) : [path];
    for (const one of paths)
      await cleanDirectory(one, age, { root, plan: this.#plan, now: Date.now(), failed });
  }

  #failed(line: Line, operation: Operation, error: PlaceError): void {
    const isTolerated =
      (line.mayFail && operation === "create") || "tThHaA".includes(line.type) || operation === "clean";
    if (!isTolerated) this.hasFailed = true;
    this.#say(line, isTolerated ? "warning" : "error", error.message, `nothing else is done for the line`);
  }

  #say(line: Line, severity: "notice" | "warning" | "error", what: string, done: string): void {
    this.#diagnostics.add(line, severity, what, done);
  }
}
