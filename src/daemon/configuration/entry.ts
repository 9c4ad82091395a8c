// The file that a user names as a configuration module.

import { realpath, stat } from "node:fs/promises";
import { extname } from "node:path";
import { ConfigurationError, reasonOf } from "./error.js";

const extensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"];

/**
 * The module's real path: a link that points elsewhere by now is another module. Throws ConfigurationError where it is no
 * file, or none that can be a module.
 */
export async function realEntry(file: string): Promise<string> {
  let entry: string;
  try {
    entry = await realpath(file);
    if (!(await stat(entry)).isFile()) throw new Error("not a regular file");
  } catch (error) {
    throw new ConfigurationError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
  if (!extensions.includes(extname(entry))) {
    throw new ConfigurationError(
      `cannot load ${file}: expected a name that ends in ${extensions.join(", ")}`,
    );
  }
  return entry;
}
