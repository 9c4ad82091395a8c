// What units have left under an earlier keeper of this supervisor, which ended without stopping them: a container that was
// killed and started again has the same files.

import { rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { listNames } from "../../../../systemd-compat/bounded-read.js";
import { errorText } from "../../error-text.js";
import { removeCredentials } from "./credentials.js";
import type { Places } from "./places.js";
import { recordsIn, removePrivateDirectories } from "./record.js";

/** Keepers that are looked at. */
const most = 1024;

/** By the directory of this keeper. */
const cleared = new Map<string, Promise<void>>();

/** Removes it, once for each daemon; nothing where another supervisor could have left it. What fails is reported. */
export async function clearFormer(places: Places, report: (message: string) => void): Promise<void> {
  if (places.ownIsAlone !== true) return;
  let work = cleared.get(places.own);
  if (work === undefined) {
    work = clear(places).catch((error: unknown) =>
      report(`remove what units of earlier have left: ${errorText(error)}`),
    );
    cleared.set(places.own, work);
  }
  await work;
}

async function clear(places: Places): Promise<void> {
  const all = dirname(places.own);
  const others = ((await listNames(all, most)) ?? []).filter((name) => name !== basename(places.own));
  for (const name of others) {
    const directory = join(all, name);
    for (const { entry, record } of await recordsIn(directory)) {
      const { privateTmp, unit } = record;
      if (privateTmp !== undefined) await removePrivateDirectories(places, privateTmp);
      // One that runs again has new ones.
      const runsAgain = await isThere(join(places.own, entry));
      if (unit !== undefined && !runsAgain) await removeCredentials(unit, places);
    }
    // Last: it says what else there is to remove.
    await rm(directory, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
