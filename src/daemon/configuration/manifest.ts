// What a configuration was compiled from: the compiler writes it beside the result, and the daemon decides by it whether
// the result still stands.

import { createHash } from "node:crypto";
import { version } from "../../protocol/version.js";

/** A file that went into a compiled module, as it was read. */
export interface Input {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface Manifest {
  /** What compiled it: another version may compile differently. */
  readonly compiler: string;
  /** The module that was asked for, by its real path. */
  readonly entry: string;
  /** The compiled module's own hash, which is its name. */
  readonly hash: string;
  readonly inputs: readonly Input[];
}

/** What the compiler process prints: the manifest of what it wrote, or why there is nothing. */
export type CompilerReport =
  | { readonly manifest: Manifest }
  | {
      /** Each `FILE:LINE:COLUMN: error: TEXT`. */
      readonly diagnostics: readonly string[];
    };

export const compilerIdentity = `shepherd-ts ${version}`;

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Names the inputs, whatever the order in which they were read. */
export function hashOfInputs(inputs: readonly Input[]): string {
  return sha256(
    JSON.stringify(
      inputs
        .map(({ path, sha256: content }) => [path, content])
        .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    ),
  );
}

export function manifestName(entry: string): string {
  return `${sha256(entry)}.json`;
}

export function compiledName(hash: string): string {
  return `${hash}.mjs`;
}

/** A manifest from JSON; undefined where it is none, such as one that a power failure cut off. */
export function parseManifest(text: string): Manifest | undefined {
  const value = parseJson(text);
  return isManifest(value) ? value : undefined;
}

/** The compiler's report from its standard output; undefined where it is none. */
export function parseReport(text: string): CompilerReport | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  const { manifest, diagnostics } = value;
  if (isManifest(manifest)) return { manifest };
  if (Array.isArray(diagnostics) && diagnostics.length > 0 && diagnostics.every(isString))
    return { diagnostics };
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is Manifest {
  return (
    isRecord(value) &&
    isString(value.compiler) &&
    isString(value.entry) &&
    isHash(value.hash) &&
    Array.isArray(value.inputs) &&
    value.inputs.every(isInput)
  );
}

function isInput(value: unknown): value is Input {
  return isRecord(value) && isString(value.path) && Number.isInteger(value.size) && isHash(value.sha256);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isHash(value: unknown): value is string {
  return isString(value) && /^[0-9a-f]{64}$/.test(value);
}
