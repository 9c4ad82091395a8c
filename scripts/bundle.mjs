// Bundles each program into one CommonJS file of dist/: a single file starts faster than a tree of modules.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What each program is made from, and which packages it loads at run time instead of carrying them. */
const programs = [
  // Commander is only needed where there are options, and parsing it takes longer than a plain `herd status` itself.
  { source: "src/herd/main.ts", bundle: "herd.cjs", external: ["commander"] },
  { source: "src/daemon/main.ts", bundle: "shepherd.cjs", external: ["commander"] },
  { source: "src/repl/main.ts", bundle: "repl.cjs", external: [] },
  { source: "src/power/main.ts", bundle: "power.cjs", external: ["commander"] },
  { source: "src/daemon/logs/compress-main.ts", bundle: "compress.cjs", external: [] },
  // esbuild has a native part, which cannot be bundled.
  { source: "src/daemon/configuration/compile.ts", bundle: "compile.cjs", external: ["esbuild"] },
];

async function bundle({ source, bundle, external }) {
  await build({
    absWorkingDir: root,
    entryPoints: [source],
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
  });
}

const present = programs.filter(({ source }) => existsSync(join(root, source)));
const outcomes = await Promise.allSettled(present.map(bundle));
// esbuild has printed file, line and text of each error itself.
const failed = present.filter((_, index) => outcomes[index].status === "rejected");
for (const { source } of failed) console.error(`bundle ${source}: failed`);
if (failed.length > 0) process.exit(1);
