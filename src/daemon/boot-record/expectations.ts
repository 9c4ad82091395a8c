// What a record depends on: the files of the configuration, the program, accounts, the environment, the keeper's cgroup.

import { readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isUnchanged, manifestOf } from "../configuration/cache.js";
import { preferredTo } from "../configuration/defaults.js";
import type { Request } from "../keeper/types.js";

/** Why a boot is not recorded, which is worth a line in the log. */
export class NotRecordable extends Error {
  override readonly name = "NotRecordable";
}

export interface Surroundings {
  /** The configuration's file, as it was asked for. */
  readonly config: string;
  /** What it was compiled to. */
  readonly compiled: string;
  /** The daemon's bundle. */
  readonly program: string;
  /** Files that were read meanwhile, and must not have changed since then (ms since the epoch); some may be absent. */
  readonly read: { readonly files: readonly string[]; readonly since: number };
  /** The directory of the keeper's cgroup, where services have cgroups. */
  readonly cgroups: string | undefined;
}

/** How old, in ms, a file's last change must be to be told from a next one: the kernel's clock is coarse. */
const settled = 100;

/** Throws NotRecordable. */
export async function expectationsOf(surroundings: Surroundings): Promise<readonly Request[]> {
  const { config, compiled, program, read, cgroups } = surroundings;
  const entry = await realpath(config);
  const manifest = await manifestOf(compiled, entry);
  if (manifest === undefined) throw new NotRecordable(`what ${compiled} was made from is not known`);
  const inputs = manifest.inputs.map(({ path }) => path);
  const sources = await Promise.all([...new Set([config, ...inputs])].map((path) => expectFile(path)));
  // Looked at after that: what is the same now is what was compiled.
  const same = await Promise.all(manifest.inputs.map(isUnchanged));
  if (same.includes(false)) throw new NotRecordable("the configuration has changed meanwhile");
  const others = await Promise.all(read.files.map((file) => expectFile(file, read.since)));
  return [
    await expectEnvironment(),
    ...sources,
    ...preferredTo(config).map((path): Request => ({ op: "expect-file", path, absent: true })),
    // Its contents are its name, which the daemon verifies; its times change whenever it is used.
    { op: "expect-file", path: compiled, size: (await stat(compiled)).size },
    await expectFile(program),
    ...others,
    ...(cgroups === undefined ? [] : [await expectCgroup(cgroups)]),
  ];
}

/** @param since it must not have changed since then */
async function expectFile(path: string, since = Number.POSITIVE_INFINITY): Promise<Request> {
  for (;;) {
    const found = await stat(path, { bigint: true }).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (found === undefined) return { op: "expect-file", path, absent: true };
    const { ino, size, mtimeNs, ctimeNs } = found;
    const changed = Number(ctimeNs / 1_000_000n);
    if (changed >= since) throw new NotRecordable(`${path} has changed meanwhile`);
    const age = Date.now() - changed;
    if (age >= 0 && age < settled) {
      await delay(settled - age);
      continue;
    }
    return {
      op: "expect-file",
      path,
      // Some file systems use all 64 bits.
      ...(ino < 2n ** 63n ? { inode: ino } : {}),
      size: Number(size),
      ...(mtimeNs >= 0n ? { modified: mtimeNs } : {}),
      ...(ctimeNs >= 0n ? { changed: ctimeNs } : {}),
    };
  }
}

const ours: readonly string[] = ["SHEPHERD_KEEPER_FD=", "SHEPHERD_GENERATION=", "SHEPHERD_RESCUE="];

/** As the keeper gave it to us, byte by byte. */
async function expectEnvironment(): Promise<Request> {
  const [environment, words] = await Promise.all([
    readFile("/proc/self/environ", "latin1"),
    readFile("/proc/self/cmdline"),
  ]);
  const variables = environment
    .split("\0")
    .slice(0, -1)
    .filter((variable) => !ours.some((name) => variable.startsWith(name)));
  return {
    op: "expect-environment",
    environment: Buffer.from(variables.map((variable) => `${variable}\0`).join(""), "latin1"),
    arguments: words,
    directory: process.cwd(),
  };
}

/** The keeper is in the leaf by now, which is made anew at each boot. */
async function expectCgroup(directory: string): Promise<Request> {
  const path = "/proc/self/cgroup";
  const text = await readFile(path, "utf8");
  const before = text.replace(/^0::(\/.*)$/m, (_, leaf: string) => `0::${dirname(leaf)}`);
  if (before === text) throw new NotRecordable(`the keeper's cgroup ${directory} is not where it began`);
  return { op: "expect-file", path, data: Buffer.from(before) };
}
