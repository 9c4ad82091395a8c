// The configuration compiler, a program of its own: bundles a user's module into one ES module with its source map.
//
//   compile ENTRY DIRECTORY      prints one JSON object, an Outcome; exit status 0 unless the compiler itself failed

import { rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build, type Message, type Plugin } from "esbuild";
import * as api from "../api.js";
import { compiler, hashOf, inputOf, type Manifest, manifestName } from "./manifest.js";

export type Outcome =
  | { readonly manifest: Manifest }
  /** Complete messages, `FILE:LINE:COLUMN: error: TEXT`. */
  | { readonly errors: readonly string[] };

const publicModule = "shepherd-ts";

/** The public module is not bundled: the daemon that evaluates the result provides it. */
const publicApi: Plugin = {
  name: publicModule,
  setup(target) {
    target.onResolve({ filter: /^shepherd-ts$/ }, () => ({ path: publicModule, namespace: publicModule }));
    target.onLoad({ filter: /.*/, namespace: publicModule }, () => ({
      contents: [
        'const api = globalThis[Symbol.for("shepherd-ts.api")];',
        ...Object.keys(api).map((name) => `export const ${name} = api[${JSON.stringify(name)}];`),
      ].join("\n"),
    }));
  },
};

async function compile(entry: string, directory: string): Promise<Outcome> {
  try {
    const { metafile, outputFiles } = await build({
      entryPoints: [entry],
      outfile: join(directory, "configuration.mjs"),
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "linked",
      sourcesContent: false,
      plugins: [publicApi],
      absWorkingDir: "/",
      // CommonJS packages that are bundled still call these.
      banner: {
        js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
      },
      logLevel: "silent",
    });
    const inputs = await Promise.all(
      Object.keys(metafile.inputs)
        .filter((path) => !path.startsWith(`${publicModule}:`))
        .map((path) => inputOf(resolve("/", path))),
    );
    const hash = hashOf([compiler, ...inputs.flatMap((input) => [input.path, input.hash])].join("\n")).slice(
      0,
      32,
    );
    const output = `${hash}.mjs`;
    for (const { path, text } of outputFiles) {
      const isMap = path.endsWith(".map");
      const contents = isMap ? text : text.replace(/\/\/# sourceMappingURL=.*\n?$/, "");
      await writeWhole(join(directory, isMap ? `${output}.map` : output), contents);
    }
    const manifest: Manifest = { compiler, entry, inputs, output };
    await writeWhole(join(directory, manifestName(entry)), JSON.stringify(manifest));
    return { manifest };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    return { errors: error.errors.map(formatMessage) };
  }
}

/** Readers see the old file or the new one. */
async function writeWhole(file: string, contents: string): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  await writeFile(temporary, contents, { mode: 0o600 });
  await rename(temporary, file);
}

function isBuildFailure(error: unknown): error is Error & { readonly errors: readonly Message[] } {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}

function formatMessage({ text, location }: Message): string {
  if (location === null) return `error: ${text}`;
  return `${resolve("/", location.file)}:${location.line}:${location.column + 1}: error: ${text}`;
}

async function main([entry, directory]: readonly string[]): Promise<void> {
  if (entry === undefined || directory === undefined) throw new Error("usage: compile ENTRY DIRECTORY");
  process.stdout.write(`${JSON.stringify(await compile(entry, directory))}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
