// What the tests of activation share: a directory that stands for the root of a file system, and what is in it.

import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Why tests that need to give files away are skipped; false where they are not. */
export const needsRoot: string | false =
  process.geteuid?.() === 0 ? false : "only root can give files to other users";

export interface TemporaryRoot {
  readonly root: string;
  path(name: string): string;
  /** Writes a file, with the directories above it. */
  write(name: string, contents: string): Promise<void>;
  read(name: string): Promise<string>;
  /** Everything below, by name, with what makes one state different from another; times and inodes too with `exact`. */
  listing(options?: { readonly exact?: boolean }): Promise<Record<string, string>>;
}

/** Gives a new directory to `use`, and removes it afterwards. */
export async function withRoot<T>(use: (root: TemporaryRoot) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), "shepherd-test-root-"));
  const path = (name: string): string => join(root, name);
  try {
    return await use({
      root,
      path,
      async write(name, contents) {
        await mkdir(dirname(path(name)), { recursive: true });
        await writeFile(path(name), contents);
      },
      read: async (name) => await readFile(path(name), "utf8"),
      listing: async ({ exact = false } = {}) => await listing(root, "", exact),
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function listing(root: string, below: string, exact: boolean): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of (await readdir(join(root, below))).sort()) {
    const path = join(below, name);
    const status = await lstat(join(root, path), { bigint: true });
    const mode = (Number(status.mode) & 0o7777).toString(8);
    const owner = `${status.uid}:${status.gid}`;
    // Directories change with what is in them.
    const moment = exact && !status.isDirectory() ? ` ${status.ino} ${status.mtimeNs}` : "";
    if (status.isSymbolicLink()) found[path] = `-> ${await readlink(join(root, path))}${moment}`;
    else if (status.isDirectory()) {
      found[path] = `directory ${mode} ${owner}`;
      Object.assign(found, await listing(root, path, exact));
    } else found[path] = `file ${mode} ${owner} ${status.size}${moment}`;
  }
  return found;
}
