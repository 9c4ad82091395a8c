// Where the native programs are: beside the bundles, in native/ if they were built or chosen when the package was installed, else
// in the folder that the package brings for this kind of machine. bin/shepherd starts the keeper by the same rule.

import { existsSync } from "node:fs";
import { machine } from "node:os";
import { join } from "node:path";

/** @param bundles the folder of the bundles */
export function nativePrograms(bundles: string): string {
  const chosen = join(bundles, "native");
  // A link to nowhere is none.
  return existsSync(join(chosen, "keeper")) ? chosen : join(bundles, `linux-${machine()}`);
}
