// Tells when something may have changed at a path, be it there or not: watches on it and on all directories above it.

import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { hasWildcards } from "../../../systemd-compat/pattern.js";

/** Directories above a path that are watched. */
const most = 64;

/** Failures that mean that something is not there, or not yet: a directory above it tells when it is. */
const passing: readonly string[] = ["ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG"];

export class PathWatcher {
  readonly #path: string;
  readonly #onEvent: () => void;
  #watchers: FSWatcher[] = [];

  /** @param path with wildcards: what comes to be in the directory before the first of them counts */
  constructor(path: string, onEvent: () => void) {
    this.#path = hasWildcards(path) ? beforeWildcards(path) : path;
    this.#onEvent = onEvent;
  }

  /** Watches what is there now; to be called again after each event. @throws where the kernel has no room for a watch */
  renew(): void {
    this.close();
    this.#add(this.#path, undefined);
    let path = this.#path;
    for (let count = 0; path !== "/" && count < most; count += 1) {
      const parent = dirname(path);
      this.#add(parent, path.slice(parent === "/" ? 1 : parent.length + 1));
      path = parent;
    }
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  /** @param only the one name in it that counts; undefined: all do */
  #add(path: string, only: string | undefined): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(path, { persistent: false }, (_, name) => {
        if (only === undefined || name === null || name === only) this.#onEvent();
      });
    } catch (error) {
      if (passing.includes((error as NodeJS.ErrnoException).code ?? "")) return;
      throw error;
    }
    // It is gone: a directory above tells.
    watcher.on("error", () => this.#onEvent());
    this.#watchers.push(watcher);
  }
}

/** The directory before the first part with wildcards. */
function beforeWildcards(path: string): string {
  const parts = path.split("/");
  const first = parts.findIndex((part) => hasWildcards(part));
  const fixed = parts.slice(0, first).join("/");
  return fixed === "" ? "/" : fixed;
}
