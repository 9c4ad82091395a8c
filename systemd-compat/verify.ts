// `herd verify`: systemd units are checked as files, without systemd and without a supervisor. Nothing is started or applied.

import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { mangleName, parseUnitName, type UnitName } from "./names.js";
import { RootedFiles } from "./rooted-files.js";
import { systemSearchPath } from "./search-path.js";
import { systemDirectories } from "./specifiers.js";
import { readSystemFacts } from "./system-facts.js";
import { indexUnits } from "./unit-index.js";
import { verificationJson, verificationText } from "./verify/show.js";
import { isUsable, type Verification, verifyUnit } from "./verify/verification.js";

export interface VerifyRequest {
  /** Names of units, of which `.service` may be left out, and paths of unit files, which have a slash in them. */
  readonly units: readonly string[];
  /** One JSON document at the end instead of text. */
  readonly json: boolean;
  /** The directory that is taken for `/`; default `/`. With another one no paths are taken, and no conditions looked at. */
  readonly root?: string;
  /** What relative paths are relative to; absolute. */
  readonly directory: string;
}

export interface VerifyOutput {
  readonly write: (text: string) => void;
  /** Told of a request that makes no sense, without a line's end. */
  readonly error: (text: string) => void;
}

/** What one operand means. */
interface Target {
  readonly name: UnitName;
  /** The file, where that was given. */
  readonly path?: string;
}

/** 0 where each unit is there and can be used, 1 otherwise. */
export async function verify(request: VerifyRequest, { write, error }: VerifyOutput): Promise<0 | 1> {
  const { units, json, root = "/", directory } = request;
  const targets: Target[] = [];
  for (const given of units) {
    const target = targetOf(given, root, directory);
    if (typeof target === "string") {
      error(target);
      return 1;
    }
    targets.push(target);
  }
  if (!(await isDirectory(root))) {
    error(`--root: ${JSON.stringify(root)} is no directory`);
    return 1;
  }
  const files = new RootedFiles(root);
  const [index, facts] = await Promise.all([indexUnits(files, systemSearchPath), readSystemFacts(root)]);
  const system = { files, index, facts, directories: systemDirectories, isThisSystem: root === "/" };
  const found: Verification[] = [];
  for (const { name, path } of targets) {
    const verification = await verifyUnit(name, path, system);
    if (!json) write(`${found.length === 0 ? "" : "\n"}${verificationText(verification)}`);
    found.push(verification);
  }
  if (json) write(`${JSON.stringify({ units: found.map(verificationJson) }, undefined, 2)}\n`);
  return found.every(isUsable) ? 0 : 1;
}

/** A text says why it means nothing. */
function targetOf(given: string, root: string, directory: string): Target | string {
  if (!given.includes("/")) {
    const name = parseUnitName(mangleName(given) ?? "");
    return name === undefined ? `${JSON.stringify(given)} is no name of a unit` : { name };
  }
  if (root !== "/") return `${JSON.stringify(given)}: with --root expected the name of a unit and no path`;
  const path = resolve(directory, given);
  const name = parseUnitName(basename(path));
  return name === undefined
    ? `${JSON.stringify(given)} does not end with the name of a unit`
    : { name, path };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // It is not there, or cannot be seen.
  }
}
