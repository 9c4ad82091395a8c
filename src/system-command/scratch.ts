// A directory for what is needed as long as a command runs: in the first place that takes one. Where the root file system is
// read-only, /tmp may be as well. bin/shepherd looks for a place likewise.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError, reasonOf } from "./error.js";

/** Makes a directory that only we can write in, whoever else can write in the one where it is. */
export async function makeScratch(
  places: readonly string[] = [tmpdir(), "/run", "/dev/shm", "/var/lib/shepherd"],
): Promise<string> {
  const reasons: string[] = [];
  for (const place of places)
    try {
      return await mkdtemp(join(place, "shepherd-system-"));
    } catch (error) {
      reasons.push(`${place}: ${reasonOf(error)}`);
    }
  throw new CommandError(
    `cannot make a directory for temporary files (${reasons.join("; ")}); mount a tmpfs on one`,
  );
}
