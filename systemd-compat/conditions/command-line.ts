// The kernel's command line; in a container, what its first process was told.

import { splitWords } from "../parser/words.js";
import type { SystemView } from "./view.js";
import { virtualizationOf } from "./virtualization.js";

/** Its words. */
export async function commandLineWords(view: SystemView): Promise<readonly string[]> {
  const container = (await virtualizationOf(view))?.kind === "container";
  if (container) {
    const words = ((await view.text("/proc/1/cmdline")) ?? "").split("\0");
    return words.filter((word) => word !== "").slice(1);
  }
  try {
    return splitWords((await view.text("/proc/cmdline")) ?? "", { relaxed: true });
  } catch {
    return [];
  }
}

/** The value of a word `NAME=VALUE`, of which `-` and `_` in the name are the same; empty for a word without one. */
export async function commandLineValue(view: SystemView, name: string): Promise<string | undefined> {
  const wanted = name.replaceAll("-", "_");
  for (const word of await commandLineWords(view)) {
    const equals = word.indexOf("=");
    const key = equals < 0 ? word : word.slice(0, equals);
    if (key.replaceAll("-", "_") === wanted) return equals < 0 ? "" : word.slice(equals + 1);
  }
  return undefined;
}
