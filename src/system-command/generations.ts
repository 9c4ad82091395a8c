// Generations: the systems that were put into use, by number. Each is a link, so that going back is to let another link
// point at it.

import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, rename, rm, unlink } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { makeLink, pointLink, syncDirectory, targetOf } from "./links.js";
import type { Places } from "./places.js";

export interface Generation {
  readonly number: number;
  /** The system's directory. */
  readonly system: string;
  /** When it was made, in milliseconds since the epoch. */
  readonly made: number;
}

const nameOf = (number: number): string => `system-${number}`;
const linkOf = (places: Places, number: number): string => join(places.generations, nameOf(number));

function numberOf(name: string): number | undefined {
  const digits = /^system-([1-9]\d{0,9})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** All of them, the oldest first. */
export async function listGenerations(places: Places): Promise<readonly Generation[]> {
  const names = await namesIn(places.generations);
  const found = await Promise.all(
    names.flatMap((name) => {
      const number = numberOf(name);
      return number === undefined ? [] : [generation(places, number)];
    }),
  );
  return found.filter((one) => one !== undefined).sort((a, b) => a.number - b.number);
}

async function generation(places: Places, number: number): Promise<Generation | undefined> {
  const link = linkOf(places, number);
  const target = await targetOf(link);
  if (target === undefined) return undefined;
  const { mtimeMs } = await lstat(link);
  return { number, system: resolve(dirname(link), target), made: Math.trunc(mtimeMs) };
}

/** The number of the generation in use; undefined before there is one. */
export async function currentNumber(places: Places): Promise<number | undefined> {
  const target = await targetOf(places.profile);
  return target === undefined ? undefined : numberOf(basename(target));
}

/** The generation in use; undefined where there is none. */
export async function currentGeneration(places: Places): Promise<Generation | undefined> {
  const number = await currentNumber(places);
  return number === undefined ? undefined : await generation(places, number);
}

/** Makes a generation of a system, the next one after all that there are; it is not in use yet. */
async function addGeneration(places: Places, system: string): Promise<Generation> {
  await mkdir(places.generations, { recursive: true });
  for (;;) {
    const last = (await listGenerations(places)).at(-1)?.number ?? 0;
    // A link that was deleted and had a greater number may still be the one in use.
    const number = Math.max(last, (await currentNumber(places)) ?? 0) + 1;
    const target = relative(places.generations, system);
    // Somebody else may be at it too, and was quicker.
    if (!(await makeLink(linkOf(places, number), target))) continue;
    const made = await generation(places, number);
    if (made !== undefined) return made;
  }
}

/** Puts a generation into use. */
export async function useGeneration(places: Places, number: number): Promise<void> {
  await pointLink(places.profile, relative(dirname(places.profile), linkOf(places, number)));
}

/** A generation of the system, in use: the one that is in use where it has that system already, else a new one. */
export async function generationOf(places: Places, system: string): Promise<Generation> {
  const current = await currentGeneration(places);
  if (current?.system === system) return current;
  const added = await addGeneration(places, system);
  await useGeneration(places, added.number);
  return added;
}

/** Removes generations, and the systems that no other generation has and that are not in `keep`. */
export async function removeGenerations(
  places: Places,
  generations: readonly Generation[],
  keep: readonly string[],
): Promise<void> {
  for (const { number } of generations) await unlink(linkOf(places, number));
  if (generations.length > 0) await syncDirectory(places.generations);
  const kept = new Set([...keep, ...(await listGenerations(places)).map(({ system }) => system)]);
  const systems = (await namesIn(places.systems))
    // Not what is being built at this moment.
    .filter((name) => name.endsWith("-system"))
    .map((name) => join(places.systems, name));
  for (const system of systems.filter((one) => !kept.has(one))) {
    // By a name that means nothing: what is left of it where this is cut short must not be taken for the whole.
    const removed = `${system}.${randomUUID()}.new`;
    await rename(system, removed);
    await syncDirectory(places.systems);
    await rm(removed, { recursive: true, force: true });
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
