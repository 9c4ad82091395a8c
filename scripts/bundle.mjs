// Bundles each program into one CommonJS file of dist/: a single file starts faster than a tree of modules. The public
// modules that most configurations do without are a bundle of their own, which the supervisor loads when it is asked for
// them; so they cost nothing at its start.

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
const lazyBundle = "modules.cjs";

/** The client's code, which the supervisor runs for herd's launcher: loaded once it is idle, or asked for. */
const commands = { source: "src/herd/in-daemon.ts", bundle: "commands.cjs" };

/** The reader of systemd units, which herd loads for `herd verify` alone. */
const unitReader = { source: "systemd-compat/verify.ts", bundle: "units.cjs" };

/** What each program is made from, and which packages it loads at run time instead of carrying them. */
const programs = [
  // Commander is only needed where there are options, and parsing it takes longer than a plain `herd status` itself.
  {
    source: "src/herd/main.ts",
    bundle: "herd.cjs",
    external: ["commander", `./${unitReader.bundle}`],
    plugins: [
      replacing(
        (source) => (source === unitReader.source ? source : undefined),
        () => `module.exports = require("./${unitReader.bundle}");`,
      ),
    ],
  },
  { ...unitReader, external: [] },
  { source: "src/repl/main.ts", bundle: "repl.cjs", external: [] },
  { source: "src/power/main.ts", bundle: "power.cjs", external: ["commander"] },
  { source: "systemd-compat/shim/main.ts", bundle: "systemctl.cjs", external: [] },
  { source: "src/daemon/logs/compress-main.ts", bundle: "compress.cjs", external: [] },
  // esbuild has a native part, which cannot be bundled.
  { source: "src/system-command/main.ts", bundle: "system.cjs", external: ["commander", "esbuild"] },
];

function bundle({ source, bundle, external, ...more }) {
  return build({
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
    // import.meta does not exist in CommonJS. These two have equivalents; for the rest an error is better than `undefined`.
    define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
    logOverride: { "empty-import-meta": "error" },
    // Configurations are ES modules: import() of them must stay what it is and not become require().
    supported: { "dynamic-import": true },
    logLevel: "warning",
    ...more,
  });
}

/** A text that stands for a module of that name. */
const stdin = (sourcefile, contents) => ({ stdin: { contents, sourcefile, resolveDir: root } });

/** Puts other texts in the place of modules: `find` gives a key for the source of one to replace, `text` its text. */
function replacing(find, text) {
  return {
    name: "replacing",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
        const key = find(relative(root, join(resolveDir, path)).replace(/\.js$/, ".ts"));
        return key === undefined ? undefined : { path: key, namespace: "replaced" };
      });
      onLoad({ filter: /.*/, namespace: "replaced" }, ({ path }) => ({
        contents: text(path),
        resolveDir: join(root, "dist"),
      }));
    },
  };
}

const lazyNamed = (source) => Object.keys(lazyModules).find((name) => lazyModules[name] === source);

/**
 * The supervisor, and the bundles that it loads later. What they have in common, such as the checks of
 * definitions, must be there once: the supervisor leaves its own modules where the other bundle finds them.
 */
async function bundleSupervisor() {
  const later = replacing(
    (source) => (source === commands.source ? source : lazyNamed(source)),
    (key) =>
      key === commands.source
        ? `module.exports = require("./${commands.bundle}");`
        : `module.exports = require("./${lazyBundle}").${key}();`,
  );
  const supervisor = {
    bundle: "shepherd.cjs",
    external: ["commander", `./${lazyBundle}`, `./${commands.bundle}`],
    plugins: [later],
  };
  const { metafile } = await bundle({
    ...supervisor,
    source: "src/daemon/main.ts",
    write: false,
    metafile: true,
  });
  const shared = new Set();
  const share = replacing(
    (source) => (source in metafile.inputs ? source : undefined),
    (source) => {
      shared.add(source);
      return `module.exports = globalThis[Symbol.for("shepherd-ts.core")][${JSON.stringify(source)}];`;
    },
  );
  await bundle({
    bundle: lazyBundle,
    external: [],
    plugins: [share],
    ...stdin(
      "modules.js",
      Object.entries(lazyModules)
        .map(([name, source]) => `exports.${name} = () => require("./${source}");`)
        .join("\n"),
    ),
  });
  await bundle({ ...commands, external: [], plugins: [share] });
  const sources = [...shared].sort();
  await bundle({
    ...supervisor,
    ...stdin(
      "supervisor.js",
      [
        ...sources.map((source, index) => `import * as core${index} from "./${source}";`),
        `globalThis[Symbol.for("shepherd-ts.core")] = {`,
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
  for (const [name, source] of Object.entries(lazyModules)) {
    const { metafile } = await bundle({
      source,
      bundle: "names.mjs",
      external: [],
      format: "esm",
      write: false,
      metafile: true,
    });
    exported.set(name, Object.values(metafile.outputs)[0].exports);
  }
  await bundle({
    source: "src/daemon/configuration/compile.ts",
    bundle: "compile.cjs",
    // esbuild has a native part, which cannot be bundled.
    external: ["esbuild"],
    plugins: [
      replacing(lazyNamed, (name) =>
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
  ["shepherd.cjs", bundleSupervisor()],
  ["compile.cjs", bundleCompiler()],
];
const outcomes = await Promise.allSettled(tasks.map(([, task]) => task));
// esbuild has printed file, line and text of each error itself.
for (const [index, { status, reason }] of outcomes.entries()) {
  if (status !== "rejected") continue;
  console.error(`bundle ${tasks[index][0]}: ${"errors" in reason ? "failed" : reason.stack}`);
  process.exitCode = 1;
}
