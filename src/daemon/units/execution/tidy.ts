// What goes when a unit is down: its runtime directories, its credentials, its own /tmp, its user.

import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Host } from "../../constructors/host.js";
import { errorText } from "../../error-text.js";
import { decode } from "../encoded.js";
import type { UnitData } from "../types.js";
import { removeCredentials } from "./credentials.js";
import { removeUnitPlace, unitPlaces } from "./directories.js";
import { releaseDynamicUser } from "./dynamic-user.js";
import { pruneUpTo } from "./own-files.js";
import { type Places, placesOf } from "./places.js";
import { ownDirectory, readRecord, removePrivateDirectories } from "./record.js";
import { streamPrefix } from "./streams.js";
import { inTurn } from "./turns.js";

type Tidier = Pick<Host, "report" | "outbox" | "found" | "environment" | "markPrefix">;

export interface TidyOptions {
  /** The unit is started again: what `RuntimeDirectoryPreserve=restart` names stays, and its user. */
  readonly restarting: boolean;
  readonly places?: Places;
}

/**
 * Takes away what `prepareUnit` has made and that does not outlive a run. It is complete when it is called again after a
 * crash. What cannot be removed is reported.
 */
export async function tidyUnit(
  host: Tidier,
  service: string,
  data: UnitData,
  { restarting, places = placesOf(host) }: TidyOptions,
): Promise<void> {
  await inTurn(ownDirectory(places, service), () => tidy(host, service, data, restarting, places));
}

async function tidy(
  host: Tidier,
  service: string,
  data: UnitData,
  restarting: boolean,
  places: Places,
): Promise<void> {
  const settings = decode(data.service);
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => host.report(`${data.unit}: ${what}: ${errorText(error)}`));
  };
  const preserve = settings.RuntimeDirectoryPreserve ?? "no";
  // Where User= of a dynamic one exists, it is that user's, and not out of others' reach.
  const kinds = settings.DynamicUser === true ? [true, false] : [false];
  if (preserve === "no" || (preserve === "restart" && !restarting))
    for (const place of kinds.flatMap((dynamic) => unitPlaces(settings, places, dynamic)))
      if (place.kind === "Runtime") await attempt(`remove ${place.path}`, () => removeUnitPlace(place));
  await attempt("remove its credentials", () => removeCredentials(data.unit, places));
  closeStreams(host, service);
  const own = ownDirectory(places, service);
  await attempt("remove its own /tmp", async () => {
    const privateTmp = (await readRecord(places, service))?.privateTmp;
    if (privateTmp !== undefined) await removePrivateDirectories(places, privateTmp);
  });
  if (!restarting) await attempt("release its user", () => releaseDynamicUser(host, service, places));
  // Last: until then it says what else there is to remove.
  await attempt(`remove ${own}`, async () => {
    await rm(own, { recursive: true, force: true });
    await pruneUpTo(join(places.own, "dynamic-users"), dirname(dirname(places.own)));
  });
}

/** Files that were opened for a process which then never was, since the daemon died. */
function closeStreams({ found, outbox, report }: Tidier, service: string): void {
  const left = [...found].filter((name) => name.startsWith(`${streamPrefix}${service}#`));
  // Of those that were closed meanwhile the keeper says so, which is no trouble.
  if (left.length === 0) return;
  outbox
    .post(...left.map((name) => ({ op: "close", name }) as const))
    .catch((error: unknown) => report(errorText(error)));
}
