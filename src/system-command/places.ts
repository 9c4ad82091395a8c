// Where systems, their generations and what refers to them are.

import { join } from "node:path";

export interface Places {
  /** Our own directory, which outlives a boot. */
  readonly state: string;
  /** System directories: `HASH-system`. */
  readonly systems: string;
  /** A link `system-N` to its system for each generation. */
  readonly generations: string;
  /** A link to the generation that is in use. */
  readonly profile: string;
  /** A link to the system that runs; it is made anew at each boot. */
  readonly current: string;
  /** A link to the system that was booted. */
  readonly booted: string;
}

/** @param root the root of the file system that is meant */
export function placesBelow(root = "/"): Places {
  const state = join(root, "var/lib/shepherd");
  return {
    state,
    systems: join(state, "systems"),
    generations: join(state, "generations"),
    profile: join(state, "system"),
    current: join(root, "run/current-system"),
    booted: join(root, "run/booted-system"),
  };
}

/** A system's configuration, below its directory. */
export const compiledModule = "shepherd/configuration.mjs";
