// System directories: written once, under a name that stands for their contents, and never changed.

import { lstat, mkdir, readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { precompiled } from "../daemon/configuration/precompiled.js";
import { file, hashOfTree, type Tree, type TreeEntry, unionOf } from "../services/files/tree.js";
import { writeTree } from "../services/files/write-tree.js";
import { systemTree } from "../services/system-directory.js";
import { CommandError, reasonOf } from "./error.js";
import type { EvaluatedSystem } from "./evaluate.js";
import { compiledModule, type Places } from "./places.js";
import { inputsFile, inputsText } from "./provenance.js";

/** The whole system directory, as a value. Throws DefinitionError. */
export function treeOf({ system, file: entry, source, code, map, inputs }: EvaluatedSystem): Tree {
  const module = { code: precompiled(code, "configuration.mjs"), map };
  return unionOf("system directory", [
    systemTree(system, { module, source: source.toString("utf8") }),
    new Map([[inputsFile, file(inputsText(entry, inputs), 0o600)]]),
  ]);
}

/** Writes a system below the directory of all systems, unless it is there already; gives its directory. */
export async function putSystem(places: Places, tree: Tree): Promise<string> {
  const directory = join(places.systems, `${hashOfTree(tree).slice(0, 32)}-system`);
  if (await isDirectory(directory)) return directory;
  try {
    await mkdir(places.systems, { recursive: true });
    await writeTree(tree, directory);
  } catch (error) {
    // Whoever was quicker has written the same.
    if (await isDirectory(directory)) return directory;
    throw new CommandError(`cannot write the system ${directory}: ${reasonOf(error)}`, { cause: error });
  }
  return directory;
}

/** Writes a system as a new directory, wherever the user wants it. */
export async function writeSystem(output: string, tree: Tree): Promise<string> {
  const directory = resolve(output);
  try {
    await mkdir(dirname(directory), { recursive: true });
    await writeTree(tree, directory);
  } catch (error) {
    throw new CommandError(`cannot write the system ${output}: ${reasonOf(error)}`, { cause: error });
  }
  return directory;
}

/**
 * The system in a directory, wherever that is, as one of the directory of all systems: it is copied there, so that nobody
 * changes it afterwards. Throws CommandError where the directory has no system in it.
 */
export async function adoptSystem(places: Places, directory: string): Promise<string> {
  await checkSystem(directory);
  const real = await realpath(directory);
  if (dirname(real) === places.systems) return real;
  try {
    return await putSystem(places, await readTree(real));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot read the system ${directory}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Throws CommandError unless there is a system in the directory. */
export async function checkSystem(directory: string): Promise<void> {
  for (const name of ["activation.json", compiledModule]) {
    try {
      await stat(join(directory, name));
    } catch (error) {
      throw new CommandError(
        `${directory} is no directory that 'shepherd system build' has made: ${name}: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}

async function readTree(top: string): Promise<Tree> {
  const tree = new Map<string, TreeEntry>();
  const read = async (below: string): Promise<void> => {
    for (const name of (await readdir(join(top, below))).sort()) {
      const path = below === "" ? name : `${below}/${name}`;
      const found = join(top, path);
      const status = await lstat(found);
      const mode = status.mode & 0o7777;
      if (status.isSymbolicLink()) tree.set(path, { kind: "symlink", target: await readlink(found) });
      else if (status.isFile()) tree.set(path, { kind: "file", mode, contents: await readFile(found) });
      else if (status.isDirectory()) {
        tree.set(path, { kind: "directory", mode });
        await read(path);
      } else throw new CommandError(`${found}: neither a file, nor a directory, nor a link`);
    }
  };
  await read("");
  return tree;
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
