// Extended attributes, file attributes and access control lists, which other programs set. A file system that has none of them
// is no failure.

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { type Directory, explained, PlaceError } from "../../src/services/activation/directory.js";
import { splitWords } from "../parser/words.js";
import { nameForOthers, runTool } from "./tools.js";
import type { Line } from "./types.js";

/** Node has no name for it: a descriptor that stands for a file without opening it. */
const O_PATH = 0o10000000;

/** @throws NoToolError; PlaceError where the program fails */
export async function changeAttributes(line: Line, directory: Directory, name: string): Promise<void> {
  const status = await directory.status(name);
  if (status === undefined) return;
  const { type, argument = "" } = line;
  const path = directory.pathOf(name);
  if ("tT".includes(type)) {
    for (const word of splitWords(argument, { cEscapes: true })) {
      const [, attribute = "", value = ""] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
      if (!attribute.includes(".")) throw new PlaceError(path, "expected attributes as NAMESPACE.NAME=VALUE");
      const hexadecimal = `0x${Buffer.from(value).toString("hex")}`;
      await runTool(path, "setfattr", [
        "-h",
        "-n",
        attribute,
        "-v",
        hexadecimal,
        "--",
        nameForOthers(directory, name),
      ]);
    }
  } else if ("hH".includes(type)) {
    if (!status.isFile() && !status.isDirectory()) return;
    const [, sign, letters] = /^([+=-]?)([aAcCdDeijPsStTu]*)$/.exec(argument) ?? [];
    if (letters === undefined || (letters === "" && sign !== "="))
      throw new PlaceError(path, `expected file attributes, got "${argument}"`);
    await runTool(path, "chattr", [`${sign || "+"}${letters}`, "--", nameForOthers(directory, name)]);
  } else if (!status.isSymbolicLink()) await changeList(line, directory, name);
}

async function changeList({ argument = "", force }: Line, directory: Directory, name: string): Promise<void> {
  const path = directory.pathOf(name);
  const handle = await explained(path, open(directory.at(name), O_PATH | constants.O_NOFOLLOW));
  try {
    const isDirectory = (await explained(path, handle.stat())).isDirectory();
    const entries = argument.split(",").filter((entry) => isDirectory || !/^d(?:efault)?:/.test(entry));
    if (entries.length === 0) return;
    // What is opened, and not what the name leads to by then.
    const place = `/proc/${process.pid}/fd/${handle.fd}`;
    await runTool(path, "setfacl", [...(force ? [] : ["-b"]), "-m", entries.join(","), "--", place]);
  } finally {
    await handle.close();
  }
}
