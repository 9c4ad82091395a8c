// Loads a configuration module: finds what it was compiled to or has it compiled, evaluates that in the daemon, and
// gives what it defines. Nothing comes into force here.

import { basename, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { show } from "../definition/check.js";
import { collectDuring, type LoadPurpose } from "../definition/runtime.js";
import { checkConfiguration } from "../definition/service.js";
import type { ServiceDefinition, SettledConfiguration } from "../definition/types.js";
import { importModule } from "../loading.js";
import { cacheDirectories, findCompiled, openCache, pruneCache, verifyCompiled } from "./cache.js";
import { realEntry } from "./entry.js";
import { ConfigurationError, reasonOf } from "./error.js";
import { explain } from "./explain.js";
import { compiledName, parseReport } from "./manifest.js";
import { isOperatingSystem } from "./operating-system-marker.js";
import { adoptPrecompiled } from "./precompiled.js";
import { offerPublicModules } from "./public-modules.js";

export { ConfigurationError } from "./error.js";

export interface LoadedConfiguration {
  readonly services: ServiceDefinition[];
  /** Names of the services to start once they are registered. */
  readonly toStart: string[];
  /** The service whose end is the end of everything. */
  readonly exitWith?: string;
  /** Seconds. */
  readonly shutdownTimeout?: number;
  /** Lines for the log, once it is in force. */
  readonly notices?: readonly string[];
  /** Whether its services come from unit files too, so that another evaluation may give others. */
  readonly readsUnits?: boolean;
  /** The module, as it was asked for. */
  readonly file: string;
  /** What it was compiled to: with this a later daemon gets the very same. */
  readonly compiled: string;
  readonly hash: string;
}

export interface LoadDependencies {
  /** Where compiled modules are kept when nothing better can be written. */
  readonly runtimeDirectory: string;
  /** Runs the compiler process to its end. */
  runCompiler(argv: readonly string[]): Promise<CompilerOutcome>;
  /** Gives up waiting, such as for a top-level `await` that never settles. */
  readonly signal?: AbortSignal;
  /** Compiled modules that stay in the cache however old they are. */
  readonly inForce?: readonly string[];
  /** What `findAhead` has found, or will. */
  readonly ahead?: Promise<string | undefined> | undefined;
}

export interface CompilerOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Loads `file` as it is now. Throws ConfigurationError. */
export async function loadConfiguration(
  file: string,
  dependencies: LoadDependencies,
  purpose: LoadPurpose = "load",
): Promise<LoadedConfiguration> {
  const { signal } = dependencies;
  const compiled = await unlessAborted(findOrCompile(file, dependencies), file, signal);
  return await evaluate(file, compiled, signal, purpose);
}

/**
 * Loads what `file` had been compiled to: for a daemon that takes over, which must run what was in force and not what
 * the file says by now. Throws ConfigurationError, also when `signal` gives up waiting for a top-level `await`.
 */
export async function loadCompiled(
  file: string,
  compiled: string,
  signal?: AbortSignal,
  purpose: LoadPurpose = "resume",
): Promise<LoadedConfiguration> {
  try {
    await verifyCompiled(compiled);
  } catch (error) {
    throw new ConfigurationError(`cannot read ${compiled}, compiled from ${file}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  return await evaluate(file, compiled, signal, purpose);
}

/**
 * Looks for what `file` was compiled to, for a load that is about to begin: the supervisor does other things meanwhile.
 * Undefined where there is nothing; the load then says why.
 */
export async function findAhead(file: string, runtimeDirectory: string): Promise<string | undefined> {
  try {
    const uid = process.getuid?.() ?? 0;
    return await findCompiled(
      cacheDirectories(process.env, uid, runtimeDirectory),
      uid,
      await realEntry(file),
    );
  } catch {
    return undefined;
  }
}

async function findOrCompile(file: string, dependencies: LoadDependencies): Promise<string> {
  const ahead = await dependencies.ahead;
  if (ahead !== undefined) return ahead;
  const entry = await realEntry(file);
  const uid = process.getuid?.() ?? 0;
  const directories = cacheDirectories(process.env, uid, dependencies.runtimeDirectory);
  const found = await findCompiled(directories, uid, entry);
  if (found !== undefined) return found;
  const directory = await openCache(directories, uid);
  const compiled =
    (await adoptPrecompiled(entry, directory, uid)) ?? (await compile(entry, directory, dependencies));
  // What was compiled is as good without this.
  await pruneCache(directory, [compiled, ...(dependencies.inForce ?? [])]).catch(() => undefined);
  return compiled;
}

async function compile(entry: string, directory: string, dependencies: LoadDependencies): Promise<string> {
  let outcome: CompilerOutcome;
  try {
    outcome = await dependencies.runCompiler([entry, directory]);
  } catch (error) {
    throw new ConfigurationError(`compile ${entry}: cannot run the compiler: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  const report = parseReport(outcome.stdout);
  if (report === undefined) {
    const why = outcome.stderr.trim().slice(-1000) || "it said nothing";
    throw new ConfigurationError(
      `compile ${entry}: the compiler ended with status ${outcome.status}: ${why}`,
    );
  }
  if ("diagnostics" in report) throw new ConfigurationError(report.diagnostics.join("\n"));
  return join(directory, compiledName(report.manifest.hash));
}

let evaluations = 0;

async function evaluate(
  file: string,
  compiled: string,
  signal: AbortSignal | undefined,
  purpose: LoadPurpose,
): Promise<LoadedConfiguration> {
  offerPublicModules();
  // Node evaluates a URL once and keeps it for ever; a module that is loaded again must run again, and what that costs in
  // memory only a new daemon gives back.
  evaluations += 1;
  const url = `${pathToFileURL(compiled).href}?evaluation=${evaluations}`;
  try {
    // The services that it waits for are part of the evaluation.
    const evaluation = collectDuring(
      async () => configurationOf(file, (await importModule(url)) as Readonly<Record<string, unknown>>),
      purpose,
    );
    const { services, toStart, notices, readsUnits, result } = await unlessAborted(evaluation, file, signal);
    const { services: listed, ...more } = result;
    const started = listed.filter(({ autoStart }) => autoStart).map(({ provision: [name] }) => name);
    return {
      ...more,
      ...(notices.length === 0 ? {} : { notices }),
      ...(readsUnits ? { readsUnits } : {}),
      services: [...new Set([...services, ...listed])],
      toStart: [...new Set([...toStart, ...started])],
      file,
      compiled,
      hash: basename(compiled, extname(compiled)),
    };
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(explain(error, file), { cause: error });
  }
}

/** What the module exports: `export default defineConfig({…})`, or `export const services = […]`, or nothing. */
async function configurationOf(
  file: string,
  module: Readonly<Record<string, unknown>>,
): Promise<SettledConfiguration> {
  const [name, value] =
    "default" in module
      ? ["default export", module.default]
      : ["exported services", { services: module.services ?? [] }];
  if (isOperatingSystem(value))
    throw new ConfigurationError(
      `${file}: ${name}: this is an operating system, which is not loaded but booted: run 'shepherd system boot ` +
        `${file}' or, where a system runs, 'shepherd system reconfigure ${file}'`,
    );
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigurationError(
      `${file}: ${name}: expected defineConfig({ services: […] }), got ${show(value)}`,
    );
  }
  const settled = "services" in value ? { ...value, services: await value.services } : value;
  checkConfiguration({ what: `${file}: ${name}`, position: undefined }, settled);
  const { services, exitWith, shutdownTimeout } = settled;
  return {
    services,
    ...(exitWith === undefined ? {} : { exitWith }),
    ...(shutdownTimeout === undefined ? {} : { shutdownTimeout }),
  };
}

/** The result of `work`, unless `signal` aborts first. */
async function unlessAborted<T>(work: Promise<T>, file: string, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new ConfigurationError(`load ${file}: given up: ${reasonOf(signal.reason)}`));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
