// Names of store items, computed as a daemon computes them, and taken apart.

import { createHash } from "node:crypto";
import { base32, isBase32 } from "./base32.js";

/** How contents are hashed; others than sha256 are for fixed outputs. */
export type HashAlgorithm = "md5" | "sha1" | "sha256" | "sha512";

/** Bytes of a digest. */
export const digestSizes: Readonly<Record<HashAlgorithm, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha512: 64,
};

export const isHashAlgorithm = (value: unknown): value is HashAlgorithm =>
  typeof value === "string" && Object.hasOwn(digestSizes, value);

/** Characters of the digest in an item's name. */
export const hashPartLength = 32;

const digestBytes = 20;

/** Longest name of an item, without the digest before it. */
const longestName = 211;

export const sha256 = (data: string | Uint8Array): Buffer => createHash("sha256").update(data).digest();

/** What a store item can be called: letters, digits and `+._?=-`, no dot first. */
export function isStoreName(name: string): boolean {
  return name.length <= longestName && /^[A-Za-z0-9+_?=-][A-Za-z0-9+._?=-]*$/.test(name);
}

/** The name that an item of this type, digest and name has. */
export function storePath(storeDirectory: string, type: string, digest: Uint8Array, name: string): string {
  const fingerprint = `${type}:sha256:${Buffer.from(digest).toString("hex")}:${storeDirectory}:${name}`;
  return `${storeDirectory}/${base32(folded(sha256(fingerprint)))}-${name}`;
}

/** Of a file that `addTextToStore` makes. */
export function textPath(
  storeDirectory: string,
  name: string,
  text: string | Uint8Array,
  references: readonly string[] = [],
): string {
  const type = ["text", ...byteSorted(references)].join(":");
  return storePath(storeDirectory, type, sha256(text), name);
}

/**
 * Of what `addToStore` makes, and of an output whose contents are known before it is built: `digest` is the archive's where
 * `recursive`, and else the contents'.
 */
export function fixedOutputPath(
  storeDirectory: string,
  name: string,
  recursive: boolean,
  algorithm: HashAlgorithm,
  digest: Uint8Array,
): string {
  if (recursive && algorithm === "sha256") return storePath(storeDirectory, "source", digest, name);
  const content = `fixed:out:${recursive ? "r:" : ""}${algorithm}:${Buffer.from(digest).toString("hex")}:`;
  return storePath(storeDirectory, "output:out", sha256(content), name);
}

/** Of an output of a derivation; `digest` is the derivation's, without its outputs. */
export function outputPath(
  storeDirectory: string,
  output: string,
  digest: Uint8Array,
  derivationName: string,
): string {
  return storePath(storeDirectory, `output:${output}`, digest, outputName(derivationName, output));
}

/** What an output is called: as the derivation, with the output's own name unless that is `out`. */
export function outputName(derivationName: string, output: string): string {
  return output === "out" ? derivationName : `${derivationName}-${output}`;
}

/** Without those that occur twice, by their bytes. */
export function byteSorted(strings: Iterable<string>): string[] {
  return [...new Set(strings)].sort(byBytes);
}

/** Compares strings as their UTF-8 compares. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The parts of a direct store item's name; undefined for what is none. */
export function parseStorePath(
  storeDirectory: string,
  path: string,
): { readonly hashPart: string; readonly name: string } | undefined {
  if (!path.startsWith(`${storeDirectory}/`)) return undefined;
  const base = path.slice(storeDirectory.length + 1);
  const [hashPart, name] = [base.slice(0, hashPartLength), base.slice(hashPartLength + 1)];
  if (base[hashPartLength] !== "-" || !isBase32(hashPart) || !isStoreName(name)) return undefined;
  return { hashPart, name };
}

/** Whether it names something in the store, or in a directory there. */
export function isStorePath(storeDirectory: string, path: string): boolean {
  return path.startsWith(`${storeDirectory}/`);
}

/** Whether it names a store item, and nothing in one. */
export function isDirectStorePath(storeDirectory: string, path: string): boolean {
  return isStorePath(storeDirectory, path) && !path.slice(storeDirectory.length + 1).includes("/");
}

/** The store item that `path` is, or is in; undefined for what is not in the store. */
export function directStorePath(storeDirectory: string, path: string): string | undefined {
  if (!isStorePath(storeDirectory, path)) return undefined;
  const [first = ""] = path.slice(storeDirectory.length + 1).split("/");
  return first === "" ? undefined : `${storeDirectory}/${first}`;
}

export function isDerivationPath(storeDirectory: string, path: string): boolean {
  return path.endsWith(".drv") && isDirectStorePath(storeDirectory, path);
}

/** A digest in fewer bytes, so that all of its bits count. */
function folded(digest: Uint8Array): Buffer {
  const bytes = Buffer.alloc(digestBytes);
  for (const [index, byte] of digest.entries()) {
    const place = index % digestBytes;
    bytes[place] = (bytes[place] ?? 0) ^ byte;
  }
  return bytes;
}
