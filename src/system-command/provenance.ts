// What a system was made from, as its directory tells.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Input } from "../daemon/configuration/manifest.js";
import { compilerIdentity } from "../daemon/configuration/manifest.js";
import { isRecord } from "../daemon/definition/check.js";
import type { Generation } from "./generations.js";

/** The files that the configuration was compiled from, below the system directory. */
export const inputsFile = "shepherd/inputs.json";

export interface Inputs {
  /** What compiled it. */
  readonly compiler: string;
  /** The user's module. */
  readonly file: string;
  /** Every file, the user's module too, with the SHA-256 of its contents in hexadecimal digits. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

export function inputsText(file: string, inputs: readonly Input[]): string {
  const files = inputs
    .map(({ path, sha256 }) => ({ path, sha256 }))
    .sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)));
  return `${JSON.stringify({ compiler: compilerIdentity, file, files } satisfies Inputs, undefined, 2)}\n`;
}

/** Undefined where the directory does not tell. */
export async function readInputs(system: string): Promise<Inputs | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(system, inputsFile), "utf8"));
    return isInputs(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isInputs(value: unknown): value is Inputs {
  return (
    isRecord(value) &&
    typeof value.compiler === "string" &&
    typeof value.file === "string" &&
    Array.isArray(value.files) &&
    value.files.every(
      (one) => isRecord(one) && typeof one.path === "string" && typeof one.sha256 === "string",
    )
  );
}

/** A few lines about a generation. */
export async function describe(
  { number, system, made }: Generation,
  notes: readonly string[],
  withImports: boolean,
): Promise<string> {
  const inputs = await readInputs(system);
  const imported = inputs?.files.filter(({ path }) => path !== inputs.file) ?? [];
  const own = inputs?.files.find(({ path }) => path === inputs.file);
  const remark = notes.length === 0 ? "" : `\t(${notes.join(", ")})`;
  return [
    `Generation ${number}\t${new Date(made).toISOString()}${remark}`,
    `  system: ${system}`,
    ...(inputs === undefined
      ? []
      : [
          `  configuration file: ${inputs.file}`,
          ...(own === undefined ? [] : [`  SHA-256: ${own.sha256}`]),
          ...(withImports
            ? imported.map(({ path, sha256 }) => `  imports: ${path} (SHA-256 ${sha256})`)
            : []),
          `  built by: ${inputs.compiler}`,
        ]),
    "",
  ].join("\n");
}
