// Files with secrets: a service that reads one is not started while others could read it too, or the service could not.

import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { errorText } from "../error-text.js";
import { type Identity, StartFailure } from "./host.js";

/** What is looked at of a file. */
export type SecretFileStatus = Pick<Stats, "mode" | "uid" | "gid"> & { isFile(): boolean };

/** A file with a secret that is not as it must be. */
export class SecretFileError extends StartFailure {
  readonly file: string;
  /** Its permissions; undefined where there is no such file. */
  readonly mode: number | undefined;
  constructor(file: string, problem: string, mode?: number) {
    super(`secret file ${file}${mode === undefined ? "" : ` (mode ${octal(mode)})`}: ${problem}`);
    this.file = file;
    this.mode = mode;
  }
}

/** The group of whoever has no group of its own: what it can read, many can. */
const nogroup = 65_534;
const expected = "expected 0400 or 0600 and the service's user as its owner, or 0440 or 0640 and its group";

/** Permissions as people write them. */
function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8).padStart(3, "0")}`;
}

/** What is wrong with a file that holds a secret of a process that runs as `user` and `group`; undefined where nothing is. */
export function secretFileProblem(file: SecretFileStatus, user: number, group: number): string | undefined {
  const { mode, uid, gid } = file;
  if (!file.isFile()) return "it is no regular file";
  if ((mode & 0o007) !== 0) return `everybody has access to it; ${expected}`;
  if (uid !== user && uid !== 0)
    return `it belongs to user ${uid}, neither root nor user ${user} who runs the service`;
  if ((mode & 0o030) !== 0) return `its group can change it; ${expected}`;
  const isOwnGroup = gid === group && gid !== nogroup;
  if ((mode & 0o040) !== 0 && !isOwnGroup) return `group ${gid} can read it; ${expected}`;
  const isReadable = user === 0 || (uid === user ? (mode & 0o400) !== 0 : isOwnGroup && (mode & 0o040) !== 0);
  return isReadable ? undefined : `user ${user}, who runs the service, cannot read it; ${expected}`;
}

/**
 * Resolves where every file is one that only the service's user, its own group and root can read. Symbolic links are
 * followed: mounted secrets are such links.
 *
 * @throws SecretFileError
 */
export async function checkSecretFiles(files: readonly string[], identity: Identity): Promise<void> {
  const { uid = process.geteuid?.() ?? 0, gid = process.getegid?.() ?? 0 } = identity;
  for (const file of files) {
    const status = await stat(file).catch((error: unknown) => {
      throw new SecretFileError(file, errorText(error));
    });
    const problem = secretFileProblem(status, uid, gid);
    if (problem !== undefined) throw new SecretFileError(file, problem, status.mode & 0o7777);
  }
}
