// Makes the users and groups that files of sysusers.d(5) declare, as systemd-sysusers(8) does: at the boot of a container, and
// when a package is installed. Accounts that exist stay as they are, but for the groups that they are in.

import { NoIdError } from "../../src/services/accounts/ids.js";
import { changeDatabases } from "../../src/services/accounts/update.js";
import { PlaceError } from "../../src/services/activation/directory.js";
import { atEnd } from "../../src/services/activation/place.js";
import { type Diagnostic, Diagnostics } from "../diagnostics.js";
import { readSystemFacts } from "../system-facts.js";
import { readAll, readNamed, type SourceText } from "../tmpfiles/sources.js";
import { expander, sysusersLetters } from "../tmpfiles/specifiers.js";
import { parseSysusers } from "./parse.js";
import { type FileOwner, planSysusers, type SysusersPlan } from "./plan.js";
import type { Sysusers } from "./types.js";

export interface SysusersOptions {
  /** Where the file system begins; default `/`. */
  readonly root?: string;
  /** These files, or texts, instead of all. */
  readonly sources?: readonly (string | SourceText)[];
  /** These texts count as the file by this name, at its place among all others; default: none. */
  readonly replaced?: { readonly file: string; readonly sources: readonly (string | SourceText)[] };
  /** Whether nothing is to be changed; default false. */
  readonly dryRun?: boolean;
}

export interface SysusersOutcome {
  readonly diagnostics: readonly Diagnostic[];
  /** What was made, in words, such as `user tor (995)`. */
  readonly made: readonly string[];
  /** Whether the databases could not be changed. */
  readonly hasFailed: boolean;
}

const secondsPerDay = 86_400;

/** Never rejects for what files say or for what cannot be done: the diagnostics tell it. */
export async function applySysusers(options: SysusersOptions = {}): Promise<SysusersOutcome> {
  const { root = "/", dryRun = false } = options;
  const diagnostics = new Diagnostics();
  const sources = await sourcesOf(root, options, diagnostics);
  const expand = expander(sysusersLetters, await readSystemFacts(root));
  const wanted = parseSysusers(sources, expand, diagnostics);
  const owners = await ownersOf(root, wanted);
  const today = Math.floor(Date.now() / 1000 / secondsPerDay);
  let plan: SysusersPlan | undefined;
  // It may have to be planned anew, and what was found the last time counts.
  let found = new Diagnostics();
  try {
    await changeDatabases({ root }, { dryRun }, (databases) => {
      found = new Diagnostics();
      plan = planSysusers(wanted, { databases, owners, today }, found);
      return plan.databases;
    });
  } catch (error) {
    if (!(error instanceof PlaceError || error instanceof NoIdError)) throw error;
    const place = { file: "/etc/passwd", line: 0 };
    diagnostics.add(place, "error", error.message, "no account is made");
    return { diagnostics: diagnostics.list, made: [], hasFailed: true };
  }
  diagnostics.addAll(found.list);
  return { diagnostics: diagnostics.list, made: plan?.made ?? [], hasFailed: false };
}

async function sourcesOf(
  root: string,
  { sources, replaced }: SysusersOptions,
  diagnostics: Diagnostics,
): Promise<readonly SourceText[]> {
  if (sources !== undefined) return await readSome(root, sources, diagnostics);
  const all = await readAll(root, "sysusers.d", diagnostics);
  if (replaced === undefined) return all;
  return withReplaced(all, replaced.file, await readSome(root, replaced.sources, diagnostics));
}

async function readSome(
  root: string,
  sources: readonly (string | SourceText)[],
  diagnostics: Diagnostics,
): Promise<readonly SourceText[]> {
  const texts: SourceText[] = [];
  for (const one of sources)
    texts.push(
      ...(typeof one === "string" ? await readNamed(root, "sysusers.d", [one], diagnostics) : [one]),
    );
  return texts;
}

/** Those in the place of a file, which need not be there yet; a file of higher rank by its name stays. */
function withReplaced(
  all: readonly SourceText[],
  file: string,
  replacements: readonly SourceText[],
): readonly SourceText[] {
  const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  const name = nameOf(file);
  const before = all.filter((one) => nameOf(one.file) < name);
  const after = all.filter((one) => nameOf(one.file) > name);
  const same = all.filter((one) => nameOf(one.file) === name);
  const isOverridden = same.some((one) => /^\/(?:etc|run)\//.test(one.file) && one.file !== file);
  return [...before, ...(isOverridden ? same : replacements), ...after];
}

/** The owners of the files that lines name, as far as these are there. */
async function ownersOf(root: string, { users, groups }: Sysusers): Promise<ReadonlyMap<string, FileOwner>> {
  const paths = [...users.values(), ...groups.values()].flatMap(({ idFrom }) => idFrom ?? []);
  const owners = new Map<string, FileOwner>();
  for (const path of new Set(paths)) {
    try {
      await atEnd({ root }, path, async (directory, name) => {
        const status = await directory.status(name);
        if (status !== undefined) owners.set(path, { uid: Number(status.uid), gid: Number(status.gid) });
      });
    } catch (error) {
      if (!(error instanceof PlaceError)) throw error;
    }
  }
  return owners;
}
