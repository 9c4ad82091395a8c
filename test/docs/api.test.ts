// The reference of the public modules is what the types say, names all that they export, and is a manual page without mistakes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import * as api from "../../src/daemon/api.js";
import * as systemApi from "../../src/services/system.js";
import * as storeApi from "../../src/store/index.js";
import * as systemdApi from "../../systemd-compat/index.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

const textOf = (file: string): string => readFileSync(join(project.root, file), "utf8");

it("is what the types say", async () => {
  const script = join(project.root, "scripts", "api-reference.mjs");
  const { status, stderr } = await run(process.execPath, [script, "--check"]);
  assert.deepEqual([status, stderr], [0, ""]);
});

for (const [name, module] of Object.entries({
  "shepherd-ts": api,
  "shepherd-ts-system": systemApi,
  "shepherd-ts-store": storeApi,
  "shepherd-ts-systemd": systemdApi,
}))
  it(`${name}.md has an entry for each export`, () => {
    const text = textOf(`docs/api/${name}.md`);
    const missing = Object.keys(module).filter((one) => !text.includes(`\n### ${one}\n`));
    assert.deepEqual(missing, []);
  });

it("the manual page has the public module, and is in the package", () => {
  const page = textOf("man/shepherd.config.5");
  const missing = Object.keys(api).filter((one) => !page.includes(`\n.SS ${one}\n`));
  assert.deepEqual(missing, []);
  const { man } = JSON.parse(textOf("package.json")) as { readonly man: readonly string[] };
  assert.ok(man.includes("man/shepherd.config.5"));
});
