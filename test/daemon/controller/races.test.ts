// What comes at the wrong moment: stops, starts, ends and the daemon's death in the midst of each other.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { client, definition, fakeKeeper, forkexec, kill, settle, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";

const status = ({ system }: ReturnType<typeof testSystem>, name: string) =>
  system.registry.get(name).state.status;

/** A start that waits until it is released, each time. */
function gate() {
  const waiting: (() => void)[] = [];
  return {
    start: () => new Promise<true>((resolve) => waiting.push(() => resolve(true))),
    runs: () => waiting.length,
    release: async () => {
      await settle();
      waiting.at(-1)?.();
      await settle();
    },
  };
}

/** What is looked for in /proc, and timers of no delay, take their time. */
async function until(holds: () => boolean): Promise<void> {
  await waitFor("the condition of the test holds", holds);
}

/** `web`, whose respawn waits for `base` to come up again. */
async function waitingRespawn() {
  const base = gate();
  const definitions = [
    definition("base", { start: base.start }),
    definition("web", { requirement: ["base"], start: forkexec("/bin/web"), stop: kill(), respawn: true }),
  ];
  const test = testSystem(definitions);
  const up = test.system.supervisor.start("web", [], client());
  await base.release();
  assert.equal(await up, true);
  await test.system.registry.get("base").stop([], client());
  test.keeper.end("web#0.1", { code: 1 });
  await until(() => base.runs() === 2);
  return { ...test, base, definitions };
}

test("a stop while a respawn waits for its requirement holds", async () => {
  const waiting = await waitingRespawn();
  await waiting.system.supervisor.stop("web", [], client());
  await waiting.base.release();
  assert.equal(status(waiting, "base"), "running");
  assert.equal(status(waiting, "web"), "stopped");
  assert.equal(waiting.system.registry.get("web").state.respawnAt, undefined);
});

test("a stop of a respawn that is starting holds", async () => {
  let runs = 0;
  const spawnOnce = forkexec("/bin/web");
  const keeper = fakeKeeper({
    onSpawn: (child, fake) => {
      runs += 1;
      if (runs === 1) fake.started(child.id);
    },
  });
  const test = testSystem([definition("web", { start: spawnOnce, stop: kill(), respawn: true })], keeper);
  await test.system.supervisor.start("web", [], client());
  keeper.end("web#0.1", { code: 1 });
  await until(() => runs === 2);
  await test.system.supervisor.stop("web", [], client());
  await settle();
  assert.equal(status(test, "web"), "stopped");
  assert.equal(test.system.registry.get("web").state.respawnAt, undefined);
});

test("a respawn that waits for its requirement survives the daemon", async () => {
  const { keeper, definitions, base } = await waitingRespawn();
  const next = testSystem(definitions, keeper.successor());
  await until(() => base.runs() === 3);
  await base.release();
  await until(() => status(next, "web") === "running");
});

test("a service that is disabled while its requirement starts is not started", async () => {
  const base = gate();
  const test = testSystem([
    definition("base", { start: base.start }),
    definition("web", { requirement: ["base"] }),
  ]);
  const start = test.system.supervisor.start("web", [], client());
  await settle();
  test.system.registry.get("web").disable();
  await base.release();
  assert.equal(await start, false);
  assert.equal(status(test, "web"), "stopped");
});

test("a start that is asked for after a stop is not the one which that stop cancelled", async () => {
  const base = gate();
  const test = testSystem([
    definition("base", { start: base.start }),
    definition("web", { requirement: ["base"] }),
  ]);
  const first = test.system.supervisor.start("web", [], client());
  await settle();
  await test.system.supervisor.stop("web", [], client());
  const second = test.system.supervisor.start("web", [], client());
  await base.release();
  assert.deepEqual(await Promise.all([first, second]), [false, true]);
  assert.equal(status(test, "web"), "running");
});

test("a start waits for the end of one that is being cancelled, then starts anew", async () => {
  const keeper = fakeKeeper({
    onSpawn: (child, fake) => {
      if (child.id !== "web#0.1") fake.started(child.id);
    },
    onSignal: () => undefined,
  });
  const test = testSystem([definition("web", { start: forkexec("/bin/web"), stop: kill() })], keeper);
  const first = test.system.supervisor.start("web", [], client());
  await settle();
  const stop = test.system.supervisor.stop("web", [], client());
  await settle();
  const second = test.system.supervisor.start("web", [], client());
  await settle();
  assert.equal(keeper.children.length, 1);
  keeper.end("web#0.1", { signal: 15 });
  await stop;
  assert.deepEqual(await Promise.all([first, second]), [false, true]);
});

