// The module that the supervisor runs for a system: it imports the user's module and makes of the operating system that
// it exports what the supervisor needs.

import { operatingSystemMarker } from "../daemon/configuration/operating-system-marker.js";

/** What a module exports that was compiled from this one. */
export interface WrappedModule {
  /** The user's default export, whatever it is. */
  readonly system?: unknown;
  /** The supervisor's configuration: only in the supervisor, and where the user's default export is an operating system. */
  readonly default?: unknown;
}

/**
 * A property of the global object: whether the module is evaluated for the sake of building the system. Some services can
 * only be made in the supervisor.
 */
export const building: unique symbol = Symbol.for("shepherd-ts.building") as never;

function registered(symbol: symbol): string {
  return `Symbol.for(${JSON.stringify(Symbol.keyFor(symbol))})`;
}

/**
 * @param file the user's module, an absolute name
 * @param source its text
 */
export function wrapper(file: string, source: string): string {
  // In one line, which the source map below is about.
  const code = [
    `import * as user from ${JSON.stringify(file)};`,
    'import { systemConfiguration } from "shepherd-ts/system";',
    "export const system = user.default;",
    `const isSystem = system?.[${registered(operatingSystemMarker)}] === true;`,
    `const isBuilt = globalThis[${registered(building)}] === true;`,
    "export default isSystem && !isBuilt ? systemConfiguration(system) : undefined;",
  ].join(" ");
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${mapToExport(file, source)}\n`;
}

/** A source map by which all of the wrapper stands for the user's `export default`: what fails here failed there. */
function mapToExport(file: string, source: string): string {
  const line = source.split("\n").findIndex((text) => /^\s*export\s+default\b/.test(text));
  const map = {
    version: 3,
    sources: [file],
    names: [],
    // One segment, at the first column: to the first source, that line, its first column.
    mappings: `AA${variableLength(Math.max(0, line))}A`,
  };
  return Buffer.from(JSON.stringify(map)).toString("base64");
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A number as source maps have them: five bits a digit, the least first, after a bit for the sign. */
function variableLength(number: number): string {
  let rest = number * 2;
  let text = "";
  do {
    const more = rest >= 32;
    text += digits.charAt((rest % 32) + (more ? 32 : 0));
    rest = Math.floor(rest / 32);
  } while (rest > 0);
  return text;
}
