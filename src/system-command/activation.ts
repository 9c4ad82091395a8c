// The activation of a system on this machine.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { activate, boot } from "../services/activation/activate.js";
import { pruneStoredFiles } from "../services/activation/stored-files.js";
import type { Activated } from "./boot.js";
import { reasonOf } from "./error.js";
import type { Places } from "./places.js";

const root = "/";

/** Gives the names of what has failed, which was told. */
export async function activateSystem(
  system: string,
  tell: (text: string) => void,
): Promise<readonly string[]> {
  const failures = await activate(system, { log: tell });
  return failures.map(({ snippet }) => snippet);
}

/** What a system does at boot, up to the point where the supervisor takes over. */
export async function bootSystem(
  places: Places,
  system: string,
  tell: (text: string) => void,
): Promise<Activated> {
  const { failures, program } = await boot(system, { log: tell });
  await removeOldFiles(places).catch((error: unknown) => {
    tell(`warning: files of former systems stay: ${reasonOf(error)}`);
  });
  return { failed: failures.map(({ snippet }) => snippet), program };
}

/**
 * Removes files of configurations that no system has any more: only now does nothing run that might still use one. What a
 * build has left that was killed goes too.
 */
async function removeOldFiles({ systems }: Places): Promise<void> {
  const names = await readdir(systems);
  for (const name of names.filter((one) => one.endsWith(".new")))
    await rm(join(systems, name), { recursive: true, force: true });
  await pruneStoredFiles(
    { root },
    names.map((name) => join(systems, name)),
  );
}
