// The files that [include] names.

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hasWildcards, matchesFileName } from "../../../systemd-compat/pattern.js";
import { fail } from "../error.js";
import { readText } from "../read-text.js";
import { hasMarks, type Marks } from "../text.js";
import { parseIni, type Section } from "./ini.js";
import { Options, remarkOn } from "./values.js";

export interface Included {
  readonly files: readonly string[];
  readonly sections: readonly Section[];
  readonly remarks: readonly string[];
}

/** An included file's own [include] is not looked at, as supervisord has it. */
export async function includedBy(
  sections: readonly Section[],
  here: string,
  marks: Marks,
): Promise<Included> {
  const section = sections.find(({ name }) => name === "include");
  if (section === undefined) return { files: [], sections: [], remarks: [] };
  const options = new Options(section, { here }, marks);
  const given = options.text("files");
  if (given === undefined) fail(section, "[include] has no files");
  if (hasMarks(given)) fail(options.place("files"), "files: variables of the environment cannot be in it");
  const patterns = given.split(/\s+/).filter((one) => one !== "");
  const files: string[] = [];
  const remarks: string[] = [];
  for (const pattern of patterns) {
    const found = await matchesOf(resolve(here, pattern));
    const setting = options.setting("files");
    if (found.length === 0 && setting !== undefined)
      remarks.push(remarkOn({ ...setting, value: pattern }, "there is no such file"));
    files.push(...found.filter((file) => !files.includes(file)));
  }
  const read = await Promise.all(files.map(async (file) => parseIni(await readText(file), file)));
  return { files, sections: read.flat(), remarks };
}

async function matchesOf(pattern: string): Promise<readonly string[]> {
  let paths = ["/"];
  for (const part of pattern.split("/").filter((one) => one !== "")) {
    const next = await Promise.all(
      paths.map(async (path) => {
        const names = await namesIn(path);
        const matching = hasWildcards(part)
          ? names.filter((name) => matchesFileName(name, part)).sort()
          : names.filter((name) => name === part);
        return matching.map((name) => join(path, name));
      }),
    );
    paths = next.flat();
  }
  return paths;
}

/** What cannot be entered has nothing in it that matches. */
async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}
