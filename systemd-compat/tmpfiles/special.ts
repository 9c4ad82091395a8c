// FIFOs and devices.

import { chmod } from "node:fs/promises";
import { type Directory, explained } from "../../src/services/activation/directory.js";
import { nameForOthers, runTool } from "./tools.js";

export interface SpecialFile {
  readonly type: "p" | "b" | "c";
  /** Of a device: `MAJOR:MINOR`. */
  readonly numbers?: string;
}

/** Makes one by a name that is free. @throws PlaceError, NoToolError */
export async function makeSpecial(
  directory: Directory,
  name: string,
  { type, numbers }: SpecialFile,
  mode: number,
): Promise<void> {
  const path = directory.pathOf(name);
  const place = nameForOthers(directory, name);
  // Nobody else's until it has its permissions.
  if (type === "p") await runTool(path, "mkfifo", ["-m", "0600", "--", place]);
  else await runTool(path, "mknod", ["-m", "0600", "--", place, type, ...(numbers ?? "").split(":")]);
  await explained(path, chmod(directory.at(name), mode));
}
