// The order of starts and stops: among all that one request takes along, with what is under way already, and in circles.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { signalAhead } from "../../../src/daemon/constructors/kill.js";
import type { Relations, ServiceDefinition } from "../../../src/daemon/definition/types.js";
import type { Request as KeeperRequest } from "../../../src/daemon/keeper/types.js";
import { program, stateOf, until } from "../../support/crashes.js";
import type { FakeKeeper } from "../../support/fake-keeper.js";
import { client, definition, fakeKeeper, settle, testSystem } from "../../support/system.js";

/** Services whose starts, and stops, each wait until they are released by name. */
function recorded(
  specs: Readonly<Record<string, Relations & { readonly requirement?: readonly string[] }>>,
  options: Readonly<Record<string, Partial<ServiceDefinition>>> = {},
) {
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  const held = (name: string): Promise<void> =>
    new Promise((resolve) => {
      waiting.set(name, resolve);
    });
  const definitions = Object.entries(specs).map(([name, { requirement = [], ...relations }]) =>
    definition(name, {
      requirement,
      relations,
      start: async () => {
        events.push(`start ${name}`);
        await held(name);
        events.push(`up ${name}`);
        return true;
      },
      stop: async () => {
        events.push(`stop ${name}`);
        await held(name);
        events.push(`down ${name}`);
        return false;
      },
      ...options[name],
    }),
  );
  const release = async (...names: string[]): Promise<void> => {
    for (const name of names) {
      await until(`${name} waits`, () => waiting.has(name));
      waiting.get(name)?.();
      waiting.delete(name);
      await settle();
    }
  };
  const seen = (): string[] => events.splice(0);
  return { ...testSystem(definitions), release, seen };
}

test("wants come along, and neither their failure nor their absence makes a difference", async () => {
  const { system, release, seen } = recorded(
    { top: { wants: ["good", "bad", "ghost"] }, good: {}, bad: {} },
    {
      bad: {
        start: () => {
          throw new Error("no such luck");
        },
      },
    },
  );
  const request = client();
  const done = system.supervisor.start("top", [], request);
  await settle();
  assert.deepEqual(seen(), ["start top", "start good"]);
  await release("top");
  assert.equal(await done, true);
  await release("good");
  assert.equal(stateOf({ system }, "good").status, "running");
  assert.ok(request.messages.includes("Failed to start bad: no such luck"), request.messages.join("\n"));
});

test("a start of what runs already brings up what it wants and has not", async () => {
  const { system, release, seen } = recorded({ top: { wants: ["other", "off"] }, other: {}, off: {} });
  const up = system.supervisor.start("top", [], client());
  await release("top", "other", "off");
  await up;
  system.registry.get("off").disable();
  for (const name of ["other", "off"]) {
    const down = system.supervisor.stop(name, [], client());
    await release(name);
    await down;
  }
  seen();
  const again = system.supervisor.start("top", [], client());
  await release("other");
  assert.equal(await again, true);
  assert.deepEqual(seen(), ["start other", "up other"]);
});

test("a disabled service is not started along", async () => {
  const { system, release } = recorded({ top: { wants: ["off"] }, off: {} });
  system.registry.get("off").disable();
  const request = client();
  const done = system.supervisor.start("top", [], request);
  await release("top");
  assert.equal(await done, true);
  assert.deepEqual(request.messages, ["Service top has been started."]);
});

test("order holds among all that is taken along, however deep it is", async () => {
  const { system, release, seen } = recorded({
    top: { wants: ["first", "deep"], after: ["first"] },
    // It is found before what it comes after.
    first: { after: ["deepest"] },
    deep: { requirement: ["deeper"] },
    deeper: { wants: ["deepest"] },
    deepest: {},
  });
  const done = system.supervisor.start("top", [], client());
  await settle();
  assert.deepEqual(seen().sort(), ["start deeper", "start deepest"]);
  await release("deepest");
  assert.deepEqual(seen(), ["up deepest", "start first"]);
  await release("first", "top", "deeper", "deep");
  assert.equal(await done, true);
});

