// What the log writer has said of destinations that do not take their lines: the last word for each.

import type { Message } from "./messages.js";

export type Trouble = Extract<Message, { readonly type: "trouble" }>;

export class Troubles {
  /** By stream, then by path: the main sink has more destinations than one. */
  readonly #current = new Map<string, Map<string, Trouble>>();

  /** True if it is news, and not only another count of lost lines. */
  learn(trouble: Trouble): boolean {
    const { name, path, errno } = trouble;
    const ofName = this.#current.get(name) ?? new Map<string, Trouble>();
    const before = ofName.get(path)?.errno ?? 0;
    if (errno === 0) ofName.delete(path);
    else ofName.set(path, trouble);
    if (ofName.size === 0) this.#current.delete(name);
    else this.#current.set(name, ofName);
    // That it works again is news even to a daemon which was not there when it stopped working.
    return errno === 0 || errno !== before;
  }

  of(name: string, path: string): Trouble | undefined {
    return this.#current.get(name)?.get(path);
  }

  forget(name: string): void {
    this.#current.delete(name);
  }

  clear(): void {
    this.#current.clear();
  }
}

/** A sentence for a person: `write /var/log/web.log: No space left on device; 12 lines lost`. */
export function describeTrouble({ text, errno, lost }: Trouble): string {
  if (lost === 0) return text;
  const lines = `${lost} ${lost === 1 ? "line" : "lines"}`;
  return errno === 0 ? `${text}; ${lines} ${lost === 1 ? "was" : "were"} lost` : `${text}; ${lines} lost`;
}
