// What the name of a file in `filesDirectory` begins with: it stands for permissions and contents.

import { createHash } from "node:crypto";

/** The first 32 hexadecimal digits of the SHA-256 of permissions and contents. */
export function contentHash(mode: number, contents: string | Uint8Array): string {
  return createHash("sha256")
    .update(`${mode.toString(8)}\n`)
    .update(contents)
    .digest("hex")
    .slice(0, 32);
}
