// From a module's file to its definitions: compiled unless it was before, evaluated, checked. Nothing of it is in force.

import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { formatPosition, positionOf, userPosition } from "../definition/call-site.js";
import { DefinitionError, show } from "../definition/check.js";
import { collectDuring } from "../definition/runtime.js";
import { checkConfiguration, isDefinition } from "../definition/service.js";
import type { Configuration, ServiceDefinition } from "../definition/types.js";
import { cacheDirectories, findManifest, openCache, touch } from "./cache.js";
import type { Outcome } from "./compile.js";
import { isCurrent } from "./manifest.js";

/** A module that cannot be loaded. The message names FILE:LINE:COLUMN where there is one, and what was expected. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export interface LoadedConfiguration {
  readonly services: readonly ServiceDefinition[];
  /** Names of services that are to be started. */
  readonly toStart: readonly string[];
  readonly exitWith?: string;
  readonly shutdownTimeout?: number;
  readonly file: string;
  /** The compiled module, from which a later daemon resumes. */
  readonly compiled: string;
}

export interface LoadParts {
  /** Where compiled modules go if there is no better place. */
  readonly runtimeDirectory: string;
  /** Runs the compiler with these arguments. */
  runCompiler(argv: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }>;
}

/** Loads `file`, an absolute name. Throws ConfigurationError or DefinitionError. */
export async function loadConfiguration(file: string, parts: LoadParts): Promise<LoadedConfiguration> {
  await checkReadable(file);
  const uid = process.getuid?.() ?? 0;
  const directory = await openCache(cacheDirectories(process.env, uid, parts.runtimeDirectory), uid);
  const found = await findManifest(directory, file);
  const manifest =
    found !== undefined && (await isCurrent(found)) ? found : await compile(file, directory, parts);
  await touch(directory, manifest.output);
  return await loadCompiled(file, join(directory, manifest.output));
}

/** Evaluates a module as it was compiled before. */
export async function loadCompiled(file: string, compiled: string): Promise<LoadedConfiguration> {
  try {
    await access(compiled, constants.R_OK);
  } catch {
    throw new ConfigurationError(
      `${file}: its compiled form ${compiled} is gone; 'herd load root ${file}' makes a new one`,
    );
  }
  Reflect.set(globalThis, Symbol.for("shepherd-ts.api"), await import("../api.js"));
  try {
    // One module is evaluated afresh each time it is loaded: the query makes it another one for Node.
    const url = `${pathToFileURL(compiled).href}?${Date.now()}`;
    const { services, toStart, result } = await collectDuring(
      async () => (await import(url)) as Record<string, unknown>,
    );
    const configuration = configurationOf(file, result);
    const all = [...services, ...(configuration?.services ?? [])];
    const automatic = configuration?.services.filter(({ autoStart }) => autoStart) ?? [];
    return {
      services: all,
      toStart: [...toStart, ...automatic.map(({ provision }) => provision[0])],
      ...(configuration?.exitWith === undefined ? {} : { exitWith: configuration.exitWith }),
      ...(configuration?.shutdownTimeout === undefined
        ? {}
        : { shutdownTimeout: configuration.shutdownTimeout }),
      file,
      compiled,
    };
  } catch (error) {
    if (error instanceof DefinitionError || error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(describeException(file, error));
  }
}

async function checkReadable(file: string): Promise<void> {
  try {
    if ((await stat(file)).isDirectory())
      throw new ConfigurationError(`${file}: expected a module, but it is a directory`);
    await access(file, constants.R_OK);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const reason =
      code === "ENOENT"
        ? "No such file or directory"
        : code === "EACCES"
          ? "Permission denied"
          : String(error);
    throw new ConfigurationError(`${file}: ${reason}`);
  }
}

async function compile(file: string, directory: string, parts: LoadParts) {
  const { status, stdout, stderr } = await parts.runCompiler([file, directory]);
  if (status !== 0)
    throw new ConfigurationError(`${file}: the compiler failed: ${stderr.trim() || `status ${status}`}`);
  const outcome = JSON.parse(stdout) as Outcome;
  if ("errors" in outcome) throw new ConfigurationError(outcome.errors.join("\n"));
  return outcome.manifest;
}

/** What the module exports: a configuration by default, or `services`. */
function configurationOf(
  file: string,
  exports: Readonly<Record<string, unknown>>,
): Configuration | undefined {
  const { default: configuration, services } = exports;
  if (configuration !== undefined) {
    checkConfiguration({ what: `${file}: default export`, position: undefined }, configuration);
    return configuration;
  }
  if (services === undefined) return undefined;
  if (Array.isArray(services) && services.every(isDefinition)) return { services };
  throw new ConfigurationError(
    `${file}: export "services": expected a list of services, got ${show(services)}`,
  );
}

/** What the user's code threw, with its place in the user's file. */
function describeException(file: string, error: unknown): string {
  if (!(error instanceof Error)) return `${file}: threw ${show(error)}`;
  const position = positionOf(error.stack ?? "");
  const place = position === undefined ? file : formatPosition(userPosition(position));
  return `${place}: ${error.name}: ${error.message}`;
}
