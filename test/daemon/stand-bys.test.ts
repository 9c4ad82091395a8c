// What is respawned without a delay is respawned by the keeper itself: for whom somebody stands by and until when, what
// follows of it here, and that nothing is lost whenever the daemon dies.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { successorOf } from "../../src/daemon/constructors/forkexec.js";
import type { Host } from "../../src/daemon/constructors/host.js";
import { isProcess } from "../../src/daemon/controller/running-value.js";
import type { ForkexecOptions, ServiceDefinition } from "../../src/daemon/definition/types.js";
import { frameLimit } from "../../src/daemon/keeper/frame.js";
import type { Name, Request } from "../../src/daemon/keeper/types.js";
import { encodeRequests } from "../../src/daemon/keeper/wire.js";
import { exitsOf, faultsOf, notedState, program, rest, stateOf, sweep, until } from "../support/crashes.js";
import {
  carriedForkexec,
  client,
  definition,
  fakeKeeper,
  noLogs,
  settle,
  type TestSystem,
  testSystem,
} from "../support/system.js";
import { waitFor } from "../support/wait.js";

/** After how many ms without a start somebody is to stand by, at most. */
const restMs = 1000;
const { SIGKILL, SIGTERM } = constants.signals;
const killed = { signal: SIGKILL } as const;
const told = [new Uint8Array([1]), new Uint8Array([2])];
const succession = { through: "log/control", messages: told, after: new Uint8Array(16), place: 8 } as const;
const parts = { logs: { ...noLogs, successionOf: () => succession } };

/** A service that is respawned at once. */
function web(options: Partial<ServiceDefinition> = {}, name = "web"): ServiceDefinition {
  return program(name, { respawn: true, ...options });
}

function begun(definitions: readonly ServiceDefinition[], keeper = fakeKeeper()): TestSystem {
  return testSystem(definitions, keeper, undefined, parts);
}

const started = async (one: TestSystem, ...names: readonly string[]): Promise<void> => {
  for (const name of names) assert.equal(await one.system.supervisor.start(name, [], client()), true);
};

/** The child of a service that runs. */
function childOf(one: TestSystem, name = "web"): Name {
  const { value } = stateOf(one, name);
  assert.ok(isProcess(value), `${name} runs with a process`);
  return value.id;
}

/** The child that stands by for that of a service. */
function nextOf(one: TestSystem, name = "web"): Name | undefined {
  return one.keeper.child(childOf(one, name)).next?.id;
}

/** Waits until somebody stands by for each of these services. */
async function armed(one: TestSystem, ...names: readonly string[]): Promise<void> {
  for (const name of names.length === 0 ? ["web"] : names)
    await waitFor(`somebody stands by for ${name}`, () => nextOf(one, name) !== undefined);
  await settle();
}

/** The service `web`, for which somebody stands by. */
async function ready(options: Partial<ServiceDefinition> = {}, keeper = fakeKeeper()): Promise<TestSystem> {
  const one = begun([web(options)], keeper);
  await started(one, "web");
  await armed(one);
  return one;
}

const frameWith = (one: TestSystem, is: (request: Request) => boolean): readonly Request[] =>
  one.keeper.frames.findLast((frame) => frame.some(is)) ?? [];
const opsOf = (frame: readonly Request[]): readonly string[] =>
  frame.map((request) => (request.op === "put-note" ? `${request.op} ${request.key}` : request.op));

test("who stands by is what a respawn would spawn, and the log writer is told first", async () => {
  const one = await ready();
  const { spec, next } = one.keeper.child(childOf(one));
  assert.deepEqual({ ...next?.spec, mark: "" }, { ...spec, mark: "" });
  assert.notEqual(next?.spec.mark, spec?.mark);
  assert.deepEqual({ ...next, ...succession }, next);
});

test("an end that the keeper has dealt with is one step here, without a spawn", async () => {
  const one = await ready();
  const [former, next] = [childOf(one), nextOf(one) ?? ""];
  one.keeper.end(former, killed);
  await rest(one);
  const { lastRespawns, status } = stateOf(one, "web");
  assert.deepEqual([status, childOf(one), lastRespawns.length], ["running", next, 1]);
  assert.deepEqual(exitsOf(one, "web"), [SIGKILL]);
  assert.deepEqual(faultsOf(one, { web: "running" }), []);
  const step = one.keeper.frames.find((frame) =>
    frame.some((request) => request.op === "acknowledge" && request.event === 2n),
  );
  assert.ok(opsOf(step ?? []).includes("put-note service/web"));
  assert.equal(one.keeper.requests.filter(({ op }) => op === "spawn").length, 1);
  assert.deepEqual(one.lines.filter((line) => /web/.test(line)).slice(-5), [
    `Service web (PID ${one.keeper.child(next).pid - 1}) terminated with signal 9.`,
    "Respawning web.",
    "Starting service web...",
    "Service web started.",
    one.lines.at(-1) ?? "",
  ]);
  // The next one too.
  await armed(one);
  one.keeper.end(next, { code: 3 });
  await rest(one);
  assert.deepEqual(exitsOf(one, "web"), [3 << 8, SIGKILL]);
});