test("a start during a stop that throws still starts", async () => {
  let fail: (error: Error) => void = () => undefined;
  const stop = (): Promise<never> =>
    new Promise((_, reject) => {
      fail = reject;
    });
  const test = testSystem([definition("web", { stop })]);
  await test.system.supervisor.start("web", [], client());
  const stopped = assert.rejects(test.system.supervisor.stop("web", [], client()), /will not/);
  await settle();
  const start = test.system.supervisor.start("web", [], client());
  await settle();
  fail(new Error("will not"));
  await stopped;
  assert.equal(await start, true);
});

test("a restart brings a service back whose stop throws, and what waits to be respawned", async () => {
  const test = testSystem([
    definition("base", {
      stop: () => {
        throw new Error("will not");
      },
    }),
    definition("web", {
      requirement: ["base"],
      start: forkexec("/bin/web"),
      stop: kill(),
      respawn: true,
      respawnDelay: 1000,
    }),
  ]);
  await test.system.supervisor.start("web", [], client());
  test.keeper.end("web#0.1", { code: 1 });
  await settle();
  const request = client();
  assert.equal(await test.system.supervisor.restart("base", [], request), true);
  assert.ok(request.messages.includes("Service base: will not"));
  assert.equal(status(test, "web"), "running");
});

test("an exception of a requirement's start is that requirement's failure", async () => {
  const test = testSystem([
    definition("bad", {
      start: () => {
        throw new Error("no such luck");
      },
    }),
    definition("app", { requirement: ["bad"] }),
  ]);
  const request = client();
  assert.equal(await test.system.supervisor.start("app", [], request), false);
  assert.equal(request.messages.at(-1), "Service app depends on bad.");
});

test("a transient service is not respawned: it is gone", async () => {
  const test = testSystem([
    definition("job", { start: forkexec("/bin/job"), stop: kill(), transient: true, respawn: true }),
  ]);
  await test.system.supervisor.start("job", [], client());
  test.keeper.end("job#0.1", { code: 1 });
  await settle();
  assert.equal(test.system.registry.find("job"), undefined);
  assert.equal(test.keeper.children.length, 0);
  await until(() => !test.keeper.notes.has("service/job"));
});

test("a service whose respawns fail until it is disabled has settled", async () => {
  const test = testSystem([
    definition("web", {
      start: forkexec("/bin/web"),
      stop: kill(),
      respawn: true,
      respawnLimit: { times: 1, seconds: 100 },
    }),
  ]);
  await test.system.supervisor.start("web", [], client());
  test.keeper.refuse("spawn", 12);
  test.keeper.end("web#0.1", { code: 1 });
  await until(() => !test.system.registry.get("web").state.enabled);
  assert.deepEqual(test.settled, ["web"]);
});

const strange: readonly (readonly [what: string, start: () => unknown, message: RegExp])[] = [
  ["a number that is no JSON", () => 1n, /running value is not JSON/],
  ["a function", () => () => 1, /running value is a function/],
  ["more than a note holds", () => "x".repeat(300_000), /takes more than/],
  ["a process of somebody else", () => ({ type: "process", id: "x", pid: 1 }), /no constructor has made/],
];

for (const [what, start, message] of strange) {
  test(`a start that gives ${what} fails, and says so`, async () => {
    const test = testSystem([definition("web", { start: start as ServiceDefinition["start"] })]);
    const request = client();
    assert.equal(await test.system.supervisor.start("web", [], request), false);
    assert.match(request.messages.join("\n"), message);
    assert.equal(status(test, "web"), "stopped");
  });
}

test("a start that throws what cannot be printed leaves a service that can be started again", async () => {
  let runs = 0;
  const test = testSystem([
    definition("web", {
      start: () => {
        runs += 1;
        if (runs > 1) return true;
        throw Object.create(null, {
          toString: { value: () => assert.fail("asked for its text") },
        });
      },
    }),
  ]);
  await assert.rejects(test.system.supervisor.start("web", [], client()), { name: "UserCodeError" });
  assert.equal(await test.system.supervisor.start("web", [], client()), true);
});

