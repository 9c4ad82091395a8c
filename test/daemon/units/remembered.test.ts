// What a daemon that died had tried for the same requests is not tried once more by the next one.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { rest, stateOf, until } from "../../support/crashes.js";
import { client, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { players, spawned, unit, unitParts } from "./services.js";

/** A target that waits for `slow`, and starts `web` along. */
const definitions = (lines: string): readonly ServiceDefinition[] => [
  unit("goal", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/ok-goal", {
    relations: { wants: ["web", "slow"], after: ["web", "slow"] },
  }),
  unit("slow", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/slow"),
  unit("web", lines),
];

/** The daemon dies while `slow` is still being started, after `meanwhile`. */
async function afterDeath(
  context: TestContext,
  lines: string,
  meanwhile: (one: TestSystem) => Promise<unknown>,
): Promise<TestSystem> {
  const parts = unitParts(context);
  const first = testSystem(definitions(lines), fakeKeeper(players), undefined, parts);
  first.system.supervisor.start("goal", [], client()).catch(() => undefined);
  await until("slow is being started", () => spawned(first.keeper).includes("slow"));
  await meanwhile(first);
  await settle();
  const second = testSystem(definitions(lines), first.keeper.successor(), undefined, parts);
  await settle();
  const [child] = second.keeper.children.filter(({ id }) => id.startsWith("slow#"));
  second.keeper.end(child?.id ?? "", { code: 0 });
  await rest(second);
  return second;
}

test("a unit whose start has failed is not started again by the next daemon", async (context) => {
  const second = await afterDeath(context, "ExecStart=/bin/fail3\nType=oneshot", async (one) => {
    await until("web has failed", () => stateOf(one, "web").failure !== undefined);
  });
  assert.equal(stateOf(second, "goal").status, "running");
  assert.deepEqual(spawned(second.keeper), ["ok-goal"]);
});

test("nor is one that somebody has stopped meanwhile", async (context) => {
  const second = await afterDeath(context, "ExecStart=/bin/serve", async (one) => {
    await until("web runs", () => stateOf(one, "web").status === "running");
    await one.system.supervisor.stop("web", [], client());
  });
  assert.equal(stateOf(second, "goal").status, "running");
  assert.equal(stateOf(second, "web").status, "stopped");
  assert.deepEqual(spawned(second.keeper), ["ok-goal"]);
});
