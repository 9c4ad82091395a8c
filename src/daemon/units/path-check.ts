// What a path unit looks at: whether something is there, and in which state, so that it is seen whether that has changed.

import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { lstat, opendir, stat } from "node:fs/promises";
import { systemView } from "../../../systemd-compat/conditions/view.js";
import { evaluateCondition } from "../../../systemd-compat/conditions.js";
import { readSystemFacts, type SystemFacts } from "../../../systemd-compat/system-facts.js";
import type { PathWatch } from "./types.js";

/** Entries of a directory that are looked at; of a larger one only what the directory itself tells. */
const mostEntries = 1024;

/** Whether it is watched for changes, and not for what is there. */
export function isForChanges({ kind }: PathWatch): boolean {
  return kind === "PathChanged" || kind === "PathModified";
}

/** Whether what it waits for is there. */
export async function isThere({ kind, path }: PathWatch): Promise<boolean> {
  if (kind === "PathChanged" || kind === "PathModified") return false;
  const condition = {
    directive: `Condition${kind}`,
    kind,
    parameter: path,
    negate: false,
    trigger: false,
    position: { file: "", line: 0 },
  } as const;
  return (await evaluateCondition(condition, systemView({ facts: await facts() }))).holds;
}

/** Facts do not change while the system runs. */
let known: Promise<SystemFacts> | undefined;

function facts(): Promise<SystemFacts> {
  known ??= readSystemFacts();
  return known;
}

/**
 * What can be seen of a path from outside: two values are the same only if nothing was changed between. A directory's tells
 * of the files in it too.
 */
export async function stateOf(path: string): Promise<string> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  if (status === undefined) return "absent";
  const own = statusText(status);
  return status.isDirectory() ? `${own}/${await entriesOf(path)}` : own;
}

function statusText({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].map((number) => number.toString(36)).join(".");
}

/** A digest of what is in a directory; nothing where that is much, or cannot be read. */
async function entriesOf(path: string): Promise<string> {
  try {
    const names: string[] = [];
    const directory = await opendir(path);
    for await (const { name } of directory) {
      if (names.length >= mostEntries) return "many";
      names.push(name);
    }
    const digest = createHash("sha256");
    for (const name of names.sort()) {
      const status = await lstat(`${path}/${name}`, { bigint: true }).catch(() => undefined);
      digest.update(`${name}\0${status === undefined ? "" : statusText(status)}\0`);
    }
    return digest.digest("hex").slice(0, 32);
  } catch {
    return ""; // It is gone meanwhile, or may not be read: the next look tells.
  }
}
