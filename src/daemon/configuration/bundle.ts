// Compiles a configuration module, with all that it imports, into one ES module. Runs only in the compiler process.

import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildFailure, build, type Loader, type Message, type Plugin, transform } from "esbuild";
import { reasonOf } from "./error.js";
import { hashOfInputs, type Input, sha256 } from "./manifest.js";
import { isPublicModule, publicModules, standIn } from "./public-modules.js";

export interface Bundle {
  readonly code: string;
  /** A source map whose sources are absolute paths. */
  readonly map: string;
  readonly inputs: readonly Input[];
}

/** What cannot be compiled, and why: each `FILE:LINE:COLUMN: error: TEXT`. */
export class BundleError extends Error {
  override readonly name = "BundleError";
  readonly diagnostics: readonly string[];
  constructor(diagnostics: readonly string[]) {
    super(diagnostics.join("\n"));
    this.diagnostics = diagnostics;
  }
}

/** More mistakes at once help nobody. */
const maximumDiagnostics = 10;

/** The oldest Node that we run on. */
const target = "node20";
/** The user's tsconfig.json is for the editor: what runs depends on the modules alone. */
const tsconfigRaw = "{}";

/**
 * @param entry the module's real path
 * @param around a JavaScript module to compile in its place, which imports it
 */
export async function bundle(entry: string, around?: string): Promise<Bundle> {
  const inputs = new Map<string, Input>();
  // Sources in the map are relative to it; it need not be where it will lie, since they are made absolute.
  const outfile = `${entry}.compiled.mjs`;
  // CommonJS packages inside an ES module still ask for Node's own modules with require(). No name is imported for that:
  // what was compiled once may be compiled again.
  const banner = `const require = process.getBuiltinModule("node:module").createRequire(${JSON.stringify(pathToFileURL(entry).href)});`;
  const preparations = new Set<string>();
  const result = await build({
    ...(around === undefined
      ? { entryPoints: [entry] }
      : { stdin: { contents: around, resolveDir: dirname(entry), sourcefile: `${entry}.around.mjs` } }),
    outfile,
    absWorkingDir: "/",
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target,
    tsconfigRaw,
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
    // Without the comment that refers to it: positions are mapped here, whether or not Node maps them too.
    sourcemap: "external",
    sourcesContent: false,
    banner: { js: banner },
    plugins: [publicApi(preparations), sources(inputs)],
  }).catch((error: unknown) => {
    throw isBuildFailure(error) ? new BundleError(diagnosticsOf(error.errors, entry)) : error;
  });
  const text = (name: string): string => result.outputFiles.find(({ path }) => path === name)?.text ?? "";
  // In its line, so that all others stay where the map has them.
  const code = text(outfile).replace(banner, () => [banner, ...[...preparations].sort()].join(" "));
  return {
    // Other inputs make another module, even where they compile to the same: the map beside it differs.
    code: `${code}// inputs: ${hashOfInputs([...inputs.values()])}\n`,
    map: withAbsoluteSources(text(`${outfile}.map`), dirname(outfile)),
    inputs: [...inputs.values()],
  };
}

/**
 * The public modules are the daemon's own: compiled modules find them where the daemon put them.
 *
 * @param preparations gets the statements that the compiled module must begin with
 */
function publicApi(preparations: Set<string>): Plugin {
  return {
    name: "shepherd-ts",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^shepherd-ts(?:\/|$)/ }, ({ path }) =>
        isPublicModule(path)
          ? { path, namespace: "shepherd-ts" }
          : { errors: [{ text: `there is no module "${path}"; there are ${publicModules}` }] },
      );
      onLoad({ filter: /.*/, namespace: "shepherd-ts" }, async ({ path }) => {
        const { text, preparation } = await standIn(path);
        if (preparation !== undefined) preparations.add(preparation);
        return { contents: text };
      });
    },
  };
}

/** Reads every file once, so that what is noted of it is what was compiled, even if it changes meanwhile. */
function sources(inputs: Map<string, Input>): Plugin {
  return {
    name: "sources",
    setup({ onLoad }) {
      onLoad({ filter: /.*/, namespace: "file" }, async ({ path }) => {
        try {
          // Reading a FIFO or a device might never end.
          if (!(await stat(path)).isFile())
            return { errors: [{ text: `cannot read ${path}: not a regular file` }] };
          const contents = await readFile(path);
          inputs.set(path, { path, size: contents.length, sha256: sha256(contents) });
          return knowsItsPlace(contents)
            ? await placed(path, contents.toString("utf8"))
            : { contents, loader: "default" };
        } catch (error) {
          if (isBuildFailure(error)) return { errors: error.errors };
          return { errors: [{ text: `cannot read ${path}: ${reasonOf(error)}` }] };
        }
      });
    },
  };
}

const loaders: Readonly<Record<string, Loader>> = {
  ".js": "js",
  ".mjs": "js",
  ".cjs": "js",
  ".jsx": "jsx",
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
};

function knowsItsPlace(contents: Buffer): boolean {
  return ["import.meta", "__dirname", "__filename"].some((name) => contents.includes(name));
}

/** A module that asks where it is gets the place of its source, not that of the compiled file. */
async function placed(path: string, contents: string): Promise<{ contents: string; loader: Loader }> {
  const loader = loaders[extname(path)];
  if (loader === undefined) return { contents, loader: "default" };
  const filename = JSON.stringify(path);
  const directory = JSON.stringify(dirname(path));
  const { code } = await transform(contents, {
    loader,
    target,
    tsconfigRaw,
    charset: "utf8",
    sourcemap: "inline",
    sourcesContent: false,
    sourcefile: basename(path),
    define: {
      "import.meta.url": JSON.stringify(pathToFileURL(path).href),
      "import.meta.filename": filename,
      "import.meta.dirname": directory,
      __filename: filename,
      __dirname: directory,
    },
  }).catch((error: unknown) => {
    if (isBuildFailure(error))
      for (const { location } of error.errors) if (location !== null) location.file = path;
    throw error;
  });
  return { contents: code, loader: "js" };
}

function withAbsoluteSources(map: string, directory: string): string {
  const parsed = JSON.parse(map) as { sources: string[] };
  const absolute = (source: string): string =>
    source.startsWith("shepherd-ts:") ? source : resolve(directory, source);
  return JSON.stringify({ ...parsed, sources: parsed.sources.map(absolute) });
}

function diagnosticsOf(messages: readonly Message[], entry: string): string[] {
  const lines = messages.slice(0, maximumDiagnostics).map(({ location, text }) => {
    if (location === null) return `${entry}: error: ${text}`;
    const file = isAbsolute(location.file) ? location.file : `/${location.file}`;
    return `${file}:${location.line}:${location.column + 1}: error: ${text}`;
  });
  const more = messages.length - lines.length;
  return more > 0 ? [...lines, `${entry}: error: and ${more} more`] : lines;
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
