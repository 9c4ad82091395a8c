// What tests with nix-daemon do again and again.

import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import type { TestContext } from "node:test";
import * as store from "../../src/store/index.js";
import type { NixDaemon } from "./nix-daemon.js";

/** A connection for one test, and what the daemon says on it. */
export async function connectTo(
  t: TestContext,
  daemon: NixDaemon,
  options: store.ConnectionOptions = {},
): Promise<{ readonly connection: store.StoreConnection; readonly log: () => string }> {
  let log = "";
  const connection = await store.openConnection(daemon.socket, {
    storeDirectory: daemon.storeDirectory,
    buildOutputPort: (text) => {
      log += text;
    },
    ...options,
  });
  t.after(() => store.closeConnection(connection));
  return { connection, log: () => log };
}

/** A derivation that a shell builds, which is put into the store: builders that every daemon takes lie there. */
export async function script(
  connection: store.StoreConnection,
  name: string,
  text: string,
  options: store.DerivationOptions = {},
): Promise<store.Derivation> {
  const sh = await store.addToStore(connection, "sh", true, "sha256", realpathSync("/bin/sh"));
  const sources = [...(options.sources ?? []), sh];
  return store.derivation(connection, name, sh, ["-c", text], { ...options, sources });
}

export function pathOf(derivation: store.Derivation, output?: string): string {
  const path = store.derivationToOutputPath(derivation, output);
  assert.ok(path !== undefined);
  return path;
}
