// What a reconfiguration comes to, and in which words.

import assert from "node:assert/strict";
import { it } from "node:test";
import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { CommandError } from "../../src/system-command/error.js";
import { closing, type DescribedService, planOf, planText } from "../../src/system-command/plan.js";

function live(names: string, more: Partial<ServiceStatus> = {}): ServiceStatus {
  const [first = "", ...rest] = names.split(" ");
  return {
    provides: [first, ...rest],
    requires: [],
    respawn: false,
    documentation: "",
    enabled: true,
    lastRespawns: [],
    statusChanges: [],
    startupFailures: [],
    status: "running",
    oneShot: false,
    transient: false,
    respawnDelay: 0,
    actions: [],
    exitStatuses: [],
    recentMessages: [],
    logFiles: [],
    pendingReplacement: false,
    extra: new Map(),
    ...more,
  };
}

const target = (names: string, more: Partial<DescribedService> = {}): DescribedService => ({
  provision: names.split(" "),
  requirement: [],
  autoStart: true,
  ...more,
});

const root = live("root shepherd");

it("what is new is started, what is gone is unloaded, and what runs is replaced later", () => {
  const plan = planOf(
    [root, live("kept"), live("gone"), live("idle", { status: "stopped" })],
    [target("kept"), target("new"), target("idle"), target("manual", { autoStart: false })],
  );
  assert.deepEqual(plan, { unload: ["gone"], start: ["new", "idle"], restart: ["kept"], disabled: [] });
  assert.deepEqual(planText(plan), [
    "to be unloaded: gone",
    "to be started: new idle",
    "to be replaced when they are restarted: kept",
  ]);
});

it("a service that is being started or stopped counts as one that runs", () => {
  for (const status of ["starting", "stopping"] as const)
    assert.deepEqual(planOf([live("busy", { status })], [target("busy")]).restart, ["busy"]);
});

it("transient services are left alone", () => {
  assert.deepEqual(planOf([root, live("session-1", { transient: true })], []).unload, []);
});

it("the command that the supervisor was run with is left alone, a service of that name is not", () => {
  const command = live("main", { documentation: "The main service of the container: sleep 5" });
  assert.deepEqual(planOf([root, command], []).unload, []);
  assert.deepEqual(planOf([root, live("main")], []).unload, ["main"]);
});

it("what the user has disabled is not started, and that is said", () => {
  const plan = planOf([live("off", { status: "stopped", enabled: false })], [target("off"), target("on")]);
  assert.deepEqual([plan.start, plan.disabled], [["on"], ["off"]]);
  assert.ok(planText(plan).includes("disabled, and therefore not started: off"));
});

it("where there is nothing to do, that is said", () => {
  assert.deepEqual(planText(planOf([root], [])), ["no service is to be unloaded, started or replaced"]);
});

it("a service that would take the place of two is refused before anything is done", () => {
  assert.throws(
    () => planOf([live("a"), live("b")], [target("a b")]),
    (error) =>
      error instanceof CommandError &&
      /^service 'a' provides names of several services that are there: a, b; unload/.test(error.message),
  );
});

it("of two services that become one, the one that lost its canonical name is unloaded first", () => {
  assert.deepEqual(planOf([live("a x"), live("b")], [target("b x")]).unload, ["a"]);
});

it("the user is told, in Guix's words, how to finish", () => {
  assert.match(
    closing.restart,
    /^To complete the upgrade, run 'herd restart SERVICE' to stop, upgrade, and restart /,
  );
  assert.equal(closing.status, "Run 'herd status' to view the list of services on your system.");
});
