// What a compiled module was made from, so that it is compiled again exactly when something of that changed.

import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { version } from "../../protocol/version.js";

export interface Input {
  readonly path: string;
  readonly size: number;
  readonly mtime: number;
  /** SHA-256 of the contents. */
  readonly hash: string;
}

export interface Manifest {
  /** The compiler's release; another one may compile differently. */
  readonly compiler: string;
  readonly entry: string;
  readonly inputs: readonly Input[];
  /** The compiled file's name, which holds the hash of all inputs. */
  readonly output: string;
}

/** Changes with our release and with the format of this file. */
export const compiler = `${version}/1`;

export function hashOf(contents: string | Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}

export async function inputOf(path: string): Promise<Input> {
  const [{ size, mtimeMs }, contents] = await Promise.all([stat(path), readFile(path)]);
  return { path, size, mtime: mtimeMs, hash: hashOf(contents) };
}

/** Whether every input is as it was: by size and time, else by its contents. */
export async function isCurrent(manifest: Manifest): Promise<boolean> {
  if (manifest.compiler !== compiler) return false;
  const checks = await Promise.all(
    manifest.inputs.map(async (input) => {
      try {
        const { size, mtimeMs } = await stat(input.path);
        if (size !== input.size) return false;
        return mtimeMs === input.mtime || hashOf(await readFile(input.path)) === input.hash;
      } catch {
        return false; // Gone or unreadable: the compiler says what is wrong.
      }
    }),
  );
  return checks.every((same) => same);
}

/** The manifest's file of an entry. */
export function manifestName(entry: string): string {
  return `${basename(entry)
    .replace(/[^A-Za-z0-9._-]/g, "_")
    .slice(0, 40)}-${hashOf(entry).slice(0, 16)}.json`;
}
