// Bundles each program into one CommonJS file of dist/: a single file starts faster than a tree of modules. The public
// modules that most configurations do without are a bundle of their own, which the supervisor loads when it is asked for
// them; so they cost nothing at its start.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The public modules that are loaded later, by the names that src/daemon/configuration/public-modules.ts gives them. */
const lazyModules = {
  system: "src/services/system.ts",
  store: "src/store/index.ts",
  systemd: "systemd-compat/index.ts",
};

/**
 * What the supervisor loads later, by bundle and the name under which that exports it. The client's code, which it runs
 * for herd's launcher, is loaded once the supervisor is idle, or asked for; all others when they are needed.
 */
const later = {
  "modules.cjs": lazyModules,
  "commands.cjs": { commands: "src/herd/in-daemon.ts" },
  "unit-runtime.cjs": { units: "src/daemon/units/runtime.ts" },
  "calendar.cjs": { occurrences: "src/daemon/timers/calendar/occurrences.ts" },
  "log-records.cjs": { records: "src/daemon/log-records.ts" },
};

/** Of these only functions are used, some of them at once: the bundle is loaded with the first call. */
const calledLater = [later["unit-runtime.cjs"].units];

/** The reader of systemd units, which herd loads for `herd verify` alone. */
const unitReader = { source: "systemd-compat/verify.ts", bundle: "units.cjs" };

/** Instead of what programs for Node are bundled with. */
const forBrowsers = { platform: "browser", format: "iife", target: "es2022", define: {}, minify: true };

/** What each program is made from, and which packages it loads at run time instead of carrying them. */
const programs = [
  // Commander is only needed where there are options, and parsing it takes longer than a plain `herd status` itself.
  {
    source: "src/herd/main.ts",
    bundle: "herd.cjs",
    external: ["commander", "pidusage", `./${unitReader.bundle}`],
    plugins: [
      replacing(
        "reader",
        (source) => (source === unitReader.source ? source : undefined),
        () => `module.exports = require("./${unitReader.bundle}");`,
      ),
    ],
  },
  { ...unitReader, external: [] },
  // What runs the supervisor, which is bundled below.
  { source: "src/daemon/start.ts", bundle: "shepherd.cjs", external: [] },
  { source: "src/repl/main.ts", bundle: "repl.cjs", external: [] },
  { source: "src/power/main.ts", bundle: "power.cjs", external: ["commander"] },
  { source: "systemd-compat/shim/main.ts", bundle: "systemctl.cjs", external: [] },
  { source: "src/daemon/logs/compress-main.ts", bundle: "compress.cjs", external: [] },
  // What makes terminals is optional, and has a native part.
  { source: "src/console/main.ts", bundle: "console.cjs", external: ["node-pty"] },
  { source: "src/web/main.ts", bundle: "web.cjs", external: [] },
  // What a browser loads of it.
  { source: "src/web/page/main.ts", bundle: "web-page.js", external: [], ...forBrowsers },
  { source: "src/web/page/page.css", bundle: "web-page.css", external: [], ...forBrowsers },
  // esbuild has a native part, which cannot be bundled.
  { source: "src/system-command/main.ts", bundle: "system.cjs", external: ["commander", "esbuild"] },
];

