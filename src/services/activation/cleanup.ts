// Removes what the previous boot has left behind: temporary files, and locks. Nothing of it stops a boot.

import { errorText } from "../../daemon/error-text.js";
import { within } from "./directory.js";
import { openPlace, type Root } from "./place.js";
import { putDirectory, remove } from "./put.js";
import { emptyDirectory } from "./remove.js";

const locks = [
  "/etc/passwd.lock",
  "/etc/group.lock",
  "/etc/shadow.lock",
  "/etc/gshadow.lock",
  "/etc/.pwd.lock",
];

/** Directories that are emptied, with their permissions. Where /var/run is a link to /run it is empty by then. */
const directories: readonly (readonly [path: string, mode: number])[] = [
  ["/tmp", 0o1777],
  ["/run", 0o755],
  ["/var/run", 0o755],
];

/** Of Debian: a directory that its programs expect below /run. */
const lockDirectory = "/run/lock";

/** Each failure is told, and the rest is done. File systems that are mounted there are left alone. */
export async function cleanUp(root: Root, log: (line: string) => void): Promise<void> {
  const tolerant = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      log(`warning: ${errorText(error)}`);
    }
  };
  for (const lock of locks) await tolerant(async () => await remove(root, lock));
  for (const [path, mode] of directories)
    await tolerant(async () => {
      await putDirectory(root, path, { mode });
      const failures = await within(openPlace(root, path), emptyDirectory);
      for (const failure of failures) log(`warning: ${failure.message}`);
    });
  await tolerant(async () => await putDirectory(root, lockDirectory, { mode: 0o1777 }));
}
