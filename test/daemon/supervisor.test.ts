import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { UserCodeError } from "../../src/daemon/supervisor.js";
import { stateOf, until } from "../support/crashes.js";
import { client, definition, fakeKeeper, forkexec, kill, settle, testSystem } from "../support/system.js";

/** Definitions whose starts and stops are written down; a start waits until `release` is called for it. */
function recorded(
  ...specs: (readonly [
    provision: string,
    requirement?: readonly string[],
    options?: Partial<ServiceDefinition>,
  ])[]
) {
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  const definitions = specs.map(([provision, requirement = [], options = {}]) =>
    definition(provision, {
      requirement,
      start: async () => {
        events.push(`start ${provision}`);
        await new Promise<void>((resolve) => waiting.set(provision, resolve));
        events.push(`up ${provision}`);
        return true;
      },
      stop: () => {
        events.push(`stop ${provision}`);
        return false;
      },
      ...options,
    }),
  );
  const release = async (...names: string[]): Promise<void> => {
    for (const name of names) {
      await settle();
      waiting.get(name)?.();
    }
    await settle();
  };
  return { events, definitions, release };
}

test("requirements start first, side by side, and the service when all of them are up", async () => {
  const { events, definitions, release } = recorded(["app", ["a", "b"]], ["a"], ["b"]);
  const { system } = testSystem(definitions);
  const done = system.supervisor.start("app", [], client());
  await settle();
  assert.deepEqual(events, ["start a", "start b"]);
  await release("b", "a", "app");
  assert.equal(await done, true);
  assert.deepEqual(events.slice(2), ["up b", "up a", "start app", "up app"]);
});

test("concurrent starts of one service share one attempt", async () => {
  const { events, definitions, release } = recorded(["app", ["base"]], ["base"]);
  const { system } = testSystem(definitions);
  const asked = [client(), client(), client()];
  const all = Promise.all(asked.map((request) => system.supervisor.start("app", [], request)));
  await release("base", "app");
  assert.deepEqual(await all, [true, true, true]);
  assert.deepEqual(events, ["start base", "up base", "start app", "up app"]);
  for (const { messages } of asked) assert.equal(messages.at(-1), "Service app has been started.");
});

test("a failed requirement fails the service, which is not attempted; its siblings stay up", async () => {
  const { events, definitions, release } = recorded(
    ["app", ["good", "bad"]],
    ["good"],
    ["bad", [], { start: () => false }],
  );
  const { system } = testSystem(definitions);
  const request = client();
  const done = system.supervisor.start("app", [], request);
  await release("good");
  assert.equal(await done, false);
  assert.deepEqual(events, ["start good", "up good"]);
  assert.deepEqual(request.messages.slice(-2), [
    "Service good has been started.",
    "Service app depends on bad.",
  ]);
  assert.equal(system.registry.get("good").state.status, "running");
  assert.deepEqual(system.registry.get("app").state.startupFailures, []);
});

test("a stop takes dependents first and names the service before them", async () => {
  const { events, definitions, release } = recorded(["top", ["mid"]], ["mid", ["base"]], ["base"]);
  const { system } = testSystem(definitions);
  const up = system.supervisor.start("top", [], client());
  await release("base", "mid", "top");
  await up;
  events.length = 0;
  assert.deepEqual(await system.supervisor.stop("base", [], client()), ["base", "mid", "top"]);
  assert.deepEqual(events, ["stop top", "stop mid", "stop base"]);
  assert.deepEqual(await system.supervisor.stop("base", [], client()), []);
});

test("a restart brings back what it stopped", async () => {
  const { events, definitions, release } = recorded(["top", ["base"]], ["base"]);
  const { system } = testSystem(definitions);
  const up = system.supervisor.start("top", [], client());
  await release("base", "top");
  await up;
  events.length = 0;
  const restarted = system.supervisor.restart("base", [], client());
  await release("base", "top");
  assert.equal(await restarted, true);
  assert.deepEqual(events, ["stop top", "stop base", "start base", "up base", "start top", "up top"]);
});

test("a restart of which nothing came up says so", async () => {
  const { system } = testSystem([definition("web")]);
  await system.supervisor.start("web", [], client());
  system.registry.get("web").disable();
  assert.equal(await system.supervisor.restart("web", [], client()), false);
});

