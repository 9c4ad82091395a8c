// Makes what a line of tmpfiles.d is about, where it is missing, or decides what becomes of what is there instead.

import { type Directory, explained, PlaceError } from "../../src/services/activation/directory.js";
import { inPlace, type Root } from "../../src/services/activation/place.js";
import { removeAt } from "../../src/services/activation/remove.js";
import { adjust } from "./adjust.js";
import { copyTree } from "./copy.js";
import { makeSpecial } from "./special.js";
import { type Line, makesDirectory } from "./types.js";

type Status = NonNullable<Awaited<ReturnType<Directory["status"]>>>;

/** What the making of something depends on besides its line. */
export interface Creation {
  readonly root: Root;
  /** What a file is to hold, if the line says so. */
  readonly contents: Buffer | undefined;
  /** Says what was not done, where that is no failure. */
  readonly notice: (what: string) => void;
}

const usualMode = { directory: 0o755, other: 0o644 } as const;

/** @throws PlaceError, NoToolError */
export async function makeAt(
  line: Line,
  creation: Creation,
  directory: Directory,
  name: string,
): Promise<void> {
  const status = await directory.status(name);
  if (line.type === "C") return await copy(line, creation, directory, name, status);
  if (status === undefined) return await makeNew(line, creation, directory, name);
  const isOther = !isOfKind(line.type, status);
  if (!isOther && (await isRight(line, directory, name))) {
    if ("fF".includes(line.type) && line.force) await truncate(directory, name, creation.contents);
    return await adjust(directory, name, line, false);
  }
  const isReplaced = (line.force && "Lpcb".includes(line.type)) || (line.replaces && isOther);
  if (!isReplaced) return refuse(line, creation, directory.pathOf(name));
  if (!(await removeAt(directory, name)))
    throw new PlaceError(directory.pathOf(name), "something is mounted there", "EBUSY");
  await makeNew(line, creation, directory, name);
}

/** What is there stays. Where a program cannot do with it that is a failure. */
function refuse({ type, argument }: Line, { notice }: Creation, path: string): void {
  if (type === "L") notice(`${path} is there, and no link to ${argument ?? ""}`);
  else if ("pcb".includes(type)) notice(`${path} is there, and another file`);
  else {
    const what = makesDirectory({ type }) ? "directory" : "regular file";
    throw new PlaceError(path, `it is there, and no ${what}`, "EEXIST");
  }
}

function isOfKind(type: string, status: Status): boolean {
  if ("fF".includes(type)) return status.isFile();
  if (type === "L") return status.isSymbolicLink();
  if (type === "p") return status.isFIFO();
  if (type === "c") return status.isCharacterDevice();
  if (type === "b") return status.isBlockDevice();
  return status.isDirectory();
}

/** Whether something of the right kind is what the line asks for: a device is, whatever its numbers are. */
async function isRight({ type, argument }: Line, directory: Directory, name: string): Promise<boolean> {
  return type !== "L" || (await directory.target(name)) === argument;
}

async function makeNew(line: Line, creation: Creation, directory: Directory, name: string): Promise<void> {
  const { type, argument = "", mode } = line;
  if (makesDirectory(line)) await (await directory.make(name, mode?.value ?? usualMode.directory)).close();
  else if (type === "L") await directory.link(name, argument);
  else if (type === "p" || type === "c" || type === "b") {
    await makeSpecial(directory, name, { type, numbers: argument }, mode?.value ?? usualMode.other);
  } else await makeFile(line, creation, directory, name);
  await adjust(directory, name, line, true);
}

async function makeFile(
  { mode }: Line,
  { contents }: Creation,
  directory: Directory,
  name: string,
): Promise<void> {
  const path = directory.pathOf(name);
  const handle = await directory.createFile(name);
  try {
    if (contents !== undefined) await explained(path, handle.writeFile(contents));
    await explained(path, handle.chmod(mode?.value ?? usualMode.other));
  } finally {
    await handle.close();
  }
}

async function truncate(
  directory: Directory,
  name: string,
  contents: Buffer = Buffer.alloc(0),
): Promise<void> {
  const path = directory.pathOf(name);
  const handle = await directory.overwriteFile(name);
  try {
    if (!(await explained(path, handle.stat())).isFile())
      throw new PlaceError(path, "it is there, and no regular file", "EEXIST");
    await explained(path, handle.truncate(0));
    await explained(path, handle.writeFile(contents));
  } finally {
    await handle.close();
  }
}

async function copy(
  line: Line,
  { root, notice }: Creation,
  directory: Directory,
  name: string,
  there: Status | undefined,
): Promise<void> {
  const source = line.argument ?? "";
  try {
    await inPlace(root, source, {}, async (from, sourceName) => {
      const status = await from.status(sourceName);
      if (status === undefined) throw new PlaceError(source, "it does not exist", "ENOENT");
      const isOther = there !== undefined && kindOf(there) !== kindOf(status);
      if (isOther && !line.replaces)
        throw new PlaceError(
          directory.pathOf(name),
          `it is there, and of another kind than ${source}`,
          "EEXIST",
        );
      if (isOther) await removeAt(directory, name);
      const isNew = await copyTree(from, sourceName, directory, name, line);
      await adjust(directory, name, line, isNew);
    });
  } catch (error) {
    if (!(error instanceof PlaceError) || error.code !== "ENOENT") throw error;
    notice(`there is no ${source} to copy`);
  }
}

/** The bits of the mode that say what kind of file it is. */
const kindOf = ({ mode }: Status): number => Number(mode) & 0o170000;
