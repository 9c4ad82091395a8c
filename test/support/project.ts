// Where the programs under test are. The tests run in the project's root, as scripts/test.mjs starts them.

import { join } from "node:path";

const root = process.cwd();

/** How the native programs were built, and so under which checks they run. */
export type Variant = "none" | "valgrind" | "sanitize";

export const project = {
  root,
  bin: join(root, "bin"),
  dist: join(root, "dist"),
  examples: join(root, "examples"),
  native(variant: Variant): string {
    return variant === "none" ? join(root, "dist", "native") : join(root, "build", `native-${variant}`);
  },
} as const;
