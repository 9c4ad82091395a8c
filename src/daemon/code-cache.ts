// What V8 compiles the supervisor to, kept on disk: to compile it anew takes a third of its start. V8 takes nothing that was
// made by another release of it, for another processor or with other flags. But it believes what it reads; so a file that is
// damaged, or that others can write, is none.

import { createHash } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDirectory, type Environment } from "./configuration/directories.js";
import { whyUntrusted } from "./configuration/trust.js";

/** How the names of such files end. */
export const codeEnd = ".code";
const digestLength = 32;

const digest = (code: Uint8Array): Buffer => createHash("sha256").update(code).digest();

/** The file's name for the code of that build of the supervisor, by the Node that runs. */
export function codeName(build: string): string {
  return `supervisor-${build}-${process.version}-${process.arch}${codeEnd}`;
}

/** What the file of `code` has in it. */
export function sealed(code: Uint8Array): Buffer {
  return Buffer.concat([digest(code), code]);
}

/** The code of that name; undefined where there is none that may be run. */
export function readCode(environment: Environment, uid: number, name: string): Buffer | undefined {
  const file = join(cacheDirectory(environment, uid), name);
  try {
    if (whyUntrusted(lstatSync(dirname(file)), uid) !== undefined) return undefined;
    const contents = readFileSync(file);
    const code = contents.subarray(digestLength);
    return digest(code).equals(contents.subarray(0, digestLength)) ? code : undefined;
  } catch {
    return undefined;
  }
}