test("a start that never settles is cancelled by a stop", async () => {
  const { system } = testSystem([definition("web", { start: () => new Promise(() => undefined) })]);
  const request = client();
  const start = system.supervisor.start("web", [], request);
  await settle();
  assert.equal(system.registry.get("web").state.status, "starting");
  await system.supervisor.stop("web", [], client());
  assert.equal(await start, false);
  assert.equal(system.registry.get("web").state.status, "stopped");
  assert.match(request.messages.join("\n"), /The start of service web was cancelled by a stop\./);
});

test("a one-shot runs once for a request, however many services need it, and again for the next", async () => {
  let runs = 0;
  const once = () => {
    runs += 1;
    return true;
  };
  const { system } = testSystem([
    definition("setup", { oneShot: true, start: once }),
    definition("a", { requirement: ["setup"] }),
    definition("b", { requirement: ["setup"] }),
    definition("top", { requirement: ["a", "b", "setup"] }),
  ]);
  await system.supervisor.start("top", [], client());
  assert.equal(runs, 1);
  await system.supervisor.start("setup", [], client());
  assert.equal(runs, 2);
});

test("an exception of a start function is passed on; one of a stop function leaves the service stopped", async () => {
  const { system } = testSystem([
    definition("throws", {
      start: () => {
        throw new Error("no such luck");
      },
    }),
    definition("web", {
      stop: () => {
        throw new Error("will not");
      },
    }),
  ]);
  await assert.rejects(system.supervisor.start("throws", [], client()), (error: unknown) => {
    return error instanceof UserCodeError && error.message === "no such luck";
  });
  await system.supervisor.start("web", [], client());
  await assert.rejects(system.supervisor.stop("web", [], client()), /will not/);
  assert.equal(system.registry.get("web").state.status, "stopped");
});

test("the note and the spawn that it explains are one step", async () => {
  const { system, keeper } = testSystem([definition("web", { start: forkexec("/bin/web"), stop: kill() })]);
  await system.supervisor.start("web", [], client());
  const frame = keeper.frames.find((requests) => requests.some(({ op }) => op === "spawn")) ?? [];
  const operations = frame.map(({ op }) => op);
  assert.ok(
    operations.indexOf("put-note") >= 0 && operations.indexOf("put-note") < operations.indexOf("spawn"),
  );
});

test("the end of a process and its acknowledgement are one step", async () => {
  const { system, keeper } = testSystem([definition("web", { start: forkexec("/bin/web"), stop: kill() })]);
  await system.supervisor.start("web", [], client());
  keeper.frames.length = 0;
  keeper.end("web#0.1", { code: 0 });
  await settle();
  const frame = keeper.frames.find((requests) => requests.some(({ op }) => op === "put-note")) ?? [];
  assert.ok(frame.some(({ op }) => op === "acknowledge"));
});

test("a process that ends with status 0 leaves its service stopped and enabled", async () => {
  const { system, keeper, settled } = testSystem([
    definition("web", { start: forkexec("/bin/web"), stop: kill() }),
  ]);
  await system.supervisor.start("web", [], client());
  keeper.end("web#0.1", { code: 0 });
  await settle();
  const { state } = system.registry.get("web");
  assert.equal(state.status, "stopped");
  assert.equal(state.enabled, true);
  assert.deepEqual(settled, ["web"]);
});

