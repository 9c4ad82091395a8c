// Reads a file that is to be converted.

import { readFile } from "node:fs/promises";
import { reasonOf } from "../daemon/configuration/error.js";
import { ConversionError } from "./error.js";

/** @throws ConversionError */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new ConversionError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
}
