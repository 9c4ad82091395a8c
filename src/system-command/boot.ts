// Boots a system: puts it into use and activates it, up to the point where the supervisor takes over. Where it is broken, an
// earlier generation is booted instead: a machine that runs what it ran yesterday can be mended.

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { CommandError, reason } from "./error.js";
import {
  currentGeneration,
  type Generation,
  generationOf,
  listGenerations,
  useGeneration,
} from "./generations.js";
import { pointLink } from "./links.js";
import type { Places } from "./places.js";
import { checkSystem } from "./systems.js";

export interface BootSetup {
  readonly places: Places;
  /** For whoever watches the boot, on standard error. */
  readonly tell: (text: string) => void;
  /** Gives the directory of the system that was asked for, among all systems. Throws what is wrong with it. */
  readonly build: () => Promise<string>;
  /** Does what a system does at boot. */
  readonly activate: (system: string) => Promise<Activated>;
}

/** What a system's boot has come to. */
export interface Activated {
  /** Names of what has failed, which was told. */
  readonly failed: readonly string[];
  /** The program that is to supervise; undefined: ours. */
  readonly program?: string | undefined;
}

/**
 * Boots what was asked for or, where that is broken, an earlier generation.
 *
 * @param wanted what was asked for, for messages
 * @throws what is wrong with that, where no earlier generation can be booted either
 */
export async function boot(wanted: string, setup: BootSetup): Promise<Activated> {
  const { places, tell, build } = setup;
  const earlier = await earlierGenerations(places);
  try {
    return await start(await generationOf(places, await build()), setup);
  } catch (error) {
    if (earlier.length === 0) throw error;
    tell(`error: ${reason(error)}`);
  }
  for (const generation of earlier) {
    const made = new Date(generation.made).toISOString();
    tell(
      `*** ${wanted} CANNOT BE BOOTED. Generation ${generation.number}, of ${made}, is booted instead. ***`,
    );
    try {
      await useGeneration(places, generation.number);
      return await start(generation, setup);
    } catch (error) {
      tell(`error: ${reason(error)}`);
    }
  }
  throw new CommandError(`neither ${wanted} nor any earlier generation can be booted`);
}

/** The one in use first, then the youngest. */
async function earlierGenerations(places: Places): Promise<readonly Generation[]> {
  const current = await currentGeneration(places);
  const others = (await listGenerations(places)).filter(({ number }) => number !== current?.number).reverse();
  return current === undefined ? others : [current, ...others];
}

async function start(
  { number, system }: Generation,
  { places, tell, activate }: BootSetup,
): Promise<Activated> {
  await checkSystem(system);
  tell(`booting generation ${number}, ${system}`);
  const activated = await activate(system);
  const { failed } = activated;
  if (failed.length > 0)
    tell(`error: these have failed, and services are started all the same: ${failed.join(", ")}`);
  // Neither outlives a boot, and cleaning up removes them.
  await mkdir(dirname(places.current), { recursive: true });
  await pointLink(places.current, system);
  await pointLink(places.booted, system);
  return activated;
}