test("a service that always ends is respawned as often as the limit says, then disabled with the reason", async () => {
  const { system, keeper, lines } = testSystem([
    definition("web", {
      start: forkexec("/bin/web"),
      stop: kill(),
      respawn: true,
      respawnLimit: { times: 3, seconds: 100 },
    }),
  ]);
  await system.supervisor.start("web", [], client());
  let ends = 0;
  while (system.registry.get("web").state.enabled && ends < 20) {
    for (const child of keeper.children)
      if (child.state === "running") {
        keeper.end(child.id, { code: 3 });
        ends += 1;
      }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const { state } = system.registry.get("web");
  assert.equal(ends, 4);
  assert.equal(state.lastRespawns.length, 3);
  assert.equal(state.disabledBecause, "Respawning too fast.");
  assert.deepEqual(lines.slice(-2), ["Service web has been disabled.", "  (Respawning too fast.)"]);
});

test("a program that cannot be executed is a failed start that names stage, path and reason", async () => {
  const { system, keeper } = testSystem([definition("web", { start: forkexec("/does/not/exist") })]);
  keeper.refuse("spawn", 12, "make a memory file: Cannot allocate memory");
  const request = client();
  assert.equal(await system.supervisor.start("web", [], request), false);
  assert.match(request.messages.join("\n"), /Failed to start web: spawn .*Cannot allocate memory/);
  assert.equal(request.messages.at(-1), "Service web could not be started.");
});

test("nothing is started once the system goes down", async () => {
  const { system } = testSystem([definition("web")]);
  system.supervisor.goDown();
  const request = client();
  assert.equal(await system.supervisor.start("web", [], request), false);
  assert.deepEqual(request.messages, ["Service web is not started: the system is going down."]);
});

test("a definition registered over a running service waits until it stops; over a stopped one it is in force", async () => {
  const { system } = testSystem([definition("web"), definition("db")]);
  await system.supervisor.start("web", [], client());
  system.registry.get("web").disable();
  system.registry.register([
    definition("web", { documentation: "new" }),
    definition("db", { documentation: "new" }),
  ]);
  assert.equal(system.registry.get("db").definition.documentation, "new");
  assert.equal(system.registry.get("web").definition.documentation, "");
  await system.supervisor.stop("web", [], client());
  assert.equal(system.registry.get("web").definition.documentation, "new");
  assert.equal(system.registry.get("web").state.enabled, false);
});

test("a set of definitions with a mistake changes nothing", async () => {
  const { system } = testSystem([definition("web")]);
  assert.throws(
    () => system.registry.register([definition("new"), definition("bad", { requirement: ["ghost"] })]),
    /ghost/,
  );
  assert.equal(system.registry.find("new"), undefined);
});

test("the next daemon takes a running service over with its process, history and flags", async () => {
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill(), respawn: true })];
  const first = testSystem(definitions);
  await first.system.supervisor.start("web", [], client());
  await settle();
  const second = testSystem(definitions, first.keeper.successor());
  const { state } = second.system.registry.get("web");
  assert.equal(state.status, "running");
  assert.equal(second.keeper.children.length, 1);
  second.keeper.end("web#0.1", { code: 7 });
  const respawned = (): boolean => stateOf(second, "web").lastRespawns.length === 1;
  await until("it runs again", () => respawned() && stateOf(second, "web").status === "running");
});

test("a start function that was interrupted is not run again", async () => {
  let runs = 0;
  const definitions = [
    definition("web", {
      start: () => {
        runs += 1;
        return new Promise(() => undefined);
      },
    }),
  ];
  const first = testSystem(definitions);
  first.system.supervisor.start("web", [], client()).catch(() => undefined);
  await settle();
  const second = testSystem(definitions, first.keeper.successor());
  await settle();
  assert.equal(runs, 1);
  const { state } = second.system.registry.get("web");
  assert.equal(state.status, "stopped");
  assert.match(state.failure ?? "", /interrupted/);
});

test("a start that waits for its requirements is gone on with by the next daemon", async () => {
  const definitions = [
    definition("base", { start: forkexec("/bin/base"), stop: kill() }),
    definition("app", { requirement: ["base"] }),
  ];
  // The base never comes to execute its program while the first daemon lives.
  const first = testSystem(definitions, fakeKeeper({ onSpawn: () => undefined }));
  first.system.supervisor.start("app", [], client()).catch(() => undefined);
  await settle();
  const second = testSystem(definitions, first.keeper.successor());
  second.keeper.started("base#0.1");
  await until("app runs", () => second.system.registry.get("app").state.status === "running");
  assert.equal(second.system.registry.get("base").state.status, "running");
});

test("a daemon that dies in a termination handler leaves the usual respawn to the next one", async () => {
  const web = definition("web", {
    start: forkexec("/bin/web"),
    stop: kill(),
    respawn: true,
    terminationHandler: () => new Promise(() => undefined),
  });
  const first = testSystem([web]);
  await first.system.supervisor.start("web", [], client());
  first.keeper.end("web#0.1", { code: 1 });
  await settle();
  assert.equal(first.system.registry.get("web").state.status, "stopped");
  const second = testSystem([web], first.keeper.successor());
  await until("it runs again", () => second.system.registry.get("web").state.status === "running");
});
