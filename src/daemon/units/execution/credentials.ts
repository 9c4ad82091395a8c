// Credentials of a unit: secrets in files that only its processes can read, gathered at its start and gone with its stop.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, chown, lstat, mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { listNames, readUpTo } from "../../../../systemd-compat/bounded-read.js";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import { isFileName } from "../../../../systemd-compat/parser/path.js";
import type { Credential } from "../../../../systemd-compat/values/credentials.js";
import { errorText } from "../../error-text.js";
import { codeOf } from "./own-files.js";
import type { Owner } from "./owners.js";
import type { Places } from "./places.js";

/** Bytes of all credentials of a unit, and how many there may be. */
const most = { bytes: 2 ** 20, files: 1024 } as const;
/** How long, in ms, a socket that a credential comes from may take. */
const patience = 30_000;

/** Where the credentials of a unit are, which is also what `%d` stands for. */
export function credentialDirectory(places: Places, unit: string): string {
  return join(places.runtime, "credentials", unit);
}

export function hasCredentials({ LoadCredential, SetCredential }: ServiceSettings): boolean {
  return (LoadCredential ?? []).length > 0 || (SetCredential ?? []).length > 0;
}

/** Where credentials are looked for that are named without a path. */
function stores(places: Places, inherited: string | undefined): readonly string[] {
  return [
    ...(inherited === undefined || !inherited.startsWith("/") ? [] : [inherited]),
    join(places.runtime, "credentials/@system"),
    join(places.configuration, "credstore"),
    join(places.runtime, "credstore"),
    "/usr/local/lib/credstore",
    "/usr/lib/credstore",
  ];
}

/**
 * Makes the directory with the unit's credentials, whole or not at all; one that is there from this start stays.
 * @param owner who may read them
 * @param inherited where the supervisor's own credentials are
 * @throws Error that names the credential
 */
export async function makeCredentials(
  settings: ServiceSettings,
  unit: string,
  places: Places,
  owner: Owner | undefined,
  inherited: string | undefined,
): Promise<string> {
  const directory = credentialDirectory(places, unit);
  if (await isThere(directory)) return directory;
  const found = await gather(settings, places, inherited);
  // A name of its own length: a unit's name may be as long as a file's name can be.
  const draft = join(
    dirname(directory),
    `.new-${createHash("sha256").update(unit).digest("hex").slice(0, 32)}`,
  );
  await mkdir(dirname(directory), { recursive: true, mode: 0o755 });
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  try {
    for (const [name, contents] of found) {
      const file = join(draft, name);
      await writeFile(file, contents, { mode: 0o400, flag: "wx" });
      if (owner !== undefined) await chown(file, owner.uid, owner.gid);
    }
    // Who is no root must be able to remove them.
    if (owner !== undefined) {
      await chmod(draft, 0o500);
      await chown(draft, owner.uid, owner.gid);
    }
    await rename(draft, directory);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  return directory;
}

export async function removeCredentials(unit: string, places: Places): Promise<void> {
  await rm(credentialDirectory(places, unit), { recursive: true, force: true });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** What is loaded comes before a text of that name. */
async function gather(
  settings: ServiceSettings,
  places: Places,
  inherited: string | undefined,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { LoadCredential: loaded = [], SetCredential: texts = [] } = settings;
  const found = new Map<string, Uint8Array>();
  for (const credential of loaded) {
    const { name, source } = credential;
    // What may come from elsewhere need not be there.
    const optional = !source.startsWith("/") || texts.some((text) => text.name === name);
    try {
      for (const [each, contents] of await load(credential, places, inherited)) {
        if (!found.has(each)) found.set(each, contents);
        checkSize(found);
      }
    } catch (error) {
      if (!(optional && codeOf(error) === "ENOENT"))
        throw new Error(`credential "${name}" from ${source}: ${errorText(error)}`);
    }
  }
  for (const { name, text } of texts) if (!found.has(name)) found.set(name, Buffer.from(text));
  checkSize(found);
  return found;
}

function checkSize(found: ReadonlyMap<string, Uint8Array>): void {
  const bytes = [...found.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes > most.bytes) throw new Error(`the unit's credentials have more than ${most.bytes} bytes`);
  if (found.size > most.files) throw new Error(`the unit has more than ${most.files} credentials`);
}

async function load(
  { name, source }: Credential,
  places: Places,
  inherited: string | undefined,
): Promise<readonly (readonly [name: string, contents: Uint8Array])[]> {
  if (!source.startsWith("/")) return [[name, await readStored(source, stores(places, inherited))]];
  const status = await stat(source);
  if (status.isSocket()) return [[name, await readSocket(source)]];
  if (!status.isDirectory()) return [[name, await readSecret(source)]];
  // One for each of its files, their names after a line.
  const names = ((await listNames(source, most.files + 1)) ?? []).sort();
  const files: (readonly [string, Uint8Array])[] = [];
  for (const each of names) {
    const credential = `${name}_${each}`;
    if (!isFileName(credential)) throw new Error(`${join(source, each)}: no credential can have its name`);
    if ((await stat(join(source, each))).isFile())
      files.push([credential, await readSecret(join(source, each))]);
  }
  return files;
}

async function readStored(name: string, directories: readonly string[]): Promise<Uint8Array> {
  let reason: unknown;
  for (const directory of directories) {
    try {
      return await readSecret(join(directory, name));
    } catch (error) {
      if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") throw error;
      reason = error;
    }
  }
  throw reason;
}

async function readSecret(file: string): Promise<Uint8Array> {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const handle = await open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  try {
    const contents = await readUpTo(handle, most.bytes + 1);
    if (contents.length > most.bytes) throw new Error(`it has more than ${most.bytes} bytes`);
    return contents;
  } finally {
    await handle.close();
  }
}

/** All that a socket's other side has to say. */
function readSocket(path: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const socket = connect({ path });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(patience, () => fail(new Error(`no end within ${patience / 1000} s`)));
    socket.on("error", fail);
    socket.on("data", (piece) => {
      pieces.push(piece);
      length += piece.length;
      if (length > most.bytes) fail(new Error(`it has more than ${most.bytes} bytes`));
    });
    socket.on("end", () => {
      socket.destroy();
      resolve(Buffer.concat(pieces));
    });
  });
}
