// The public modules: what configuration modules import of us. `shepherd-ts` is the supervisor's own and always there. The
// others are large, and most configurations do without: they are loaded when a module asks for them.

import * as api from "../api.js";

/** What is imported as `shepherd-ts/NAME`. */
export type LazyModule = "system" | "store" | "systemd";

type Exports = Readonly<Record<string, unknown>>;

const lazyModules: Readonly<Record<LazyModule, () => Promise<Exports>>> = {
  system: () => import("../../services/system.js"),
  store: () => import("../../store/index.js"),
  systemd: () => import("../../../systemd-compat/index.js"),
};

const root = "shepherd-ts";
const names: readonly string[] = [root, ...Object.keys(lazyModules).map((name) => `${root}/${name}`)];

/** What can be imported of us, for messages. */
export const publicModules = names.map((name) => `"${name}"`).join(", ");

export function isPublicModule(specifier: string): boolean {
  return names.includes(specifier);
}

/** Those that were asked for. */
const loaded: Partial<Record<LazyModule, Exports>> = {};

/** Puts the public modules where compiled modules look for them. */
export function offerPublicModules(): void {
  Reflect.set(globalThis, Symbol.for("shepherd-ts.api"), api);
  Reflect.set(globalThis, Symbol.for("shepherd-ts.loaded"), loaded);
  Reflect.set(globalThis, Symbol.for("shepherd-ts.load"), loadLazyModule);
}

async function loadLazyModule(name: LazyModule): Promise<Exports> {
  const exports = await lazyModules[name]();
  loaded[name] = exports;
  return exports;
}

/** What stands for a public module in a compiled one. */
export interface StandIn {
  /** The text of a module that takes the exports from where `offerPublicModules` has put them. */
  readonly text: string;
  /** A statement that the compiled module must begin with: a module in CommonJS cannot wait where it asks for another. */
  readonly preparation?: string;
}

/**
 * So a module and the supervisor share what they both use. Names that are not used are left out by the compiler, which takes
 * the calls for some without effects.
 */
export async function standIn(specifier: string): Promise<StandIn> {
  const name = specifier.slice(root.length + 1);
  if (!isLazyModule(name))
    return { text: textOf('globalThis[Symbol.for("shepherd-ts.api")]', Object.keys(api)) };
  const key = JSON.stringify(name);
  return {
    text: textOf(
      `globalThis[Symbol.for("shepherd-ts.loaded")][${key}]`,
      Object.keys(await loadLazyModule(name)),
    ),
    preparation: `await globalThis[Symbol.for("shepherd-ts.load")](${key});`,
  };
}

function textOf(source: string, exported: readonly string[]): string {
  return [
    `const $module = ${source};`,
    "const $export = (name) => $module[name];",
    ...exported.map((one) => `export const ${one} = /* @__PURE__ */ $export("${one}");`),
  ].join("\n");
}

function isLazyModule(name: string): name is LazyModule {
  return Object.hasOwn(lazyModules, name);
}
