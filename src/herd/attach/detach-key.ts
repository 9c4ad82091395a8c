// The key that detaches: how it is written, and where it is in what was typed.

import { UsageError } from "../../cli/gnu-options.js";

export interface DetachKey {
  /** As people write it. */
  readonly name: string;
  /** What a terminal may send for it: programs can have it send more than a byte. */
  readonly sequences: readonly Buffer[];
}

/** `ctrl-X`, `^X` or one character; undefined for `none`. */
export function parseDetachKey(text: string): DetachKey | undefined {
  if (text === "none") return undefined;
  const control = /^(?:ctrl-|C-|\^)([@-_a-z?])$/i.exec(text)?.[1]?.toLowerCase();
  if (control !== undefined) {
    const byte = control === "?" ? 0x7f : control.toUpperCase().charCodeAt(0) & 0x1f;
    const code = control.charCodeAt(0);
    const sequences = [String.fromCharCode(byte), `\u001b[${code};5u`, `\u001b[27;5;${code}~`];
    return { name: `ctrl-${control}`, sequences: sequences.map((one) => Buffer.from(one)) };
  }
  if (/^[!-~]$/.test(text)) return { name: text, sequences: [Buffer.from(text)] };
  throw new UsageError(
    `--detach-key: ${text}: expected a key such as ctrl-], ctrl-a or a character, or none`,
  );
}

/** What comes before the key in what was typed; undefined where the key is not in it. */
export function beforeKey(typed: Buffer, key: DetachKey | undefined): Buffer | undefined {
  const places = (key?.sequences ?? []).map((one) => typed.indexOf(one)).filter((at) => at >= 0);
  return places.length === 0 ? undefined : typed.subarray(0, Math.min(...places));
}
