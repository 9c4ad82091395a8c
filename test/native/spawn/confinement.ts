// Runs the spawn helper with namespaces and mounts: it starts in namespaces of the test's own, so that nothing it gets wrong
// reaches the machine.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { type Outcome, run, variant } from "./helper.js";

export const own = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"];

const root = process.getuid?.() === 0;
const reason = root ? "valgrind does not know the kernel's calls" : "mounts and namespaces need root";
export const needsRoot = { skip: root && variant !== "valgrind" ? false : reason };

/** What the helper executes in namespaces of the test's own, after `before` (a shell script) has been run there. */
export function confined(
  context: TestContext,
  spec: Partial<SpawnSpec>,
  before = ":",
  wrapper: readonly string[] = [],
): Promise<Outcome> {
  const descriptors = [
    { target: 1, source: { own: 1 } },
    { target: 2, source: { own: 2 } },
  ] as const;
  const script = `set -e; ${before}\nexec "$@"`;
  return run(
    context,
    {
      arguments: ["/bin/true"],
      environment: ["PATH=/usr/sbin:/usr/bin:/bin"],
      descriptors,
      ...spec,
    },
    { wrapper: [...own, "sh", "-c", script, "sh", ...wrapper] },
  );
}

/** The lines that a shell script prints which is executed so. */
export async function lines(
  context: TestContext,
  script: string,
  spec: Partial<SpawnSpec>,
  before?: string,
  wrapper?: readonly string[],
): Promise<string[]> {
  const outcome = await confined(context, { arguments: ["/bin/sh", "-c", script], ...spec }, before, wrapper);
  assert.deepEqual(
    { failure: outcome.failure, stderr: outcome.stderr, code: outcome.code, signal: outcome.signal },
    { failure: undefined, stderr: "", code: 0, signal: null },
  );
  return outcome.stdout.split("\n").slice(0, -1);
}

/** The failure that the helper reports. */
export async function refusal(
  context: TestContext,
  spec: Partial<SpawnSpec>,
  before?: string,
  wrapper?: readonly string[],
): Promise<Outcome["failure"]> {
  const outcome = await confined(context, spec, before, wrapper);
  assert.equal(outcome.code, 127, JSON.stringify(outcome));
  return outcome.failure;
}
