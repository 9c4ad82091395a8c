// Directory trees in a temporary place, for tests that look for units.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

/** What a name is: a text is a file, an arrow and a name a symbolic link. */
export type Tree = Readonly<Record<string, string>>;

/** Makes the tree, and gives its root; it is removed after the test. */
export function makeTree(context: Pick<TestContext, "after">, tree: Tree): string {
  const root = mkdtempSync(join(tmpdir(), "shepherd-units-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  // For whoever reads it without our rights.
  chmodSync(root, 0o755);
  for (const [name, contents] of Object.entries(tree)) {
    const file = join(root, name);
    mkdirSync(dirname(file), { recursive: true });
    if (contents.startsWith("→ ")) symlinkSync(contents.slice(2), file);
    else writeFileSync(file, contents);
  }
  return root;
}
