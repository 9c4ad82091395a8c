// Evaluates the user's module, as the supervisor will, to get the operating system that it exports.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { realEntry } from "../daemon/configuration/entry.js";
import { ConfigurationError } from "../daemon/configuration/error.js";
import { explain } from "../daemon/configuration/explain.js";
import type { Input } from "../daemon/configuration/manifest.js";
import { offerPublicModules } from "../daemon/configuration/public-modules.js";
import { isRecord, show } from "../daemon/definition/check.js";
import { collectDuring } from "../daemon/definition/runtime.js";
import { isOperatingSystem, type OperatingSystem } from "../services/operating-system.js";
import { CommandError } from "./error.js";
import { makeScratch } from "./scratch.js";
import { building, type WrappedModule, wrapper } from "./wrapper.js";

const patienceMs = 60_000;

export interface EvaluatedSystem {
  readonly system: OperatingSystem;
  /** The user's module, by its real path, and its text. */
  readonly file: string;
  readonly source: Buffer;
  /** What the supervisor is to run, and its source map. */
  readonly code: string;
  readonly map: string;
  /** Every file that was compiled into it. */
  readonly inputs: readonly Input[];
}

/**
 * Compiles and evaluates a module, and gives what `use` makes of the operating system that it exports. Positions in the
 * user's files are known as long as that takes. Throws CommandError with whatever is wrong with the configuration.
 */
export async function withSystem<T>(
  file: string,
  use: (evaluated: EvaluatedSystem) => T | Promise<T>,
): Promise<T> {
  const directory = await makeScratch();
  try {
    const entry = await realEntry(file);
    const source = await readFile(entry);
    const { bundle } = await compiler();
    const compiled = await bundle(entry, wrapper(entry, source.toString("utf8")));
    const system = await unlessCrashed(evaluate(directory, compiled.code, compiled.map));
    if (!isOperatingSystem(system)) throw new CommandError(complaint(entry, system));
    return await use({ ...compiled, system, file: entry, source });
  } catch (error) {
    const isComplete =
      error instanceof CommandError ||
      error instanceof ConfigurationError ||
      error instanceof (await compiler()).BundleError;
    throw isComplete ? error : new CommandError(explain(error, file), { cause: error });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** It takes longer to load than most commands to run. */
async function compiler(): Promise<typeof import("../daemon/configuration/bundle.js")> {
  return await import("../daemon/configuration/bundle.js");
}

/** What the user's module exports as its default. */
async function evaluate(directory: string, code: string, map: string): Promise<unknown> {
  const compiled = join(directory, "configuration.mjs");
  await writeFile(compiled, code, { mode: 0o600 });
  await writeFile(`${compiled}.map`, map, { mode: 0o600 });
  offerPublicModules();
  Reflect.set(globalThis, building, true);
  // What a module registers is for the supervisor.
  const evaluation = collectDuring(async () => (await import(pathToFileURL(compiled).href)) as WrappedModule);
  const { result } = await withoutExit(withinPatience(evaluation));
  return result.system;
}

/** What a module does later, such as in a promise that nobody looks at, would end us with a trace of our own program. */
async function unlessCrashed<T>(evaluation: Promise<T>): Promise<T> {
  let crash = (_error: unknown): void => undefined;
  const crashed = new Promise<never>((_, reject) => {
    crash = reject;
  });
  process.on("uncaughtException", crash);
  try {
    const result = await Promise.race([evaluation, crashed]);
    // Node tells of promises that nobody looks at only once all others are served.
    await Promise.race([setImmediate(), crashed]);
    return result;
  } finally {
    // Nobody waits for what comes now.
    process.removeListener("uncaughtException", crash);
  }
}

/** A module that ends the process would end the command half-way, and perhaps as if all were well. */
async function withoutExit<T>(evaluation: Promise<T>): Promise<T> {
  const { exit } = process;
  process.exit = (code) => {
    throw new Error(`the module calls process.exit(${code ?? ""}), which a configuration must not`);
  };
  try {
    return await evaluation;
  } finally {
    process.exit = exit;
  }
}

/** A top-level `await` that never settles must not keep a machine from booting, nor end us as if all were well. */
async function withinPatience<T>(evaluation: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the module was not evaluated within ${patienceMs / 1000} seconds`));
    }, patienceMs);
  });
  try {
    return await Promise.race([evaluation, impatience]);
  } finally {
    clearTimeout(timer);
  }
}

function complaint(file: string, got: unknown): string {
  const expected = `${file}: default export: expected a system made by operatingSystem({…}), got ${show(got)}`;
  const isConfiguration = isRecord(got) && Array.isArray(got.services);
  return isConfiguration ? `${expected}; services alone are run with 'shepherd --config=${file}'` : expected;
}
