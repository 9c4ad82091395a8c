// `herd verify`: systemd units are checked as files, without systemd and without a supervisor: what is wrong with them, and
// what of them is applied. Nothing is started.

import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { systemDirectories } from "./manager-directories.js";
import { mangleName, parseUnitName, type UnitName } from "./names.js";
import { RootedFiles } from "./rooted-files.js";
import { systemSearchPath } from "./search-path.js";
import { readSystemFacts } from "./system-facts.js";
import { indexUnits, type UnitIndex } from "./unit-index.js";
import { totalText, verificationJson, verificationText } from "./verify/show.js";
import { isUsable, isWhole, type Verification, verifyUnit } from "./verify/verification.js";

export interface VerifyRequest {
  /** Names of units, of which `.service` may be left out, and paths of unit files, which have a slash in them. */
  readonly units: readonly string[];
  /** All units of the search path, instead of those; aliases and masks are none. */
  readonly all?: boolean;
  /** Whether a unit fails of which a directive is not, or only partly, applied that it works or is confined by. */
  readonly strict?: boolean;
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

/** 0 where each unit is there and can be used, and is applied as far as `strict` wants it, 1 otherwise. */
export async function verify(request: VerifyRequest, { write, error }: VerifyOutput): Promise<0 | 1> {
  const { units, all = false, strict = false, json, root = "/", directory } = request;
  const named: Target[] = [];
  for (const given of units) {
    const target = targetOf(given, root, directory);
    if (typeof target === "string") {
      error(target);
      return 1;
    }
    named.push(target);
  }
  if (!(await isDirectory(root))) {
    error(`--root: ${JSON.stringify(root)} is no directory`);
    return 1;
  }
  const files = new RootedFiles(root);
  const [index, facts] = await Promise.all([indexUnits(files, systemSearchPath), readSystemFacts(root)]);
  const system = { files, index, facts, directories: systemDirectories, isThisSystem: root === "/" };
  const found: Verification[] = [];
  for (const { name, path } of all ? allOf(index) : named) {
    const verification = await verifyUnit(name, path, system);
    if (!json) write(`${found.length === 0 ? "" : "\n"}${verificationText(verification, strict)}`);
    found.push(verification);
  }
  if (json) write(`${JSON.stringify({ units: found.map(verificationJson) }, undefined, 2)}\n`);
  else if (all) write(`${found.length === 0 ? "" : "\n"}${totalText(found)}`);
  return found.every(isUsable) && (!strict || found.every(isWhole)) ? 0 : 1;
}

function allOf(index: UnitIndex): readonly Target[] {
  return index.names.flatMap((full) => {
    const name = parseUnitName(full);
    return name === undefined || index.entry(full)?.kind !== "file" ? [] : [{ name }];
  });
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
