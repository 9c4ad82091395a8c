// Restarts, and one-shots that a start requires: what was asked for is done once, and a stop that comes between holds.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { childrenOf, program, rest, servicesOf, stateOf, sweep } from "../../support/crashes.js";
import { client, definition, fakeKeeper, settle, testSystem } from "../../support/system.js";

test("a restart brings up a service whose new definition has another canonical name", async () => {
  const first = testSystem([program("web http")]);
  const { registry, supervisor } = first.system;
  await supervisor.start("web", [], client());
  registry.register([program("www http")]);
  assert.equal(await supervisor.restart("web", [], client()), true);
  await rest(first);
  assert.deepEqual(servicesOf(first), ["www running"]);
  assert.equal(stateOf(first, "http").wanted, undefined);
  assert.deepEqual(childrenOf(first.keeper), [["www#0.2", []]]);
});

test("a stop that comes while a restart stops the service holds", async () => {
  const first = testSystem([program("web")], fakeKeeper({ onSignal: () => undefined }));
  const { supervisor } = first.system;
  await supervisor.start("web", [], client());
  const restart = supervisor.restart("web", [], client());
  await settle();
  const stop = supervisor.stop("web", [], client());
  await settle();
  first.keeper.end("web#0.1", { signal: constants.signals.SIGTERM });
  await stop;
  assert.equal(await restart, false);
  await rest(first);
  assert.deepEqual(servicesOf(first), ["web stopped"]);
});

test("a one-shot is run once for one request, also where the next daemon goes on with it", async () => {
  let runs = 0;
  const setup = definition("setup", {
    oneShot: true,
    start: () => {
      runs += 1;
      return true;
    },
  });
  const definitions = [setup, program("slow"), program("web", { requirement: ["setup", "slow"] })];
  const keeper = fakeKeeper({
    onSpawn: ({ id }, one) => {
      if (!id.startsWith("slow")) one.started(id);
    },
  });
  const first = testSystem(definitions, keeper);
  const lost = first.system.supervisor.start("web", [], client());
  await settle();
  assert.equal(runs, 1);
  const second = testSystem(definitions, keeper.successor());
  await settle();
  second.keeper.started("slow#0.1");
  await rest(second);
  assert.deepEqual(servicesOf(second), ["setup stopped", "slow running", "web running"]);
  assert.equal(runs, 1);
  assert.ok(lost instanceof Promise);
});

test("a restart brings up again all that it has stopped, whenever the daemon dies", () =>
  sweep({
    definitions: [program("base"), program("web", { requirement: ["base"] })],
    before: ({ system }) => system.supervisor.start("web", [], client()),
    act: ({ system }) => system.supervisor.restart("base", [], client()),
    ends: { base: "running", web: "running" },
  }));

test("a restart in the midst of a graph brings up what depends on it, whenever the daemon dies", () =>
  sweep({
    definitions: [
      program("ground"),
      program("middle", { requirement: ["ground"] }),
      program("top", { requirement: ["middle"] }),
      program("aside", { requirement: ["ground"] }),
    ],
    before: ({ system }) => system.supervisor.startAll(["top", "aside"], client()),
    act: ({ system }) => system.supervisor.restart("middle", [], client()),
    ends: { ground: "running", middle: "running", top: "running", aside: "running" },
  }));

test("a restart that waits for the respawn of what it requires is carried out, whenever the daemon dies", () =>
  sweep({
    definitions: [
      program("base", { respawn: true, respawnDelay: 0.005 }),
      program("web", { requirement: ["base"] }),
    ],
    before: ({ system }) => system.supervisor.start("web", [], client()),
    act: async ({ system, keeper }) => {
      keeper.end("base#0.1", { code: 1 });
      await settle();
      await system.supervisor.restart("web", [], client());
    },
    ends: { base: "running", web: "running" },
  }));
