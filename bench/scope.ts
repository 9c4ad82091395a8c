// A cgroup for all that one life of a supervisor starts: what is in it is found however it was reparented, and goes with it.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../test/support/wait.js";

export class CgroupScope {
  /** What a process joins. */
  readonly directories: readonly string[];
  /** The file with the number of tasks, those that nobody has reaped included. */
  readonly taskCounter: string;
  readonly #unified: string;

  constructor(name: string) {
    const root = "/sys/fs/cgroup";
    // Where both versions are mounted, the controller of process numbers belongs to version 1.
    const unified = existsSync(join(root, "unified")) ? join(root, "unified") : root;
    const pids = existsSync(join(root, "pids")) ? join(root, "pids") : unified;
    this.#unified = join(unified, name);
    this.directories = [...new Set([this.#unified, join(pids, name)])];
    for (const directory of this.directories) mkdirSync(directory);
    this.taskCounter = join(pids, name, "pids.current");
  }

  /** Every process in it and in the cgroups below it; zombies too. */
  processes(): readonly number[] {
    return this.#tree().flatMap((directory) =>
      readIfThere(join(directory, "cgroup.procs")).split("\n").filter(Boolean).map(Number),
    );
  }

  tasks(): number {
    return Number(readIfThere(this.taskCounter));
  }

  /** Ends all that is in it and removes it. */
  async close(): Promise<void> {
    writeFileSync(join(this.#unified, "cgroup.kill"), "1");
    await waitFor(`cgroup ${this.#unified} is empty`, () => this.processes().length === 0);
    // Those that only a dead PID 1 could have reaped go a little later.
    await waitFor(`cgroup ${this.#unified} is removed`, () =>
      this.directories.every((directory) =>
        treeOf(directory)
          .reverse()
          .every((one) => isRemoved(one)),
      ),
    );
  }

  #tree(): string[] {
    return treeOf(this.#unified);
  }
}

function treeOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [directory, ...below.flatMap(({ name }) => treeOf(join(directory, name)))];
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
  return true;
}

export function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