test("the log writer is not told of the end a second time, when lines of the next process may have come", async () => {
  const ended: string[] = [];
  const logs = { ...parts.logs, ended: (name: string) => ended.push(name) };
  const one = testSystem([web()], fakeKeeper(), undefined, { logs });
  await started(one, "web");
  await armed(one);
  one.keeper.end(childOf(one), killed);
  await rest(one);
  assert.deepEqual(ended, []);
  one.keeper.end(childOf(one), killed);
  await rest(one);
  assert.deepEqual(ended, ["web"]);
});

test("a respawn that does not come to its program is tried again", async () => {
  let fails = 0;
  const onSpawn = ({ id }: { readonly id: Name }, keeper: ReturnType<typeof fakeKeeper>): void => {
    if (fails > 0) {
      fails -= 1;
      keeper.end(id, { failure: { stage: "exec", errno: constants.errno.ENOENT, text: "/bin/web" } });
    } else keeper.started(id);
  };
  const one = await ready({}, fakeKeeper({ onSpawn }));
  fails = 1;
  one.keeper.end(childOf(one), killed);
  await rest(one);
  assert.equal(stateOf(one, "web").lastRespawns.length, 2);
  assert.deepEqual(faultsOf(one, { web: "running" }), []);
});

for (const [what, act] of [
  ["stopped", ({ system }) => system.supervisor.stop("web", [], client())],
  ["disabled", async ({ system }) => system.registry.get("web").disable()],
  ["restarted", ({ system }) => system.supervisor.restart("web", [], client())],
] as const satisfies readonly (readonly [string, (one: TestSystem) => Promise<unknown>])[])
  test(`nobody stands by any more in the step in which a service is ${what}`, async () => {
    const one = await ready();
    await act(one);
    await until("they stand down", () => one.keeper.requests.some(({ op }) => op === "stand-down"));
    const step = opsOf(frameWith(one, ({ op }) => op === "stand-down"));
    assert.deepEqual(step.filter((op) => op === "stand-down" || op === "put-note service/web").toSorted(), [
      "put-note service/web",
      "stand-down",
    ]);
  });

test("a definition that is to take its place has nobody stand by, nor has one that asks for a delay", async () => {
  for (const next of [web({ start: carriedForkexec(["/bin/other"]) }), web({ respawnDelay: 5 })]) {
    const one = await ready();
    one.system.registry.register([next]);
    await until("they stand down", () => nextOf(one) === undefined);
    assert.equal(one.keeper.requests.filter(({ op }) => op === "stand-down").length, 1);
  }
});

