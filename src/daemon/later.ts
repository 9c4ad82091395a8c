// The bundles that the supervisor loads when they are needed. They lie beside its own and may be replaced while it runs, as
// by `npm install`: it goes on with those that it was built with, whose files it keeps open, and takes no others.

import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { createRequire, Module } from "node:module";
import { join } from "node:path";

/** What scripts/bundle.mjs tells of them. Without bundles there is nothing to load. */
declare const SHEPHERD_LATER: { readonly build: string; readonly bundles: readonly string[] };

/** The comment that each begins with. */
const mark = (build: string): string => `// build ${build}\n`;

const loaded = new Map<string, unknown>();
const held = new Map<string, number>();

/**
 * Keeps the files from now on, whatever becomes of their names. Throws where one is of another build, as in the midst of an
 * installation: the next supervisor finds them all replaced.
 */
export function holdLater(): void {
  if (typeof SHEPHERD_LATER === "undefined") return;
  const beginning = Buffer.alloc(mark(SHEPHERD_LATER.build).length);
  for (const bundle of SHEPHERD_LATER.bundles) {
    let descriptor: number;
    try {
      descriptor = openSync(pathOf(bundle), "r");
    } catch {
      // Whoever asks for it is told.
      continue;
    }
    held.set(bundle, descriptor);
    readSync(descriptor, beginning, 0, beginning.length, 0);
    check(pathOf(bundle), beginning.toString("latin1"));
  }
}

function check(path: string, text: string): void {
  if (!text.startsWith(mark(SHEPHERD_LATER.build)))
    throw new Error(
      `${path} belongs to another build than the supervisor that runs: 'herd restart root' has the new one go on`,
    );
}

/** What a bundle exports. Throws where it is not there, or is another build's. */
export function later(bundle: string): unknown {
  if (!loaded.has(bundle)) loaded.set(bundle, load(bundle));
  return loaded.get(bundle);
}

function load(bundle: string): unknown {
  const path = pathOf(bundle);
  const text = textOf(bundle, path);
  check(path, text);
  const module = new Module(path);
  module.filename = path;
  module.paths = createRequire(path).resolve.paths("any") ?? [];
  compilerOf(module)._compile(text, path);
  return module.exports;
}

/** As `require()` does it; a script of `node:vm` could not import modules. */
interface Compiler {
  _compile(text: string, path: string): void;
}

const compilerOf = (module: Module): Compiler => module as unknown as Compiler;

function textOf(bundle: string, path: string): string {
  const descriptor = held.get(bundle);
  if (descriptor === undefined) return readFileSync(path, "utf8");
  held.delete(bundle);
  try {
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

const pathOf = (bundle: string): string => join(import.meta.dirname, bundle);
