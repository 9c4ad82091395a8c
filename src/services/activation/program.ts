// `activation.json` and `boot.json` of a system directory, read and checked.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isRecord } from "../../daemon/definition/check.js";
import { explained, PlaceError } from "./directory.js";
import { formatVersion } from "./lowering.js";
import type { BootSnippet, BootStep } from "./steps.js";

/** @throws PlaceError where it cannot be read, or is not what we write */
export async function readSnippets(
  systemDirectory: string,
  name: "activation.json" | "boot.json",
): Promise<readonly BootSnippet[]> {
  const file = join(systemDirectory, name);
  const text = await explained(file, readFile(file, "utf8"));
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new PlaceError(file, "not JSON");
  }
  if (!isRecord(data) || data.version !== formatVersion)
    throw new PlaceError(
      file,
      `expected version ${formatVersion} of the format, got ${isRecord(data) ? String(data.version) : "something else"}`,
    );
  const { snippets } = data;
  if (!Array.isArray(snippets) || !snippets.every(isSnippet))
    throw new PlaceError(file, "expected a list of snippets, each with a name and steps");
  return snippets;
}

function isSnippet(value: unknown): value is BootSnippet {
  return (
    isRecord(value) &&
    typeof value.name === "string" &&
    Array.isArray(value.steps) &&
    value.steps.every(isStep)
  );
}

/** That its fields are there is up to whoever wrote it, which were we. */
function isStep(value: unknown): value is BootStep {
  return isRecord(value) && typeof value.step === "string";
}
