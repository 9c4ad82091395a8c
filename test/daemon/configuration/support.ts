// A private directory with a cache of its own, and a compiler that runs without a keeper.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ConfigurationError,
  type LoadDependencies,
  type LoadedConfiguration,
  loadConfiguration,
} from "../../../src/daemon/configuration/load.js";
import type { Scope } from "../../support/harness.js";
import { run } from "../../support/run.js";

const compiler = fileURLToPath(new URL("../../../src/daemon/configuration/compile.js", import.meta.url));

export interface Bed {
  readonly directory: string;
  /** Where the compiled modules are. */
  readonly cache: string;
  readonly dependencies: LoadDependencies;
  /** How often the compiler ran. */
  compilations(): number;
  path(name: string): string;
  /** Writes a file and gives its path. */
  write(name: string, text: string): string;
  load(file: string): Promise<LoadedConfiguration>;
  /** The message with which loading `file` fails, with the directory's name as `DIR`. */
  failure(file: string): Promise<string>;
}

/** The environment names the cache, so only one bed at a time can be in use. */
export function makeBed(scope: Scope): Bed {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "shepherd-configuration-")));
  scope.after(() => rmSync(directory, { recursive: true, force: true }));
  process.env.XDG_CACHE_HOME = join(directory, "cache");
  let count = 0;
  const dependencies: LoadDependencies = {
    runtimeDirectory: join(directory, "run"),
    runCompiler: (argv) => {
      count += 1;
      return run(process.execPath, [compiler, ...argv]);
    },
  };
  const path = (name: string): string => join(directory, name);
  const load = (file: string): Promise<LoadedConfiguration> => loadConfiguration(file, dependencies);
  return {
    directory,
    cache: join(directory, "cache", "shepherd-ts"),
    dependencies,
    compilations: () => count,
    path,
    write: (name, text) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
      return path(name);
    },
    load,
    failure: async (file) => {
      const error = await load(file).then(
        () => new Error(`${file} was loaded`),
        (reason: unknown) => reason,
      );
      if (!(error instanceof ConfigurationError)) throw error;
      return error.message.replaceAll(directory, "DIR");
    },
  };
}
