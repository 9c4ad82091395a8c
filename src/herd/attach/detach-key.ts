// The key that detaches: how it is written, and where it is in what was typed.

import { UsageError } from "../../cli/gnu-options.js";

export interface DetachKey {
  readonly byte: number;
  /** As people write it. */
  readonly name: string;
}

/** `ctrl-X`, `^X` or one character; undefined for `none`. */
export function parseDetachKey(text: string): DetachKey | undefined {
  if (text === "none") return undefined;
  const control = /^(?:ctrl-|C-|\^)([@-_a-z?])$/i.exec(text)?.[1]?.toUpperCase();
  if (control !== undefined) {
    const byte = control === "?" ? 0x7f : control.charCodeAt(0) & 0x1f;
    return { byte, name: `ctrl-${control.toLowerCase()}` };
  }
  if (/^[!-~]$/.test(text)) return { byte: text.charCodeAt(0), name: text };
  throw new UsageError(`${text}: expected a key such as ctrl-], ctrl-a or a character, or none`);
}

/** What comes before the key in what was typed; undefined where the key is not in it. */
export function beforeKey(typed: Buffer, key: DetachKey | undefined): Buffer | undefined {
  const at = key === undefined ? -1 : typed.indexOf(key.byte);
  return at < 0 ? undefined : typed.subarray(0, at);
}