// import.meta does not exist in CommonJS. These two have equivalents; for the rest an error is better than `undefined`.
const constants = { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" };

/** The packages of which the bundles have a part. */
const carried = new Set();

async function bundle({ source, bundle, external, ...more }) {
  const result = await build({
    absWorkingDir: root,
    ...(source === undefined ? {} : { entryPoints: [source] }),
    outfile: join("dist", bundle),
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    external,
    legalComments: "none",
    keepNames: false,
    define: constants,
    logOverride: { "empty-import-meta": "error" },
    // Configurations are ES modules: import() of them must stay what it is and not become require().
    supported: { "dynamic-import": true },
    logLevel: "warning",
    metafile: true,
    ...more,
  });
  for (const input of Object.keys(result.metafile.inputs)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (name !== undefined) carried.add(name);
  }
  return result;
}

/** Whose code is in the bundles, and under which terms: these ask that they go with each copy. */
function licenses() {
  const texts = [...carried].sort().map((name) => {
    const directory = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const file = readdirSync(directory).find((each) => /^licen[cs]e(\.|$)/i.test(each));
    if (file === undefined) throw new Error(`${name} ${version} comes without the text of its license`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(directory, file), "utf8").trim()}\n`;
  });
  return `Parts of these packages are in the files beside this one.\n\n${texts.join(`\n${"-".repeat(72)}\n\n`)}`;
}

/** A text that stands for a module of that name. */
const stdin = (sourcefile, contents) => ({ stdin: { contents, sourcefile, resolveDir: root } });

/**
 * Puts other texts in the place of modules: `find` gives a key for the source of one to replace, `text` its text. `name`
 * tells it from others for the same bundle.
 */
function replacing(name, find, text) {
  return {
    name,
    setup({ onResolve, onLoad }) {
      // What is asked for by `?itself` is the module and not what stands for it.
      onResolve({ filter: /\?itself$/ }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path.slice(0, -"?itself".length)),
      }));
      onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
        const key = find(relative(root, join(resolveDir, path)).replace(/\.js$/, ".ts"));
        return key === undefined ? undefined : { path: key, namespace: name };
      });
      onLoad({ filter: /.*/, namespace: name }, ({ path }) => ({
        contents: text(path),
        resolveDir: join(root, "dist"),
      }));
    },
  };
}

const lazyNamed = (source) => Object.keys(lazyModules).find((name) => lazyModules[name] === source);

/** Where the supervisor leaves the function of src/daemon/later.ts, and its own modules. */
const laterSymbol = 'globalThis[Symbol.for("shepherd-ts.later")]';
const coreSymbol = 'globalThis[Symbol.for("shepherd-ts.core")]';

/** Has what is loaded later stand for itself. */
async function standingIn() {
  const texts = new Map();
  for (const [bundle, modules] of Object.entries(later)) {
    for (const [name, source] of Object.entries(modules)) {
      const exported = `${laterSymbol}(${JSON.stringify(bundle)}).${name}()`;
      const calls = async () =>
        (await exportsOf(source)).map((one) => `exports.${one} = (...all) => ${exported}.${one}(...all);`);
      texts.set(
        source,
        calledLater.includes(source) ? (await calls()).join("\n") : `module.exports = ${exported};`,
      );
    }
  }
  return replacing(
    "later",
    (source) => (texts.has(source) ? source : undefined),
    (source) => texts.get(source),
  );
}

/** The names that a module exports. */
async function exportsOf(source) {
  const { metafile } = await bundle({
    source,
    bundle: "names.mjs",
    external: [],
    format: "esm",
    write: false,
  });
  return Object.values(metafile.outputs)[0].exports;
}

/**
 * The supervisor, and the bundles that it loads later. What they have in common, such as the checks of
 * definitions, must be there once: the supervisor leaves its own modules where the other bundles find them.
 */
async function bundleSupervisor() {
  const instead = await standingIn();
  const supervisor = { bundle: "supervisor.cjs", external: [], plugins: [instead] };
  const alone = await bundle({ ...supervisor, source: "src/daemon/main.ts", write: false });
  const shared = new Set();
  const share = replacing(
    "shared",
    (source) => (source in alone.metafile.inputs ? source : undefined),
    (source) => {
      shared.add(source);
      return `module.exports = ${coreSymbol}[${JSON.stringify(source)}];`;
    },
  );
  const parts = await Promise.all(
    Object.entries(later).map(([name, modules]) =>
      bundle({
        bundle: name,
        external: [],
        plugins: [instead, share],
        write: false,
        ...stdin(
          `${name}.js`,
          Object.entries(modules)
            .map(([name, source]) => `exports.${name} = () => require("./${source}?itself");`)
            .join("\n"),
        ),
      }),
    ),
  );
  // Parts of different builds do not fit together; each knows which one it is of.
  const outputs = [alone, ...parts].map(({ outputFiles: [file] }) => file);
  const identity = createHash("sha256");
  for (const { contents } of outputs) identity.update(contents);
  const build = identity.digest("hex").slice(0, 16);
  for (const { path, text } of outputs.slice(1)) await writeFile(path, `// build ${build}\n${text}`);
  const sources = [...shared].sort();
  await bundle({
    ...supervisor,
    banner: { js: `// build ${build}` },
    define: {
      ...constants,
      SHEPHERD_LATER: JSON.stringify({ build, bundles: Object.keys(later) }),
    },
    ...stdin(
      "supervisor.js",
      [
        'import { later } from "./src/daemon/later.ts";',
        ...sources.map((source, index) => `import * as core${index} from "./${source}";`),
        `${laterSymbol} = later;`,
        `${coreSymbol} = {`,
        ...sources.map((source, index) => `  ${JSON.stringify(source)}: core${index},`),
        "};",
        'import "./src/daemon/main.ts";',
      ].join("\n"),
    ),
  });
}

/** The compiler, which needs to know the names that the public modules export and nothing else of those loaded later. */
async function bundleCompiler() {
  const exported = new Map();
  for (const [name, source] of Object.entries(lazyModules)) exported.set(name, await exportsOf(source));
  await bundle({
    source: "src/daemon/configuration/compile.ts",
    bundle: "compile.cjs",
    // esbuild has a native part, which cannot be bundled.
    external: ["esbuild"],
    plugins: [
      replacing("names", lazyNamed, (name) =>
        exported
          .get(name)
          .map((one) => `export const ${one} = undefined;`)
          .join("\n"),
      ),
    ],
  });
}

const tasks = [
  ...programs.map((program) => [program.bundle, bundle(program)]),
  ["supervisor.cjs", bundleSupervisor()],
  ["compile.cjs", bundleCompiler()],
];
const outcomes = await Promise.allSettled(tasks.map(([, task]) => task));
// esbuild has printed file, line and text of each error itself.
for (const [index, { status, reason }] of outcomes.entries()) {
  if (status !== "rejected") continue;
  console.error(`bundle ${tasks[index][0]}: ${"errors" in reason ? "failed" : reason.stack}`);
  process.exitCode = 1;
}
if (outcomes.every(({ status }) => status === "fulfilled"))
  writeFileSync(join(root, "dist", "LICENSES.txt"), licenses());
