// A termination handler that is still deciding when somebody else has decided: what the user asked for holds.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TerminationDecision } from "../../../src/daemon/definition/types.js";
import { program, rest, servicesOf, stateOf, until } from "../../support/crashes.js";
import { client, settle, type TestSystem, testSystem } from "../../support/system.js";

/** A service that is respawned, and the means to have its handler decide. */
function deciding(respawnDelay = 0) {
  let decide: (decision: TerminationDecision) => void = () => undefined;
  const web = program("web", {
    respawn: true,
    respawnDelay,
    terminationHandler: () =>
      new Promise((resolve) => {
        decide = resolve;
      }),
  });
  return { definitions: [web], decide: (decision: TerminationDecision) => decide(decision) };
}

async function endWeb(one: TestSystem): Promise<void> {
  await one.system.supervisor.start("web", [], client());
  one.keeper.end("web#0.1", { code: 1 });
  await until("its handler decides", () => stateOf(one, "web").undecided);
  await settle();
}

test("a service that was stopped after its handler's daemon had died stays stopped", async () => {
  const { definitions } = deciding();
  const first = testSystem(definitions);
  await endWeb(first);
  const second = testSystem(definitions, first.keeper.successor());
  await until("it is respawned", () => stateOf(second, "web").status === "running");
  assert.equal(stateOf(second, "web").undecided, false);
  await second.system.supervisor.stop("web", [], client());
  await rest(second);
  const third = testSystem(definitions, second.keeper.successor());
  await rest(third);
  assert.deepEqual(servicesOf(third), ["web stopped"]);
});

test("a stop while the respawn is due that a dead daemon's handler had not decided about holds", async () => {
  const { definitions } = deciding(10);
  const first = testSystem(definitions);
  await endWeb(first);
  const second = testSystem(definitions, first.keeper.successor());
  await settle();
  await second.system.supervisor.stop("web", [], client());
  await settle();
  const third = testSystem(definitions, second.keeper.successor());
  await rest(third);
  const { status, respawnAt } = stateOf(third, "web");
  assert.deepEqual([status, respawnAt], ["stopped", undefined]);
});

test("a stop while the handler decides holds, whatever that decides", async () => {
  for (const decision of ["default", "respawn", "stop"] as const) {
    const { definitions, decide } = deciding();
    const first = testSystem(definitions);
    await endWeb(first);
    await first.system.supervisor.stop("web", [], client());
    decide(decision);
    await rest(first);
    assert.deepEqual(servicesOf(first), ["web stopped"], decision);
  }
});
