// Programs that do what Node cannot: special files, and attributes that are no permissions.

import { execFile } from "node:child_process";
import type { Directory } from "../../src/services/activation/directory.js";
import { PlaceError } from "../../src/services/activation/directory.js";

/** Milliseconds; each makes a few system calls. */
const timeout = 10_000;

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A program that is not there. */
export class NoToolError extends Error {
  override readonly name = "NoToolError";
}

/** The name by which another process reaches something in a directory that we hold open. */
export const nameForOthers = (directory: Directory, name: string): string =>
  `/proc/${process.pid}/fd/${directory.handle.fd}/${name}`;

/** @throws NoToolError where there is no such program, PlaceError with its message where it fails */
export async function runTool(path: string, program: string, args: readonly string[]): Promise<void> {
  const environment = { PATH: searchPath, LC_ALL: "C" };
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { timeout, env: environment, cwd: "/" }, (error, _output, messages) => {
      if (error === null) resolve();
      else if (error.code === "ENOENT") reject(new NoToolError(`there is no program "${program}"`));
      else {
        const [line = ""] = messages.trim().split("\n");
        reject(new PlaceError(path, line === "" ? `${program} has failed` : line));
      }
    });
  });
}
