// Programs with privileges: copies in a directory of their own, which holds those of the system in use and no others.

import { basename } from "node:path";
import { isRecord } from "../../daemon/definition/check.js";
import { errorText } from "../../daemon/error-text.js";
import { filePath } from "../files/file-like.js";
import { libcap } from "../files/packages.js";
import { within } from "./directory.js";
import { gidOf, readAccounts, uidOf } from "./identity.js";
import { openPlace, type Root } from "./place.js";
import { contentsAtEnd, contentsOf, ourselves, putDirectory, putFile, putLink, remove } from "./put.js";
import { removeAt } from "./remove.js";
import { runProgram } from "./run.js";
import type { PrivilegedProgramData } from "./steps.js";

export const privilegedDirectory = "/run/privileged/bin";
/** Where they were in earlier versions of Guix. */
const olderDirectory = "/run/setuid-programs";

/** The capabilities that we gave: Node cannot read them from a file. By name; empty for none. */
const capabilitiesFile = "/run/privileged/capabilities.json";

/**
 * Fills the directory of privileged programs. One that cannot be made is told, and is not there.
 *
 * @throws PlaceError where the directories cannot be made
 */
export async function installPrivilegedPrograms(
  root: Root,
  programs: readonly PrivilegedProgramData[],
  log: (line: string) => void,
): Promise<void> {
  for (const directory of [privilegedDirectory, olderDirectory])
    await putDirectory(root, directory, { mode: 0o755 });
  const given = await readCapabilities(root);
  const made = new Map<string, string>();
  for (const one of programs) {
    const program = filePath(one.program);
    const name = basename(program);
    try {
      await install(root, program, one, given[name]);
      made.set(name, one.capabilities ?? "");
    } catch (error) {
      log(`warning: failed to privilege ${program}: ${errorText(error)}`);
    }
  }
  for (const directory of [privilegedDirectory, olderDirectory])
    await within(openPlace(root, directory), async (open) => {
      for (const name of await open.names()) if (!made.has(name)) await removeAt(open, name);
    });
  await putFile(root, capabilitiesFile, {
    contents: `${JSON.stringify(Object.fromEntries(made))}\n`,
    mode: 0o644,
    ...ourselves(),
  });
}

async function install(
  root: Root,
  program: string,
  { setuid, setgid, user, group, capabilities = "" }: PrivilegedProgramData,
  given: unknown,
): Promise<void> {
  const accounts = await readAccounts(root);
  const target = `${privilegedDirectory}/${basename(program)}`;
  // A file that stays would keep what it has.
  if (given !== capabilities) await remove(root, target);
  const isNew = await putFile(root, target, {
    contents: await contentsAtEnd(root, program),
    mode: 0o555 | (setuid ? 0o4000 : 0) | (setgid ? 0o2000 : 0),
    uid: uidOf(user, accounts).uid,
    gid: gidOf(group, accounts),
  });
  if (isNew && capabilities !== "")
    await runProgram(root, {
      step: "run",
      command: [`${filePath(libcap)}/sbin/setcap`, "-q", capabilities, target],
    });
  await putLink(root, `${olderDirectory}/${basename(program)}`, target);
}

async function readCapabilities(root: Root): Promise<Readonly<Record<string, unknown>>> {
  const contents = await contentsOf(root, capabilitiesFile);
  if (contents === undefined) return {};
  try {
    const data: unknown = JSON.parse(contents.toString());
    return isRecord(data) ? data : {};
  } catch {
    // Then all are made anew.
    return {};
  }
}