test("the process of a start function that fails is ended", async () => {
  const { runStart, install } = await constructorsInside();
  const test = testSystem([
    definition("web", {
      start: async () => {
        await runStart("/bin/web");
        throw new Error("it does not listen");
      },
    }),
  ]);
  install(test.system);
  await assert.rejects(test.system.supervisor.start("web", [], client()), /does not listen/);
  assert.equal(test.keeper.children.length, 0);
});

test("a stop that comes before the keeper has told the pid ends when the spawn fails", async () => {
  const keeper = fakeKeeper({ onSpawn: () => undefined });
  const test = testSystem([definition("web", { start: forkexec("/bin/web"), stop: kill() })], keeper);
  keeper.refuse("spawn", 12);
  const start = test.system.supervisor.start("web", [], client());
  while (test.system.processes.get("web#0.1") === undefined) await Promise.resolve();
  await test.system.supervisor.stop("web", [], client());
  assert.equal(await start, false);
  assert.equal(status(test, "web"), "stopped");
});

test("a stop of a start that a new daemon goes on with waits for its process", async () => {
  const keeper = fakeKeeper({ onSpawn: () => undefined, onSignal: () => undefined });
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill() })];
  const first = testSystem(definitions, keeper);
  first.system.supervisor.start("web", [], client()).catch(() => undefined);
  await settle();
  const next = testSystem(definitions, keeper.successor());
  let stopped = false;
  const stop = next.system.supervisor.stop("web", [], client()).then(() => {
    stopped = true;
  });
  await settle();
  assert.equal(stopped, false);
  next.keeper.end("web#0.1", { signal: 15 });
  await stop;
  assert.equal(status(next, "web"), "stopped");
});

test("the deadline of a stop holds through the daemon's death", async () => {
  const keeper = fakeKeeper({ onSpawn: (child, fake) => fake.started(child.id), onSignal: () => undefined });
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill(50) })];
  const first = testSystem(definitions, keeper);
  await first.system.supervisor.start("web", [], client());
  first.system.supervisor.stop("web", [], client()).catch(() => undefined);
  await settle();
  const deadline = keeper.timers.get("stop/web#0.1")?.at;
  assert.notEqual(deadline, undefined);
  const next = testSystem(definitions, keeper.successor());
  await settle();
  assert.equal(next.keeper.timers.get("stop/web#0.1")?.at, deadline);
  next.keeper.end("web#0.1", { signal: 9 });
  await until(() => status(next, "web") === "stopped");
});

test("a service that is removed and registered again after a takeover is new", async () => {
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill() })];
  const first = testSystem(definitions);
  await first.system.supervisor.start("web", [], client());
  const next = testSystem(definitions, first.keeper.successor());
  await next.system.remove(next.system.registry.get("web"), client());
  next.system.registry.register(definitions);
  await settle();
  assert.equal(status(next, "web"), "stopped");
  assert.deepEqual(next.system.registry.get("web").state.exitStatuses, []);
});

test("a service that is registered only after the takeover goes on as it was", async () => {
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill() })];
  const first = testSystem(definitions);
  await first.system.supervisor.start("web", [], client());
  const next = testSystem([], first.keeper.successor());
  next.system.registry.register(definitions);
  await settle();
  assert.equal(status(next, "web"), "running");
  next.keeper.end("web#0.1", { code: 3 });
  await settle();
  assert.equal(status(next, "web"), "stopped");
});

test("removing goes on where a stop throws and where a transient service is gone already", async () => {
  const { system } = testSystem([
    definition("base", {
      stop: () => {
        throw new Error("will not");
      },
    }),
    definition("job", { requirement: ["base"], transient: true }),
  ]);
  await system.supervisor.start("job", [], client());
  const request = client();
  for (const controller of system.registry.controllers) await system.remove(controller, request);
  assert.deepEqual(system.registry.controllers, []);
  assert.ok(request.messages.includes("Service base: will not"));
});

/** What a start function calls to run a program. */
async function constructorsInside() {
  const { installRuntime } = await import("../../../src/daemon/runtime.js");
  const { makeForkexecConstructor } = await import("../../../src/daemon/definition/constructors.js");
  return {
    install: installRuntime,
    runStart: (program: string) => makeForkexecConstructor([program])(),
  };
}