test("before is after from the other side; names that nobody provides are ignored", async () => {
  const { system, release, seen } = recorded({
    a: { before: ["b", "ghost"], after: ["ghost"] },
    b: {},
    c: { after: ["a"] },
  });
  const done = system.supervisor.startAll(["b", "c", "a"], client());
  await settle();
  assert.deepEqual(seen(), ["start a"]);
  await release("a");
  assert.deepEqual(seen(), ["up a", "start b", "start c"]);
  await release("b", "c");
  assert.deepEqual(await done, []);
});

test("order starts nothing, and a failure of what comes before is none", async () => {
  const { system, release, seen } = recorded(
    { a: {}, b: { after: ["a", "idle"] }, idle: {} },
    { a: { start: () => false } },
  );
  const done = system.supervisor.startAll(["a", "b"], client());
  await release("b");
  assert.deepEqual(await done, ["a"]);
  assert.deepEqual(seen(), ["start b", "up b"]);
});

test("who comes later is still waited for by those that have not begun", async () => {
  const { system, release, seen } = recorded({ a: {}, b: { after: ["a"] }, late: { before: ["b"] } });
  const done = system.supervisor.startAll(["a", "b"], client());
  await settle();
  const late = system.supervisor.start("late", [], client());
  await settle();
  await release("a");
  assert.deepEqual(seen(), ["start a", "start late", "up a"]);
  await release("late");
  assert.deepEqual(seen(), ["up late", "start b"]);
  await release("b");
  assert.deepEqual([await late, await done], [true, []]);
});

test("a start waits for the stops of those before and after it", async () => {
  const { system, release, seen } = recorded({ a: {}, b: { after: ["a"] }, c: { before: ["b"] } });
  const up = system.supervisor.startAll(["a", "c"], client());
  await release("a", "c");
  await up;
  seen();
  const stops = [system.supervisor.stop("a", [], client()), system.supervisor.stop("c", [], client())];
  await settle();
  const start = system.supervisor.start("b", [], client());
  await release("a");
  assert.deepEqual(seen(), ["stop a", "stop c", "down a"]);
  await release("c");
  await Promise.all(stops);
  assert.deepEqual(seen(), ["down c", "start b"]);
  await release("b");
  assert.equal(await start, true);
});

test("stops are in the reverse order, be they asked for at once or one by one", async () => {
  const { system, release, seen } = recorded({ root: {}, a: {}, b: { after: ["a"] }, c: { after: ["b"] } });
  const bringUp = async (): Promise<void> => {
    const up = system.supervisor.startAll(["a", "b", "c"], client());
    await release("a", "b", "c");
    await up;
    seen();
  };
  await bringUp();
  const one = system.supervisor.stop("b", [], client());
  await settle();
  const two = system.supervisor.stop("a", [], client());
  await settle();
  assert.deepEqual(seen(), ["stop b"]);
  await release("b");
  assert.deepEqual(seen(), ["down b", "stop a"]);
  await release("a");
  await Promise.all([one, two]);
  seen();
  const again = system.supervisor.startAll(["a", "b"], client());
  await release("a", "b");
  await again;
  seen();
  system.supervisor.goDown();
  const all = system.supervisor.stopAll(system.registry.get("root"), client());
  await release("c", "b", "a");
  await all;
  assert.deepEqual(seen(), ["stop c", "down c", "stop b", "down b", "stop a", "down a"]);
});

test("a start that waits for its turn is cancelled by a stop at once, and nobody waits for it then", async () => {
  const { system, release, seen } = recorded({ a: {}, b: { after: ["a"] }, c: { after: ["b"] } });
  const request = client();
  const first = system.supervisor.startAll(["a", "c"], client());
  const cancelled = system.supervisor.start("b", [], request);
  await settle();
  await system.supervisor.stop("b", [], client());
  assert.equal(await cancelled, false);
  assert.deepEqual(request.messages, ["The start of service b was cancelled by a stop."]);
  await settle();
  assert.deepEqual(seen(), ["start a", "start c"]);
  await release("a", "c");
  await first;
});

