// The files of tmpfiles.d(5) and sysusers.d(5): where they are looked for, and those that count.

import { resolve } from "node:path";
import type { Diagnostics } from "../diagnostics.js";
import { membersOf } from "../drop-ins.js";
import { FileError, RootedFiles } from "../rooted-files.js";

/** A file that was read. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/** Directories of a kind of files, the most important first. */
export function sourcePath(kind: "tmpfiles.d" | "sysusers.d"): readonly string[] {
  return [`/etc/${kind}`, `/run/${kind}`, `/usr/local/lib/${kind}`, `/usr/lib/${kind}`, `/lib/${kind}`];
}

/**
 * All files of a kind, in the order of their last names; of several with the same one only the first counts, and a link to
 * /dev/null hides it.
 */
export async function readAll(
  root: string,
  kind: "tmpfiles.d" | "sysusers.d",
  diagnostics: Diagnostics,
): Promise<readonly SourceText[]> {
  const files = new RootedFiles(root);
  const { files: names, unreadable } = await membersOf(files, sourcePath(kind), (name) =>
    name.endsWith(".conf"),
  );
  for (const { directory, why } of unreadable)
    diagnostics.add({ file: directory, line: 0 }, "error", `it cannot be read: ${why}`, "it counts as empty");
  const texts: SourceText[] = [];
  for (const file of names) texts.push(...(await read(files, file, diagnostics)));
  return texts;
}

/**
 * Some files, in this order: those that are absolute or have a slash by their names outside of the root, the others out of
 * the directories of their kind.
 */
export async function readNamed(
  root: string,
  kind: "tmpfiles.d" | "sysusers.d",
  names: readonly string[],
  diagnostics: Diagnostics,
): Promise<readonly SourceText[]> {
  const rooted = new RootedFiles(root);
  const here = new RootedFiles();
  const texts: SourceText[] = [];
  for (const name of names) {
    if (name.includes("/")) {
      texts.push(...(await read(here, resolve(name), diagnostics)));
      continue;
    }
    const places = sourcePath(kind).map((directory) => `${directory}/${name}`);
    const found = await firstOf(rooted, places);
    if (found !== undefined) texts.push(...(await read(rooted, found, diagnostics)));
    else
      diagnostics.add({ file: name, line: 0 }, "error", `no such file in ${kind}`, "nothing is done for it");
  }
  return texts;
}

async function firstOf(files: RootedFiles, places: readonly string[]): Promise<string | undefined> {
  for (const place of places) if ((await files.real(place)) !== undefined) return place;
  return undefined;
}

async function read(
  files: RootedFiles,
  file: string,
  diagnostics: Diagnostics,
): Promise<readonly SourceText[]> {
  const say = (what: string): void =>
    diagnostics.add({ file, line: 0 }, "error", what, "nothing is done for it");
  try {
    const contents = await files.read(file);
    if (contents === undefined) say("it does not exist");
    else return [{ file, text: Buffer.from(contents).toString("utf8") }];
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    say(`it cannot be read: ${error.message}`);
  }
  return [];
}
