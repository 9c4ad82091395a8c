// Converted units as modules that can be compiled and loaded: in a directory of their own, in which the package is installed.

import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { transformSync } from "esbuild";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { project } from "../../support/project.js";
import { makeTree } from "../trees.js";

export interface Modules {
  /** Puts a module into the directory. */
  add(name: string, text: string): void;
  /** The services of a module's configuration. */
  load(name: string): Promise<readonly ServiceDefinition[]>;
  /** What the compiler and the formatter find fault with; empty where all is well. */
  check(): string;
}

const settings = {
  compilerOptions: {
    strict: true,
    module: "nodenext",
    target: "es2022",
    noEmit: true,
    types: ["node"],
    noUnusedLocals: true,
    exactOptionalPropertyTypes: true,
  },
  include: ["source/*.ts"],
};

export function modulesIn(context: TestContext): Modules {
  const directory = makeTree(context, { "package.json": '{ "type": "module" }\n' });
  const node = join(directory, "node_modules");
  const source = join(directory, "source");
  for (const one of [node, source]) mkdirSync(one);
  symlinkSync(project.root, join(node, "shepherd-ts"));
  symlinkSync(join(project.root, "node_modules", "@types"), join(node, "@types"));
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(settings));
  const run = (program: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(join(project.root, "node_modules/.bin", program), args, {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    return status === 0 ? "" : `${program}: ${(stdout + stderr).slice(0, 5000)}`;
  };
  return {
    add(name, text) {
      writeFileSync(join(source, `${name}.ts`), text);
      const { code } = transformSync(text, { loader: "ts", format: "esm", target: "node20" });
      writeFileSync(join(directory, `${name}.js`), code);
    },
    async load(name) {
      const file = pathToFileURL(join(directory, `${name}.js`)).href;
      const { default: configuration } = (await import(file)) as {
        default: { services: Promise<readonly ServiceDefinition[]> | readonly ServiceDefinition[] };
      };
      return await configuration.services;
    },
    check() {
      const format = ["format", `--config-path=${project.root}`, "--vcs-enabled=false", source];
      return run("tsc", "-p", directory) + run("biome", ...format);
    },
  };
}
