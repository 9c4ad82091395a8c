// The compiler: a short-lived process of its own. It gets a module's real path and the cache's directory, leaves the
// compiled module there and prints a report as JSON. Exit status 1: the module cannot be compiled.

import { BundleError, bundle } from "./bundle.js";
import { storeCompiled } from "./cache.js";
import { type CompilerReport, compilerIdentity, sha256 } from "./manifest.js";

async function compile(entry: string, directory: string): Promise<CompilerReport> {
  try {
    const { code, map, inputs } = await bundle(entry);
    const manifest = { compiler: compilerIdentity, entry, hash: sha256(code), inputs };
    await storeCompiled(directory, code, map, manifest);
    return { manifest };
  } catch (error) {
    if (error instanceof BundleError) return { diagnostics: error.diagnostics };
    throw error;
  }
}

async function main([entry, directory, ...rest]: readonly string[]): Promise<void> {
  if (entry === undefined || directory === undefined || rest.length > 0) {
    throw new Error("expected two arguments: the module and the directory of compiled modules");
  }
  const report = await compile(entry, directory);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (!("manifest" in report)) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