test("a circle of order is cut at one place, which the log names", async () => {
  const { system, release, seen, lines } = recorded({
    a: { after: ["c"] },
    b: { after: ["a"] },
    c: { after: ["b"] },
    innocent: { after: ["a"] },
    root: {},
  });
  const done = system.supervisor.startAll(["a", "b", "c", "innocent"], client());
  await release("b", "c", "a", "innocent");
  assert.deepEqual(await done, []);
  const told = (): string[] => lines.filter((line) => line.includes("circle"));
  assert.deepEqual(told(), ["The order of starts is a circle, a -> c -> b -> a: b does not wait for a."]);
  assert.deepEqual(
    seen().filter((event) => event.startsWith("start")),
    ["start b", "start c", "start a", "start innocent"],
  );
  lines.length = 0;
  system.supervisor.goDown();
  const all = system.supervisor.stopAll(system.registry.get("root"), client());
  await release("innocent");
  await release("c", "b", "a");
  await all;
  assert.equal(told().length, 1);
});

test("a requirement is never what is cut, and a circle that a later start closes is cut as well", async () => {
  const { system, release, seen, lines } = recorded({
    app: { requirement: ["db"], before: ["db"] },
    db: {},
    x: { after: ["hold"] },
    hold: {},
    y: { requirement: ["x"], before: ["x"] },
  });
  const app = system.supervisor.start("app", [], client());
  await release("db", "app");
  assert.equal(await app, true);
  assert.deepEqual(seen(), ["start db", "up db", "start app", "up app"]);
  const first = system.supervisor.startAll(["hold", "x"], client());
  await settle();
  const second = system.supervisor.start("y", [], client());
  await release("hold", "x", "y");
  assert.deepEqual([await first, await second], [[], true]);
  assert.equal(lines.filter((line) => line.includes("circle")).length, 2);
});

test("a restart keeps to the order among all that it stops", async () => {
  const { system, release, seen } = recorded({
    app: { after: ["helper"] },
    helper: { partOf: ["app"] },
    other: { partOf: ["app"], after: ["app"] },
    idle: { partOf: ["app"] },
  });
  const up = system.supervisor.startAll(["app", "helper", "other"], client());
  await release("helper", "app", "other");
  await up;
  seen();
  const restarted = system.supervisor.restart("app", [], client());
  await release("other", "app", "helper", "helper", "app", "other");
  assert.equal(await restarted, true);
  assert.deepEqual(seen(), [
    ...["stop other", "down other", "stop app", "down app", "stop helper", "down helper"],
    ...["start helper", "up helper", "start app", "up app", "start other", "up other"],
  ]);
  assert.equal(stateOf({ system }, "idle").status, "stopped");
});

test("a chain of 10,000 and a fan-in of 1,000 start and stop", { timeout: 120_000 }, async () => {
  const chain = Array.from({ length: 10_000 }, (_, index) =>
    definition(`c${index}`, { relations: { after: [`c${index + 1}`], before: [`c${index - 1}`] } }),
  );
  const fan = Array.from({ length: 1_000 }, (_, index) =>
    definition(`f${index}`, { relations: { before: ["fan"], conflicts: ["shutdown"], partOf: ["fan"] } }),
  );
  const definitions = [
    ...chain,
    ...fan,
    definition("fan", {
      requirement: fan.map(({ provision: [name] }) => name),
      relations: { wants: chain.map(({ provision: [name] }) => name) },
    }),
  ];
  const { system } = testSystem(definitions, fakeKeeper({ remembers: false }));
  assert.equal(await system.supervisor.start("fan", [], client()), true);
  await until("all are up", () => stateOf({ system }, "c0").status === "running");
  assert.equal((await system.supervisor.stop("fan", [], client())).length, 1_001);
  system.supervisor.goDown();
  await system.supervisor.stopAll(system.registry.get("fan"), client());
  assert.equal(stateOf({ system }, "c9999").status, "stopped");
});

