// Reads an ecosystem file, as pm2 does: JavaScript is run, JSON may have comments.

import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { isRecord } from "../../daemon/definition/check.js";
import { ConversionError } from "../error.js";
import { readText } from "../read-text.js";

export type Fields = Readonly<Record<string, unknown>>;

export interface Ecosystem {
  readonly apps: readonly Fields[];
  /** Names of what else is in it. */
  readonly others: readonly string[];
}

/** A loop in a file of data is a mistake. */
const patience = 5000;

/** @throws ConversionError */
export async function readEcosystem(file: string): Promise<Ecosystem> {
  const value = await contentsOf(file);
  if (Array.isArray(value)) return { apps: appsOf(value, file), others: [] };
  if (!isRecord(value)) throw new ConversionError(`${file}: expected an object with "apps"`);
  // A single application may be at the top.
  if (value.apps === undefined && value.script !== undefined) return { apps: [value], others: [] };
  const { apps, ...others } = value;
  const list = isRecord(apps) ? [apps] : apps;
  if (!Array.isArray(list)) throw new ConversionError(`${file}: expected "apps" to be a list`);
  return { apps: appsOf(list, file), others: Object.keys(others) };
}

function appsOf(list: readonly unknown[], file: string): readonly Fields[] {
  if (list.length === 0) throw new ConversionError(`${file}: there is no application in it`);
  return list.map((one, index) => {
    if (!isRecord(one)) throw new ConversionError(`${file}: apps[${index}]: expected an object`);
    return one;
  });
}

async function contentsOf(file: string): Promise<unknown> {
  const kind = extname(file).toLowerCase();
  if (kind === ".yml" || kind === ".yaml")
    throw new ConversionError(`${file}: YAML cannot be read: write it as JSON, as 'yq -o=json ${file}' does`);
  const contents = await readText(file);
  try {
    if (kind === ".json") return ofJson(contents, file);
    const module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown };
    return module.default;
  } catch (error) {
    throw new ConversionError(`${placeOf(error, file)}: ${messageOf(error)}`, { cause: error });
  }
}

/** JSON with comments, as pm2 reads it. Only text comes out of the context, and nothing of ours is in it: it is data, not a program. */
function ofJson(contents: string, file: string): unknown {
  const text: unknown = runInNewContext(`JSON.stringify((${contents}\n))`, Object.create(null), {
    filename: file,
    timeout: patience,
  });
  return typeof text === "string" ? JSON.parse(text) : undefined;
}

/** Errors of another context are none of ours. */
function messageOf(error: unknown): string {
  return isRecord(error) && "message" in error
    ? `${String(error.name)}: ${String(error.message)}`
    : String(error);
}

/** Where its stack says that it was, first of all in the file. */
function placeOf(error: unknown, file: string): string {
  const stack = isRecord(error) ? String(error.stack) : "";
  const full = resolve(file);
  for (const name of [full, file]) {
    const at = stack.indexOf(`${name}:`);
    const line = at < 0 ? undefined : /^:(\d+)/.exec(stack.slice(at + name.length))?.[1];
    if (line !== undefined) return `${file}:${line}`;
  }
  return file;
}