test("a service of which more is to be asked is respawned from here", async () => {
  const others: readonly ServiceDefinition[] = [
    web({ respawn: false }, "once"),
    web({ respawnDelay: 0.1 }, "later"),
    web({ respawnLimit: { times: 0, seconds: 5 } }, "limited"),
    web({ terminationHandler: () => "respawn" }, "handled"),
    web({ transient: true }, "transient"),
    web({ relations: { onFailure: ["web"] } }, "related"),
    web({ relations: { conflicts: ["rival"] } }, "other"),
    web({}, "rival"),
    web({ requirement: ["web"] }, "needing"),
    web({ start: carriedForkexec(["/bin/secret"], { secretFiles: [] }) }, "secret"),
    definition("function", { respawn: true }),
  ];
  const one = begun([...others, web(), definition("calm"), web({ requirement: ["calm"] }, "calmed")]);
  const names = others.map(({ provision: [name] }) => name).filter((name) => name !== "rival");
  await started(one, ...names, "web", "calm", "calmed", "rival");
  await armed(one, "calmed");
  const armedOnes = one.keeper.children.filter(({ next }) => next !== undefined).map(({ id }) => id);
  assert.deepEqual(
    armedOnes.map((id) => id.replace(/#.*/, "")),
    ["calmed"],
  );
});

test("a start that is more than a spawn is nobody's to stand by for", async () => {
  const { host } = begun([]).system;
  const next = (options: ForkexecOptions, more: { readonly ownStreams?: true } = {}) =>
    successorOf(host, "web", { kind: "forkexec", command: ["/bin/web"], options, ...more }, "web#0.2");
  assert.notEqual(await next({ directory: "/" }), undefined);
  const probe = { tcp: 80 } as const;
  for (const options of [
    { secretFiles: [] },
    { pidFile: "/run/web" },
    { terminal: true },
    { readiness: probe },
    { readiness: "notify" },
    { notifyAccess: "all" },
    { watchdog: 5 },
    { fileDescriptorStoreMax: 1 },
    { health: { check: probe } },
  ] as unknown as readonly ForkexecOptions[])
    assert.equal(await next(options), undefined, JSON.stringify(options));
  assert.equal(await next({}, { ownStreams: true }), undefined);
  const cgroups = { pathOf: () => "/sys/fs/cgroup/web" };
  const inCgroup = { ...host, cgroups } as unknown as Host;
  const data = { kind: "forkexec", command: ["/bin/web"], options: {} } as const;
  assert.equal(await successorOf(inCgroup, "web", data, "web#0.2"), undefined);
});

test("nobody stands by while what a service requires does not run", async () => {
  const calm = definition("calm", { stop: () => false });
  const one = begun([calm, web({ requirement: ["calm"] })]);
  await started(one, "web");
  await armed(one);
  const controller = one.system.registry.get("calm");
  // As a service of which the resumption fails: nobody has stopped what requires it.
  await controller.stop([], client());
  await until("they stand down", () => nextOf(one) === undefined);
});

test("somebody stands by again once what stood in the way is gone", async () => {
  const calm = definition("calm", { stop: () => false });
  const one = begun([calm, web({ requirement: ["calm"], respawnLimit: { times: 1, seconds: 1 } })]);
  await started(one, "web");
  await armed(one);
  one.keeper.end(childOf(one), killed);
  await rest(one);
  // Its respawn limit.
  assert.equal(nextOf(one), undefined);
  await armed(one);
  // What it requires.
  await one.system.registry.get("calm").stop([], client());
  await until("they stand down", () => nextOf(one) === undefined);
  await started(one, "calm");
  await armed(one);
  // A definition that is taken back.
  const { definition: now } = one.system.registry.get("web");
  one.system.registry.register([web({ requirement: ["calm"], respawnDelay: 5 })]);
  await until("they stand down", () => nextOf(one) === undefined);
  one.system.registry.restore([now]);
  await armed(one);
});

test("a requirement that stops in the moment of the end is started before the service, which runs anew", async () => {
  const calm = definition("calm", { stop: () => false });
  const one = begun([calm, web({ requirement: ["calm"] })]);
  await started(one, "web");
  await armed(one);
  const [former, next] = [childOf(one), nextOf(one) ?? ""];
  const stopped = one.system.registry.get("calm").stop([], client());
  one.keeper.end(former, killed);
  await stopped;
  await until(
    "both run",
    () => stateOf(one, "web").status === "running" && stateOf(one, "calm").status === "running",
  );
  await rest(one);
  assert.notEqual(childOf(one), next);
  assert.deepEqual(faultsOf(one, { web: "running", calm: "running" }), []);
});

test("fifty of them with long environments are asked for in as many frames as that takes", async () => {
  const environment = { logs: parts.logs, environment: [`LONG=${"x".repeat(30_000)}`] };
  const names = Array.from({ length: 50 }, (_, index) => `web-${index}`);
  const one = testSystem(
    names.map((name) => web({}, name)),
    fakeKeeper({ remembers: false }),
    undefined,
    environment,
  );
  await started(one, ...names);
  await armed(one, ...names);
  for (const frame of one.keeper.frames) assert.ok(encodeRequests(frame, 1, false).length < frameLimit);
});

test("a successor that comes when its service is being stopped is ended before the stop is over", async () => {
  const one = await ready({}, fakeKeeper({ onSignal: () => undefined }));
  const [former, next] = [childOf(one), nextOf(one) ?? ""];
  const stop = one.system.supervisor.stop("web", [], client());
  // The keeper has not heard of it yet.
  one.keeper.end(former, { code: 0 });
  await until("it is signalled", () => one.keeper.child(next).signals.length > 0);
  assert.deepEqual(one.keeper.child(next).signals, [{ signal: SIGTERM, scope: "group" }]);
  assert.equal(stateOf(one, "web").status, "stopping");
  // Whoever finds this note ends it too, and takes it for nothing that the stop has made.
  assert.deepEqual(notedState(one.keeper, "web")?.processes, [{ id: next }]);
  one.keeper.end(next, { signal: SIGTERM });
  await stop;
  await rest(one);
  assert.deepEqual(faultsOf(one, { web: "stopped" }), []);
  assert.deepEqual(exitsOf(one, "web"), [0]);
});

test("a successor of a child that is nobody's is killed at once", async () => {
  const one = await ready();
  const [former, next] = [childOf(one), nextOf(one) ?? ""];
  const third = begun([], one.keeper.successor({ onSignal: () => undefined }));
  third.keeper.end(former, killed);
  await until("it is signalled", () => third.keeper.child(next).signals.length > 0);
  assert.deepEqual(third.keeper.child(next).signals, [{ signal: SIGKILL, scope: "group" }]);
});

test("one that comes when its service has just been disabled is ended, and the service stays down", async () => {
  const one = await ready();
  const former = childOf(one);
  one.system.registry.get("web").disable();
  one.keeper.end(former, killed);
  await rest(one);
  assert.deepEqual(faultsOf(one, { web: "stopped" }), []);
});

test("one of a service that has another definition by now is ended before that is started", async () => {
  const one = await ready({}, fakeKeeper({ onSignal: () => undefined }));
  const [former, next] = [childOf(one), nextOf(one) ?? ""];
  one.system.registry.register([web({ start: carriedForkexec(["/bin/other"]) })]);
  one.keeper.end(former, killed);
  await until("it is signalled", () => one.keeper.child(next).signals.length > 0);
  assert.deepEqual(one.keeper.child(next).signals[0], { signal: SIGTERM, scope: "group" });
  assert.equal(one.keeper.requests.filter(({ op }) => op === "spawn").length, 1);
  one.keeper.end(next, killed);
  await until("it runs again", () => stateOf(one, "web").status === "running");
  await rest(one);
  assert.deepEqual(one.keeper.child(childOf(one)).spec?.arguments, ["/bin/other"]);
  assert.deepEqual(faultsOf(one, { web: "running" }), []);
});

test("a service that is respawned too often is disabled as ever", async () => {
  const one = begun([web({ respawnLimit: { times: 1, seconds: 60 } })]);
  await started(one, "web");
  await armed(one);
  one.keeper.end(childOf(one), killed);
  await rest(one);
  assert.equal(stateOf(one, "web").status, "running");
  one.keeper.end(childOf(one), killed);
  await rest(one);
  const { status, enabled } = stateOf(one, "web");
  assert.deepEqual([status, enabled], ["stopped", false]);
});

test("a keeper that knows nothing of it is asked once, and respawns are made from here", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const keeper = fakeKeeper();
  keeper.refuse("stand-by", constants.errno.ENOSYS);
  const one = begun([web()], keeper);
  await started(one, "web");
  const asked = (): number => keeper.requests.filter(({ op }) => op === "stand-by").length;
  t.mock.timers.tick(restMs);
  await until("it was asked", () => asked() === 1);
  await settle();
  keeper.end(childOf(one), killed);
  await rest(one);
  assert.equal(stateOf(one, "web").status, "running");
  assert.equal(keeper.requests.filter(({ op }) => op === "spawn").length, 2);
  t.mock.timers.tick(10 * restMs);
  await settle();
  assert.equal(asked(), 1);
});

test("the next daemon knows of who stands by, and has them stand down when it stops the service", async () => {
  const first = await ready();
  const next = begun([web()], first.keeper.successor());
  await rest(next);
  assert.ok(!next.keeper.requests.some(({ op }) => op === "stand-down"));
  await next.system.supervisor.stop("web", [], client());
  assert.equal(next.keeper.requests.filter(({ op }) => op === "stand-down").length, 1);
  const third = begun([web({ respawnDelay: 5 })], (await ready()).keeper.successor());
  await rest(third);
  assert.equal(nextOf(third), undefined);
});

test("the next daemon has stand by what its own definition says", async () => {
  const first = await ready();
  const next = begun([web({ start: carriedForkexec(["/bin/other"]) })], first.keeper.successor());
  await waitFor("another one stands by", () => {
    const [command] = next.keeper.child(childOf(next)).next?.spec.arguments ?? [];
    return command === "/bin/other";
  });
});

/** A service for which somebody stands by when the sweep begins. */
const standing = {
  definitions: [web()],
  parts,
  before: async (one: TestSystem): Promise<void> => {
    await started(one, "web");
    await armed(one);
  },
};

test("a service is respawned once and its end told once, whenever the daemon dies", () =>
  sweep({
    ...standing,
    act: async (one) => {
      one.keeper.end(childOf(one), killed);
      await rest(one);
    },
    ends: { web: "running" },
    look: (one) => [exitsOf(one, "web"), stateOf(one, "web").lastRespawns.length, one.keeper.children.length],
  }));

test("a stop that crosses with the keeper's respawn leaves nothing, whenever the daemon dies", () =>
  sweep({
    ...standing,
    act: async (one) => {
      const former = childOf(one);
      const stop = one.system.supervisor.stop("web", [], client());
      one.keeper.end(former, { signal: SIGTERM });
      await stop;
      await rest(one);
    },
    // Whether it is stopped is for the instant to say: its client may have died with the stop. Nobody is left in any case.
    ends: {},
  }));
