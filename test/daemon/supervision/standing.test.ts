// What services are to each other while they run and when they end, over the daemon's death at every instant too.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Relations, ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { program, rest, stateOf, sweep } from "../../support/crashes.js";
import { client, definition, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";

const related = (name: string, relations: Relations, options: Partial<ServiceDefinition> = {}) =>
  program(name, { relations, ...options });

/** `bindsTo`, as `service` makes a definition of it. */
const bound = (name: string, to: string, options: Partial<ServiceDefinition> = {}) =>
  related(name, { bindsTo: [to] }, { requirement: [to], ...options });

const start =
  (...names: readonly string[]) =>
  ({ system }: TestSystem): Promise<unknown> =>
    system.supervisor.startAll(names, client());

/** Has the process of a service end; where it has several in time, the last. */
function end({ keeper, system }: TestSystem, name: string, code: number): void {
  const value = stateOf({ system }, name).value as { readonly id: string };
  keeper.end(value.id, { code });
}

const statuses = (one: TestSystem, ...names: readonly string[]): string =>
  names.map((name) => `${name} ${stateOf(one, name).status}`).join(", ");

async function started(definitions: readonly ServiceDefinition[], ...names: string[]): Promise<TestSystem> {
  const one = testSystem(definitions);
  await start(...names)(one);
  await rest(one);
  return one;
}

test("a requisite must run already, and what needs it stops when it does", async () => {
  const one = await started([program("db"), related("app", { requisite: ["db", "ghost"] })]);
  const request = client();
  assert.equal(await one.system.supervisor.start("app", [], request), false);
  assert.deepEqual(request.messages, ["Service app is not started: db, which must run already, does not."]);
  const two = await started([program("db"), related("app", { requisite: ["db"] })], "db");
  await start("app")(two);
  assert.equal(statuses(two, "db", "app"), "db running, app running");
  assert.deepEqual(await two.system.supervisor.stop("db", [], client()), ["db", "app"]);
});

test("a bound service stops when what it is bound to ends by itself, and not when that is respawned", async () => {
  const one = await started([program("db"), bound("app", "db")], "app");
  end(one, "db", 0);
  await rest(one);
  assert.equal(statuses(one, "db", "app"), "db stopped, app stopped");
  const two = await started([program("db", { respawn: true }), bound("app", "db")], "app");
  end(two, "db", 1);
  await rest(two);
  assert.equal(statuses(two, "db", "app"), "db running, app running");
  const { exitStatuses } = stateOf(two, "app");
  assert.deepEqual(exitStatuses, []);
});

test("a service that only requires another one outlives its end, as ever", async () => {
  const one = await started(
    [program("db"), program("app", { requirement: ["db"] }), related("x", { after: ["db"] })],
    "app",
  );
  end(one, "db", 1);
  await rest(one);
  assert.equal(statuses(one, "db", "app"), "db stopped, app running");
});

test("a bound service goes with its end, whenever the daemon dies", () =>
  sweep({
    definitions: [program("db"), bound("app", "db"), program("top", { requirement: ["app"] })],
    before: start("top"),
    act: async (one) => {
      end(one, "db", 1);
      await rest(one);
    },
    ends: { db: "stopped", app: "stopped", top: "stopped" },
  }));

test("part of another: stopped and restarted with it, and not started with it", async () => {
  const one = await started(
    [program("app"), related("part", { partOf: ["app"] }), related("idle", { partOf: ["app"] })],
    "app",
  );
  assert.equal(statuses(one, "app", "part"), "app running, part stopped");
  await start("part")(one);
  assert.equal(await one.system.supervisor.restart("app", [], client()), true);
  assert.equal(statuses(one, "app", "part", "idle"), "app running, part running, idle stopped");
  assert.equal(one.keeper.children.length, 2);
  assert.deepEqual(await one.system.supervisor.stop("app", [], client()), ["app", "part"]);
});

test("a restart of a whole and its parts comes to its end, whenever the daemon dies", () =>
  sweep({
    definitions: [program("app"), related("part", { partOf: ["app"], after: ["app"] })],
    before: start("app", "part"),
    act: ({ system }) => system.supervisor.restart("app", [], client()),
    ends: { app: "running", part: "running" },
  }));

test("of two that conflict, whichever is started has the other one stopped first", async () => {
  const one = await started(
    [related("a", { conflicts: ["b", "ghost"] }), program("b"), program("on-b", { requirement: ["b"] })],
    "on-b",
  );
  const request = client();
  assert.equal(await one.system.supervisor.start("a", [], request), true);
  assert.equal(statuses(one, "a", "b", "on-b"), "a running, b stopped, on-b stopped");
  assert.equal(request.messages[0], "Service a conflicts with what is stopped for it: b.");
  await start("b")(one);
  assert.equal(statuses(one, "a", "b"), "a stopped, b running");
  assert.deepEqual(
    one.lines.filter((line) => /^(?:Service . stopped|Starting service)/.test(line)).slice(-2),
    ["Service a stopped.", "Starting service b..."],
  );
});

test("of two that conflict and are asked for at once one runs, and a respawn that is due counts as running", async () => {
  const one = await started(
    [related("a", { conflicts: ["b"] }), program("b", { respawn: true, respawnDelay: 1000 })],
    "a",
    "b",
  );
  const running = ["a", "b"].filter((name) => stateOf(one, name).status === "running");
  assert.equal(running.length, 1);
  await one.system.supervisor.stop("a", [], client());
  await start("b")(one);
  end(one, "b", 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(stateOf(one, "b").respawnAt, undefined);
  await start("a")(one);
  assert.equal(stateOf(one, "b").respawnAt, undefined);
  assert.equal(statuses(one, "a", "b"), "a running, b stopped");
});

test("a conflict is settled, whenever the daemon dies", () =>
  sweep({
    definitions: [related("a", { conflicts: ["b"] }), program("b")],
    before: start("b"),
    act: start("a"),
    ends: { a: "running", b: "stopped" },
    look: ({ keeper }) => keeper.children.length,
  }));

test("a failure starts what is for it: of a run, of a start, and of a start that lacks what it requires", async () => {
  const failing = [
    related("web", { onFailure: ["alarm", "ghost"], onSuccess: ["party"] }),
    program("alarm"),
    program("party"),
    related("broken", { onFailure: ["alarm"] }, { start: () => false }),
    related("needy", { onFailure: ["alarm"] }, { requirement: ["hopeless"] }),
    program("hopeless", { start: () => false }),
  ];
  const one = await started(failing, "web");
  end(one, "web", 1);
  await rest(one);
  assert.equal(statuses(one, "alarm", "party"), "alarm running, party stopped");
  assert.ok(one.lines.includes("Service alarm is started: web has failed."));
  assert.equal(stateOf(one, "web").ownEnd, undefined);
  for (const name of ["broken", "needy"]) {
    const two = await started(failing, name);
    assert.equal(statuses(two, name, "alarm"), `${name} stopped, alarm running`);
  }
});

test("neither a respawn nor a stop is a failure; a good end starts what is for that", async () => {
  const web = related(
    "web",
    { onFailure: ["alarm"], onSuccess: ["party"] },
    { respawn: true, respawnLimit: { times: 1, seconds: 100 } },
  );
  const one = await started([web, program("alarm"), program("party")], "web");
  end(one, "web", 1);
  await rest(one);
  assert.equal(statuses(one, "web", "alarm"), "web running, alarm stopped");
  await one.system.supervisor.stop("web", [], client());
  await rest(one);
  assert.equal(statuses(one, "alarm", "party"), "alarm stopped, party stopped");
  const once = await started(
    [related("web", { onFailure: ["alarm"], onSuccess: ["party"] }), program("alarm"), program("party")],
    "web",
  );
  end(once, "web", 0);
  await rest(once);
  assert.equal(statuses(once, "alarm", "party"), "alarm stopped, party running");
  // One respawn too many is a failure that stays.
  await start("web")(one);
  for (const _ of [1, 2]) {
    end(one, "web", 1);
    await rest(one);
  }
  assert.equal(stateOf(one, "web").enabled, false);
  assert.equal(statuses(one, "alarm"), "alarm running");
});

test("who stops a service that waits for its respawn wants no more to follow of its failure", async () => {
  const web = related("web", { onFailure: ["alarm"] }, { respawn: true, respawnDelay: 1000 });
  const one = await started([web, program("alarm")], "web");
  end(one, "web", 1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(stateOf(one, "web").respawnAt, undefined);
  await one.system.supervisor.stop("web", [], client());
  await rest(one);
  assert.equal(statuses(one, "web", "alarm"), "web stopped, alarm stopped");
});

test("what a failure starts is started once, whenever the daemon dies", () =>
  sweep({
    definitions: [
      related("web", { onFailure: ["alarm"], propagatesStopTo: ["helper"] }),
      program("alarm"),
      program("helper"),
    ],
    before: start("web", "helper"),
    act: async (one) => {
      end(one, "web", 1);
      await rest(one);
    },
    ends: { web: "stopped", alarm: "running", helper: "stopped" },
    look: (one) => stateOf(one, "alarm").statusChanges.length,
  }));

test("what the failure of a start starts is started, whenever the daemon dies", () =>
  sweep({
    definitions: [related("web", { onFailure: ["alarm"] }), program("alarm")],
    keeper: {
      onSpawn: ({ id }, keeper) => {
        if (id.startsWith("web"))
          keeper.end(id, { failure: { stage: "execute", errno: 2, text: "/bin/web" } });
        else keeper.started(id);
      },
    },
    act: start("web"),
    ends: { web: "stopped", alarm: "running" },
  }));

test("two that start each other at their failures come to rest", async () => {
  const one = await started(
    [
      related("a", { onFailure: ["b"] }, { start: () => false }),
      related("b", { onFailure: ["a"] }, { start: () => false }),
    ],
    "a",
  );
  assert.ok(
    one.lines.some((line) => /^Service . is not started, although . has failed: it was 5 times/.test(line)),
  );
});

test("an upheld service is started along, and again however it came to be stopped", async () => {
  const one = await started([related("app", { upholds: ["helper"] }), program("helper")], "app");
  assert.equal(statuses(one, "helper"), "helper running");
  end(one, "helper", 1);
  await rest(one);
  assert.equal(statuses(one, "helper"), "helper running");
  await one.system.supervisor.stop("helper", [], client());
  await rest(one);
  assert.equal(statuses(one, "helper"), "helper running");
  await one.system.supervisor.stop("app", [], client());
  await one.system.supervisor.stop("helper", [], client());
  await rest(one);
  assert.equal(statuses(one, "app", "helper"), "app stopped, helper stopped");
});

test("an upheld service that cannot run is not tried without end", async () => {
  const one = await started(
    [related("app", { upholds: ["helper"] }), program("helper", { start: () => false })],
    "app",
  );
  const starts = (): number => one.lines.filter((line) => line === "Starting service helper...").length;
  assert.equal(starts(), 6);
  assert.equal(
    one.lines.filter((line) => /^Service helper, which app upholds, is started later/.test(line)).length,
    1,
  );
  const needy = await started(
    [
      related("app", { upholds: ["helper"] }),
      program("helper", { requirement: ["no"] }),
      program("no", { start: () => false }),
    ],
    "app",
  );
  assert.equal(needy.lines.filter((line) => line === "Starting service no...").length, 6);
});

test("an upheld service is there in the end, whenever the daemon dies", () =>
  sweep({
    definitions: [related("app", { upholds: ["helper"] }), program("helper")],
    before: start("app"),
    act: async (one) => {
      end(one, "helper", 1);
      await rest(one);
    },
    ends: { app: "running", helper: "running" },
  }));

test("a stop reaches those to which it is propagated, at an end too, and a restart does not", async () => {
  const definitions = [
    related("app", { propagatesStopTo: ["other"] }),
    program("other"),
    related("broken", { propagatesStopTo: ["other"] }, { start: () => false }),
  ];
  const one = await started(definitions, "app", "other");
  await one.system.supervisor.restart("app", [], client());
  assert.deepEqual([statuses(one, "other"), stateOf(one, "other").exitStatuses], ["other running", []]);
  await start("broken")(one);
  await rest(one);
  assert.equal(statuses(one, "other"), "other running");
  assert.deepEqual(await one.system.supervisor.stop("app", [], client()), ["app", "other"]);
  await start("app", "other")(one);
  end(one, "app", 0);
  await rest(one);
  assert.equal(statuses(one, "app", "other"), "app stopped, other stopped");
});

test("a service that nothing needs any more is stopped, and one that something needs is not", async () => {
  const definitions = [
    program("a", { requirement: ["base"] }),
    related("b", { wants: ["base"] }),
    related("base", { stopWhenUnneeded: true }),
  ];
  const one = await started(definitions, "a", "b");
  await one.system.supervisor.stop("a", [], client());
  await rest(one);
  assert.equal(statuses(one, "a", "base"), "a stopped, base running");
  end(one, "b", 0);
  await rest(one);
  assert.equal(statuses(one, "b", "base"), "b stopped, base stopped");
  assert.ok(one.lines.includes("Service base is stopped: nothing needs it any more."));
  const failing = await started(
    [...definitions, program("c", { requirement: ["base"], start: () => false })],
    "c",
  );
  assert.equal(statuses(failing, "base"), "base stopped");
});

test("an unneeded service goes, whenever the daemon dies", () =>
  sweep({
    definitions: [program("a", { requirement: ["base"] }), related("base", { stopWhenUnneeded: true })],
    before: start("a"),
    act: async (one) => {
      end(one, "a", 0);
      await rest(one);
    },
    ends: { a: "stopped", base: "stopped" },
  }));

test("all that a start takes along comes up in order, whenever the daemon dies", () =>
  sweep({
    definitions: [
      related("top", { wants: ["second", "first"], after: ["second"], upholds: ["third"] }),
      related("first", { before: ["second"] }),
      program("second", { requirement: ["base"] }),
      related("third", { after: ["second"] }),
      program("base"),
    ],
    act: start("top"),
    ends: { top: "running", first: "running", second: "running", third: "running", base: "running" },
    look: ({ keeper }) => {
      const order = keeper.children.map(({ id }) => id.split("#")[0] ?? "");
      const comesBefore = (a: string, b: string): boolean => order.indexOf(a) < order.indexOf(b);
      return [comesBefore("first", "second"), comesBefore("second", "top"), comesBefore("second", "third")];
    },
  }));

test("a stop and a start that an earlier daemon has begun are waited for, and left as they are", async () => {
  const definitions = [
    program("a"),
    related("b", { after: ["a"] }),
    related("c", { after: ["b"] }),
    related("d", { after: ["slow"] }),
    program("slow"),
  ];
  const keeper = fakeKeeper({
    onSpawn: ({ id }, one) => {
      if (!id.startsWith("slow")) one.started(id);
    },
    onSignal: ({ id }, _signal, one) => {
      if (!id.startsWith("b")) one.end(id, { signal: 15 });
    },
  });
  const first = testSystem(definitions, keeper);
  await start("a", "b")(first);
  first.system.supervisor.stop("b", [], client()).catch(() => undefined);
  first.system.supervisor.start("slow", [], client()).catch(() => undefined);
  await settle();
  const second = testSystem(definitions, first.keeper.successor());
  const asked = [start("c")(second), start("d")(second), second.system.supervisor.stop("a", [], client())];
  await settle();
  assert.equal(statuses(second, "a", "b", "c"), "a running, b stopping, c stopped");
  assert.equal(statuses(second, "slow", "d"), "slow starting, d stopped");
  for (const { id } of second.keeper.children) {
    if (id.startsWith("b")) second.keeper.end(id, { signal: 15 });
    if (id.startsWith("slow")) second.keeper.started(id);
  }
  await Promise.all(asked);
  assert.equal(statuses(second, "a", "b", "c"), "a stopped, b stopped, c running");
  assert.equal(statuses(second, "slow", "d"), "slow running, d running");
});

test("nothing follows of anything once the system goes down", async () => {
  const one = await started(
    [
      related("app", { upholds: ["helper"], onFailure: ["alarm"] }),
      program("helper"),
      program("alarm"),
      definition("root"),
    ],
    "app",
  );
  one.system.supervisor.goDown();
  await one.system.supervisor.stopAll(one.system.registry.get("root"), client());
  await rest(one);
  assert.equal(statuses(one, "app", "helper", "alarm"), "app stopped, helper stopped, alarm stopped");
});
