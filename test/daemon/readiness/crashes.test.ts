// What a service's process tells, and what is done about it, while the daemon dies between every two frames.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { notify } from "../../../src/daemon/readiness/options.js";
import { childrenOf, deaths, exitsOf, rest, stateOf, sweep, until } from "../../support/crashes.js";
import type { FakeKeeperOptions } from "../../support/fake-keeper.js";
import { fakeKeeper, settle, testSystem } from "../../support/system.js";
import { begin, conditionOf, running, say, socket, web } from "./support.js";

/** Any signal ends a process, ABRT too. */
const mortal: FakeKeeperOptions = {
  onSignal: (child, signal, keeper) => {
    if (child.state !== "ended") keeper.end(child.id, { signal });
  },
};

test("a process that says READY=1 is started, whenever the daemon dies", () =>
  sweep({
    definitions: [web()],
    before: begin,
    act: async (one) => {
      say(one, "READY=1\nSTATUS=serving");
      await rest(one);
    },
    ends: { web: "running" },
    look: (one) => [conditionOf(one).statusText, childrenOf(one.keeper).length],
  }));

test("a process that ends before it says READY=1 fails its start, whenever the daemon dies", () =>
  sweep({
    definitions: [web()],
    before: async (one) => {
      await begin(one);
      say(one, "STATUS=no port\nERRNO=98");
    },
    act: async (one) => {
      one.keeper.end("web#0.1", { code: 1 });
      await rest(one);
    },
    ends: { web: "stopped" },
    look: (one) => [stateOf(one, "web").failure, [...one.keeper.descriptors.keys()]],
  }));

test("a process that is not ready in time is ended, whenever the daemon dies", () =>
  sweep({
    definitions: [web()],
    before: begin,
    act: async (one) => {
      one.keeper.fire("ready/web#0.1");
      await rest(one);
    },
    ends: { web: "stopped" },
    look: (one) => assert.match(stateOf(one, "web").failure ?? "", /has not said READY=1 within 90 s/),
  }));

test("descriptors are kept once, and given to the next process, whenever the daemon dies", () =>
  sweep({
    definitions: [web({ readiness: notify(), fileDescriptorStoreMax: 3 }, { respawn: true })],
    keeper: { onSpawn: ({ id }, keeper) => keeper.started(id) },
    before: running,
    act: async (one) => {
      say(one, "FDSTORE=1\nFDNAME=db", 2);
      await rest(one);
    },
    ends: { web: "running" },
    look: (one) => {
      const held = [...one.keeper.descriptors.keys()].filter((name) => name.startsWith("fdstore/"));
      assert.deepEqual(
        stateOf(one, "web").stored,
        held.map((key) => ({ key, name: "db" })),
      );
      assert.equal(held.length, 2);
    },
  }));

test("a process that misses its watchdog is ended with ABRT and started again, whenever the daemon dies", () =>
  sweep({
    definitions: [web({ watchdog: 60 })],
    before: begin,
    act: async (one) => {
      one.keeper.fire("watchdog/web#0.1");
      await rest(one);
    },
    ends: { web: "running" },
    look: (one) => assert.deepEqual(exitsOf(one, "web"), [constants.signals.SIGABRT]),
    keeper: mortal,
  }));

test("what waits in the queue is read before a watchdog judges, by the next daemon too", async () => {
  const first = testSystem([web({ watchdog: 60 })]);
  await begin(first);
  const left = first.keeper.successor();
  // Nobody lives to read.
  left.datagram(socket, "STATUS=busy", left.child("web#0.1").pid);
  left.datagram(socket, "WATCHDOG=1", left.child("web#0.1").pid);
  left.fire("watchdog/web#0.1");
  const from = left.instants.length;
  const second = testSystem([web({ watchdog: 60 })], left);
  await rest(second);
  assert.deepEqual(childrenOf(left), [["web#0.1", []]]);
  assert.equal(left.timers.has("watchdog/web#0.1"), true);
  assert.equal(conditionOf(second).overdue, undefined);
  for (const { left: again, after } of deaths(left, from)) {
    const third = testSystem([web({ watchdog: 60 })], again);
    await rest(third);
    assert.deepEqual(childrenOf(again), [["web#0.1", []]], after);
  }
});

test("a process that hangs by its own word is ended, once", () =>
  sweep({
    definitions: [web({ watchdog: 60 })],
    before: begin,
    act: async (one) => {
      say(one, "WATCHDOG=trigger");
      await rest(one);
    },
    ends: { web: "running" },
    look: (one) => assert.deepEqual(exitsOf(one, "web"), [constants.signals.SIGABRT]),
    keeper: mortal,
  }));

test("a watchdog restarts no more often than the respawn limit allows", async () => {
  const limited = web({ watchdog: 60 }, { respawnLimit: { times: 2, seconds: 60 } });
  const one = testSystem([limited], fakeKeeper(mortal));
  await begin(one);
  for (let round = 1; round <= 3; round += 1) {
    const [child] = one.keeper.children;
    assert.ok(child !== undefined, `process ${round}`);
    say(one, "WATCHDOG=trigger");
    await until(
      "it is ended",
      () => !one.keeper.children.some(({ id, state }) => id === child.id && state !== "ended"),
    );
    await rest(one);
  }
  assert.equal(stateOf(one, "web").enabled, false);
  assert.deepEqual(one.keeper.children, []);
  await settle();
  assert.equal(one.keeper.descriptors.has(socket), false);
});

test("what a service that is down had given into keeping is dropped, and its socket closed", async () => {
  const one = testSystem([web({ readiness: notify(), fileDescriptorStoreMax: 1 })], fakeKeeper());
  await running(one);
  say(one, "FDSTORE=1", 1);
  await rest(one);
  one.keeper.end("web#0.1", { code: 0 });
  await rest(one);
  assert.deepEqual([...one.keeper.descriptors.keys()], ["output/web"]);
});

test("descriptors that the keeper cannot take are not noted, whenever the daemon dies", async () => {
  const definitions = [web({ readiness: notify(), fileDescriptorStoreMax: 3 })];
  const first = testSystem(definitions);
  await running(first);
  const from = first.keeper.instants.length;
  first.keeper.refuse(
    (request) => request.op === "acknowledge" && request.store !== undefined,
    constants.errno.ENOSPC,
  );
  say(first, "FDSTORE=1", 2);
  await rest(first);
  assert.deepEqual(stateOf(first, "web").stored, []);
  assert.match(first.lines.join("\n"), /its descriptors cannot be kept/);
  for (const { left, after } of deaths(first.keeper, from)) {
    const next = testSystem(definitions, left);
    await rest(next);
    const held = [...left.descriptors.keys()].filter((name) => name.startsWith("fdstore/"));
    assert.deepEqual(
      stateOf(next, "web").stored.map(({ key }) => key),
      held,
      after,
    );
  }
});

test("a message that comes while its socket is closed is nobody's", async () => {
  const one = testSystem([web({ notifyAccess: "main", fileDescriptorStoreMax: 3 })]);
  await begin(one);
  say(one, "FDSTORE=1", 2);
  one.keeper.end("web#0.1", { code: 0 });
  await rest(one);
  assert.deepEqual(stateOf(one, "web").stored, []);
  assert.deepEqual([...one.keeper.descriptors.keys()], ["output/web"]);
  assert.deepEqual(
    one.lines.filter((line) => line.startsWith("error")),
    [],
  );
});
