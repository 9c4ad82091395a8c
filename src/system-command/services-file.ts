// The graph of a system's services, as its directory holds it: data, for which nothing needs to be evaluated.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isRecord } from "../daemon/definition/check.js";
import type { Tree } from "../services/files/tree.js";
import { CommandError, reasonOf } from "./error.js";
import type { DescribedService } from "./plan.js";

const servicesFile = "shepherd/services.json";

/** The services of a system that was not written yet. */
export function servicesOfTree(tree: Tree): readonly DescribedService[] {
  const entry = tree.get(servicesFile);
  if (entry?.kind !== "file") throw new CommandError(`the system has no ${servicesFile}`);
  return parse(Buffer.from(entry.contents).toString("utf8"), servicesFile);
}

/** Throws CommandError where the directory does not tell. */
export async function servicesOfSystem(system: string): Promise<readonly DescribedService[]> {
  const file = join(system, servicesFile);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${reasonOf(error)}`, { cause: error });
  }
  return parse(text, file);
}

function parse(text: string, file: string): readonly DescribedService[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file}: ${reasonOf(error)}`, { cause: error });
  }
  if (!isRecord(value) || value.version !== 1 || !Array.isArray(value.services))
    throw new CommandError(`${file}: another version of shepherd-ts has made it`);
  const services: readonly unknown[] = value.services;
  if (!services.every(isDescribed)) throw new CommandError(`${file}: it does not describe services`);
  return services;
}

function isDescribed(value: unknown): value is DescribedService {
  return (
    isRecord(value) &&
    areNames(value.provision) &&
    value.provision.length > 0 &&
    areNames(value.requirement) &&
    typeof value.autoStart === "boolean"
  );
}

function areNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
