// Tells of processes that the kernel kills for want of memory while their service runs on: the kernel itself says nothing.

import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { oomKills } from "./usage.js";

/** How long, in ms, after a first event, which a service short of memory has hundreds of a second. */
const pause = 1000;

interface Watched {
  readonly watcher: FSWatcher;
  /** How many are known. */
  kills: number;
  timer: NodeJS.Timeout | undefined;
}

export class MemoryWatch {
  readonly #tell: (service: string, kills: number) => void;
  readonly #watched = new Map<string, Watched>();

  /** @param tell gets how many processes of a service were killed since it was told last */
  constructor(tell: (service: string, kills: number) => void) {
    this.#tell = tell;
  }

  /** A service that is watched, if there is one. */
  get any(): string | undefined {
    const [service] = this.#watched.keys();
    return service;
  }

  /** Watches a service's cgroup from now on; where that cannot be watched, its status tells nevertheless. */
  async begin(service: string, directory: string): Promise<void> {
    const kills = await oomKills(directory);
    this.end(service);
    if (kills === undefined) return;
    const file = join(directory, "memory.events");
    try {
      const watcher = watch(file, { persistent: false }, () => this.#changed(service, directory));
      watcher.on("error", () => this.end(service));
      this.#watched.set(service, { watcher, kills, timer: undefined });
    } catch {
      // The system's inotify watches are used up, or the cgroup is gone.
    }
  }

  end(service: string): void {
    const watched = this.#watched.get(service);
    this.#watched.delete(service);
    watched?.watcher.close();
    clearTimeout(watched?.timer);
  }

  #changed(service: string, directory: string): void {
    const watched = this.#watched.get(service);
    if (watched === undefined || watched.timer !== undefined) return;
    watched.timer = setTimeout(() => {
      watched.timer = undefined;
      oomKills(directory)
        .then((kills = 0) => {
          if (this.#watched.get(service) !== watched || kills <= watched.kills) return;
          this.#tell(service, kills - watched.kills);
          watched.kills = kills;
        })
        .catch(() => this.end(service));
    }, pause).unref();
  }
}
