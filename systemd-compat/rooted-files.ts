// Files below a directory that is taken for the root: links that are absolute stay inside of it. All of it bounded.

import { constants } from "node:fs";
import { lstat, open, opendir, readlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readUpTo } from "./bounded-read.js";

export type FileKind = "file" | "directory" | "link" | "other";

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: FileKind;
}

/** What went wrong with a file, without its name. */
export class FileError extends Error {
  override readonly name = "FileError";
}

/** More are no unit file, and no directory of them. */
const most = { bytes: 4 * 2 ** 20, entries: 16_384, links: 40 } as const;

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Whether the file is not there, as far as whoever looks for it is concerned. */
function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error));
}

interface Kinds {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function kindOf(kinds: Kinds): FileKind {
  if (kinds.isFile()) return "file";
  if (kinds.isDirectory()) return "directory";
  return kinds.isSymbolicLink() ? "link" : "other";
}

/** Looks at files by absolute names, which are those that programs inside of the root see. */
export class RootedFiles {
  readonly #root: string;

  constructor(root = "/") {
    this.#root = root;
  }

  /** The name outside of the root. It follows no link: give it what `real` gave. */
  outside(path: string): string {
    return join(this.#root, path);
  }

  /** The file that a name stands for once all links are followed; undefined where there is none, or none to be seen. */
  async real(path: string): Promise<string | undefined> {
    let done = "/";
    let todo = path.split("/");
    let links = 0;
    while (todo.length > 0) {
      const [part = "", ...rest] = todo;
      todo = rest;
      if (part === "" || part === ".") continue;
      const next = join(done, part);
      const entry = part === ".." ? "directory" : await this.#look(next);
      if (entry === undefined) return undefined;
      if (typeof entry === "string") {
        done = next;
        continue;
      }
      links += 1;
      if (links > most.links) return undefined;
      // A system that does not run has no devices, but means the same by this one.
      if (rest.length === 0 && resolve(done, entry.target) === "/dev/null") return "/dev/null";
      if (entry.target.startsWith("/")) done = "/";
      todo = [...entry.target.split("/"), ...todo];
    }
    return done;
  }

  /** What is there; of a link, where it points. */
  async #look(path: string): Promise<FileKind | { readonly target: string } | undefined> {
    try {
      const kind = kindOf(await lstat(this.outside(path)));
      return kind === "link" ? { target: await readlink(this.outside(path)) } : kind;
    } catch {
      return undefined; // It is not there, has just gone, or cannot be seen.
    }
  }

  /** Where a link points, as it is written; undefined where it is none. The directory that it is in must be a real one. */
  async linkTarget(path: string): Promise<string | undefined> {
    try {
      return await readlink(this.outside(path));
    } catch {
      return undefined;
    }
  }

  /** What a directory holds, by name; nothing where there is none. @throws FileError */
  async entries(directory: string): Promise<readonly DirectoryEntry[]> {
    const real = await this.real(directory);
    if (real === undefined) return [];
    const found: DirectoryEntry[] = [];
    try {
      for await (const entry of await opendir(this.outside(real))) {
        if (found.length >= most.entries) throw new FileError(`it has more than ${most.entries} entries`);
        found.push({ name: entry.name, kind: kindOf(entry) });
      }
    } catch (error) {
      if (isMissing(error)) return [];
      throw error instanceof FileError ? error : new FileError(codeOf(error));
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The contents of a regular file; empty for /dev/null. Undefined where there is none. @throws FileError */
  async read(path: string): Promise<Uint8Array | undefined> {
    const real = await this.real(path);
    if (real === undefined) return undefined;
    if (real === "/dev/null") return new Uint8Array();
    try {
      // Without waiting for whoever is to write into a FIFO.
      const file = await open(
        this.outside(real),
        constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
      );
      try {
        const status = await file.stat();
        if (!status.isFile()) throw new FileError("it is no regular file");
        if (status.size > most.bytes) throw new FileError(`it has more than ${most.bytes} bytes`);
        return await readUpTo(file, status.size);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error instanceof FileError ? error : new FileError(codeOf(error));
    }
  }

  /** Whether a name stands for no contents at all: /dev/null, or a file that is empty. */
  async isEmpty(path: string): Promise<boolean> {
    const real = await this.real(path);
    if (real === undefined) return false;
    return real === "/dev/null" || (await this.isEmptyFile(real));
  }

  /** Whether there is an empty file; its directory must be a real one. */
  async isEmptyFile(path: string): Promise<boolean> {
    try {
      const status = await lstat(this.outside(path));
      return status.isFile() && status.size === 0;
    } catch {
      return false;
    }
  }
}
