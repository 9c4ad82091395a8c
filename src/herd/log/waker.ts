// Waits until something happens in the directories of logs; where the kernel cannot tell, it is looked every now and then.
import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** How often, in ms, it is looked where nothing is told: a directory that comes to be, one on a network. */
const lookEvery = 500;

export class Waker {
  readonly #watchers = new Map<string, FSWatcher>();
  #hasHappened = false;
  #wake: () => void = () => undefined;

  /** Has changes of a file, and of what stands beside it, told. */
  add(path: string): void {
    const directory = dirname(path);
    if (this.#watchers.has(directory)) return;
    try {
      const watcher = watch(directory, () => this.happened());
      watcher.on("error", () => this.#forget(directory));
      this.#watchers.set(directory, watcher);
    } catch {
      // There is no such directory yet, or there are too many watchers: then it is looked.
    }
  }

  happened(): void {
    this.#hasHappened = true;
    this.#wake();
  }

  /** Resolves when something has happened since the last time, or might have. */
  async wait(): Promise<void> {
    if (!this.#hasHappened) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookEvery);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#hasHappened = false;
    this.#wake = () => undefined;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #forget(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }
}