test("of many that stop at once the first are signalled before the others begin, after their notes, and nothing comes between", async () => {
  const count = 100;
  const definitions = Array.from({ length: count }, (_, index) => program(`s${index}`));
  const keeper = fakeKeeper({ remembers: false, onSignal: () => undefined });
  const { system } = testSystem([definition("root"), ...definitions], keeper);
  await system.supervisor.startAll(
    definitions.map(({ provision: [name] }) => name),
    client(),
  );
  const before = keeper.requests.length;
  system.supervisor.goDown();
  system.supervisor.stopAll(system.registry.get("root"), client()).catch(assert.fail);
  await new Promise((resolve) => setImmediate(resolve));
  const requests = keeper.requests.slice(before);
  const signals = requests.flatMap((one, at) => (one.op === "signal-child" ? [{ id: one.id, at }] : []));
  assert.equal(signals.length, count);
  for (const { id, at } of signals) {
    const key = `service/${id.slice(0, id.indexOf("#"))}`;
    const earlier = requests.slice(0, at);
    assert.ok(earlier.some((one) => one.op === "put-note" && one.key === key));
    assert.ok(earlier.some((one) => one.op === "arm-timer" && one.kill === id));
  }
  const [first] = signals;
  const last = requests.findLastIndex((one) => one.op === "put-note");
  assert.ok(first !== undefined && first.at < last);
});

/**
 * Services, each of which requires another one, are stopped, with the signals of the first ahead.
 *
 * @param times how often they are sent, as by a daemon that goes on with another one's shutdown
 */
async function stoppedAhead(keeper: FakeKeeper, times = 1): Promise<readonly KeeperRequest[]> {
  const definitions = pairs.flatMap((index) => [
    program(`base-${index}`),
    program(`top-${index}`, { requirement: [`base-${index}`] }),
  ]);
  const own = definition("own", { start: () => true, stop: () => false });
  const { system } = testSystem([definition("root"), own, ...definitions], keeper);
  // Whatever else runs on this machine.
  Object.assign(system.host.strangers.families, { lookFor: () => true });
  await system.supervisor.startAll(["own", ...pairs.map((index) => `top-${index}`)], client());
  const before = keeper.requests.length;
  system.supervisor.goDown();
  await system.supervisor.stopAll(system.registry.get("root"), client(), (first) => {
    for (let time = 0; time < times; time += 1) signalAhead(system.host, first);
  });
  await settle();
  return keeper.requests.slice(before);
}

const pairs = Array.from({ length: 50 }, (_, index) => index);

/** Ends whatever is signalled, in a later turn. */
function obedient(): FakeKeeper {
  return fakeKeeper({
    remembers: false,
    onSignal: (child, signal, keeper) => {
      setImmediate(() => keeper.end(child.id, { signal }));
    },
  });
}

/** The services whose processes were meant. */
function servicesOf(ids: readonly string[]): string[] {
  return ids.map((id) => id.slice(0, id.indexOf("#"))).sort();
}

test("what waits for nobody is signalled ahead, in one request and once, and what it depends on when it has ended", async () => {
  const keeper = obedient();
  const requests = await stoppedAhead(keeper);
  const ahead = requests.flatMap((one) => (one.op === "end-children" ? [one.ids] : []));
  const alone = requests.flatMap((one) => (one.op === "signal-child" ? [one.id] : []));
  const armed = requests.flatMap((one) => (one.op === "arm-timer" ? [one.kill ?? ""] : []));
  assert.deepEqual(ahead.map(servicesOf), [pairs.map((index) => `top-${index}`).sort()]);
  assert.deepEqual(servicesOf(alone), pairs.map((index) => `base-${index}`).sort());
  assert.deepEqual(servicesOf(armed), servicesOf(alone));
  assert.equal(keeper.timers.size, 0, "no deadline is left behind");
});

test("what was signalled ahead is not signalled again", async () => {
  const requests = await stoppedAhead(obedient(), 2);
  assert.equal(requests.filter((one) => one.op === "end-children").length, 1);
});

test("a keeper of before, which cannot end many at once, is asked for each", async () => {
  const keeper = obedient();
  keeper.refuse("end-children", constants.errno.ENOSYS);
  const requests = await stoppedAhead(keeper);
  const alone = requests.flatMap((one) => (one.op === "signal-child" ? [one.id] : []));
  const armed = requests.flatMap((one) => (one.op === "arm-timer" ? [one.kill ?? ""] : []));
  assert.equal(alone.length, 2 * pairs.length);
  assert.equal(new Set(alone).size, alone.length);
  assert.deepEqual(servicesOf(armed), servicesOf(alone));
  assert.equal(keeper.timers.size, 0);
});
