// Starts and respawns that the daemon's death interrupts: nothing is begun twice, and nothing is lost of how it ended.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { makeForkexecConstructor } from "../../../src/daemon/definition/constructors.js";
import type { RunningValue } from "../../../src/daemon/definition/types.js";
import { installRuntime } from "../../../src/daemon/runtime.js";
import {
  childrenOf,
  deaths,
  exitsOf,
  notedState,
  program,
  rest,
  servicesOf,
  stateOf,
  until,
} from "../../support/crashes.js";
import { client, definition, fakeKeeper, settle, testSystem } from "../../support/system.js";

const exitCode = (code: number): number => code << 8;

/** The keeper's limit for one note. */
const longestNote = 262_144;

test("the exit status of a program that ends while its service starts is told once", async () => {
  const keeper = fakeKeeper({
    onSpawn: ({ id }, one) => {
      one.started(id);
      one.end(id, { code: 3 });
    },
  });
  const first = testSystem([program("web")], keeper);
  await first.system.supervisor.start("web", [], client());
  await rest(first);
  assert.deepEqual(exitsOf(first, "web"), [exitCode(3)]);
  for (const { left, after } of deaths(keeper)) {
    if (notedState(left, "web") === undefined) continue;
    const next = testSystem([program("web")], left);
    await rest(next);
    assert.deepEqual(exitsOf(next, "web"), [exitCode(3)], after);
  }
});

test("a program that could not be executed never was running", async () => {
  const failure = { stage: "exec", errno: constants.errno.ENOENT, text: "/bin/web" };
  const keeper = fakeKeeper({ onSpawn: ({ id }, one) => one.end(id, { failure }) });
  const first = testSystem([program("web")], keeper);
  await first.system.supervisor.start("web", [], client());
  await rest(first);
  assert.match(stateOf(first, "web").failure ?? "", /No such file/);
  for (const { left, after } of deaths(keeper)) {
    if (notedState(left, "web") === undefined) continue;
    const next = testSystem([program("web")], left);
    await rest(next);
    const state = stateOf(next, "web");
    assert.match(state.failure ?? "", /No such file/, after);
    assert.deepEqual(exitsOf(next, "web"), [], after);
    assert.ok(!state.statusChanges.some(({ status }) => status === "running"), after);
  }
});

test("a start that a second daemon goes on with, and is asked for, is not begun anew by a third", async () => {
  const first = testSystem([program("web")], fakeKeeper({ onSpawn: () => undefined }));
  const starts = [first.system.supervisor.start("web", [], client())];
  await settle();
  const second = testSystem([program("web")], first.keeper.successor());
  await settle();
  starts.push(second.system.supervisor.start("web", [], client()));
  await settle();
  const third = testSystem([program("web")], second.keeper.successor());
  await settle();
  third.keeper.started("web#0.1");
  await rest(third);
  assert.deepEqual(servicesOf(third), ["web running"]);
  assert.deepEqual(childrenOf(third.keeper), [["web#0.1", []]]);
  assert.equal(starts.length, 2);
});

test("a service that came up while it was asked for again is left alone by the next daemon", async () => {
  const first = testSystem([program("web")], fakeKeeper({ onSpawn: () => undefined }));
  const lost = first.system.supervisor.start("web", [], client());
  await settle();
  const second = testSystem([program("web")], first.keeper.successor());
  await settle();
  const asked = second.system.supervisor.start("web", [], client());
  await settle();
  second.keeper.started("web#0.1");
  assert.equal(await asked, true);
  await rest(second);
  let running = 0;
  for (const { left, after } of deaths(second.keeper)) {
    const noted = notedState(left, "web");
    if (noted?.status !== "running") continue;
    running += 1;
    assert.equal(noted.wanted, undefined, after);
    const next = testSystem([program("web")], left);
    await rest(next);
    assert.deepEqual(childrenOf(next.keeper), [["web#0.1", []]], after);
  }
  assert.ok(running > 0);
  assert.ok(lost instanceof Promise);
});

test("a respawn that fails is tried again, by the next daemon as by this one", async () => {
  const definitions = [program("web", { respawn: true, respawnLimit: false })];
  const failure = { stage: "spawn", errno: constants.errno.EAGAIN, text: "" };
  let spawns = 0;
  const keeper = fakeKeeper({
    onSpawn: ({ id }, one) => {
      spawns += 1;
      if (spawns === 1) one.started(id);
    },
  });
  const first = testSystem(definitions, keeper);
  await first.system.supervisor.start("web", [], client());
  keeper.end("web#0.1", { code: 1 });
  await until("it is respawned", () => keeper.children.some(({ id }) => id === "web#0.2"));
  keeper.end("web#0.2", { failure });
  await until("it is respawned again", () => keeper.children.some(({ id }) => id === "web#0.3"));
  await settle();
  const second = testSystem(definitions, keeper.successor());
  await settle();
  second.keeper.end("web#0.3", { failure });
  await until("the next daemon respawns it", () => second.keeper.children.some(({ id }) => id === "web#1.1"));
  second.keeper.started("web#1.1");
  await rest(second);
  assert.deepEqual(servicesOf(second), ["web running"]);
});

test("a start and what it spawns are one step, however much else is due", async () => {
  // Several frames: a frame takes 512 KiB.
  const filler = "a".repeat(1_000);
  const names = Array.from({ length: 400 }, (_, index) => `service-${index}`);
  const definitions = names.map((name) =>
    program(name, { start: makeForkexecConstructor(["/bin/true", filler]) }),
  );
  const first = testSystem(definitions);
  await first.system.supervisor.startAll(names, client());
  await rest(first);
  const spawning = first.keeper.frames.filter((frame) => frame.some(({ op }) => op === "spawn"));
  assert.ok(spawning.length > 1, "several frames spawn");
  for (const frame of spawning) {
    const noted = new Set(frame.flatMap((request) => (request.op === "put-note" ? [request.key] : [])));
    for (const request of frame)
      if (request.op === "spawn") assert.ok(noted.has(`service/${request.id.split("#")[0]}`), request.id);
  }
});

test("the arguments of a start never make its note longer than the keeper takes", async () => {
  let calls = 0;
  const call = (): boolean => {
    calls += 1;
    return true;
  };
  const { system, keeper } = testSystem([program("web"), definition("function", { start: call })]);
  const long = Array.from({ length: 3 }, () => "a".repeat(100_000));
  // A program has no use for them; a function that cannot be noted to have been called is not called.
  assert.equal(await system.supervisor.start("web", long, client()), true);
  assert.equal(await system.supervisor.start("function", long, client()), false);
  await settle();
  assert.equal(calls, 0);
  assert.deepEqual(servicesOf({ system }), ["web running", "function stopped"]);
  const notes = keeper.requests.flatMap((request) =>
    request.op === "put-note" ? [request.value.length] : [],
  );
  assert.ok(Math.max(...notes) <= longestNote);
});

test("what a start function has spawned ends when what it gave cannot be resumed", async () => {
  const helped = definition("repl", {
    start: async () => {
      await makeForkexecConstructor(["/bin/helper"])();
      return { port: 1 };
    },
    resume: () => {
      throw new Error("the port is taken");
    },
  });
  const first = testSystem([helped], fakeKeeper(), installRuntime);
  await first.system.supervisor.start("repl", [], client());
  await settle();
  assert.deepEqual(childrenOf(first.keeper), [["repl#0.1", []]]);
  const second = testSystem([helped], first.keeper.successor(), installRuntime);
  await rest(second);
  assert.deepEqual(servicesOf(second), ["repl stopped"]);
  assert.deepEqual(childrenOf(second.keeper), []);
});

test("what is resumed too late does not become the value of a later run", async () => {
  let resumed: (value: RunningValue) => void = () => undefined;
  const web = program("web", {
    respawn: true,
    resume: () =>
      new Promise((resolve) => {
        resumed = resolve;
      }),
  });
  const first = testSystem([web]);
  await first.system.supervisor.start("web", [], client());
  const second = testSystem([web], first.keeper.successor());
  await settle();
  second.keeper.end("web#0.1", { code: 1 });
  await rest(second);
  assert.deepEqual(childrenOf(second.keeper), [["web#1.1", []]]);
  resumed({ port: 2 });
  await settle();
  await second.system.supervisor.stop("web", [], client());
  await rest(second);
  assert.deepEqual(childrenOf(second.keeper), []);
});

test("a stop waits for a resume that never ends no longer than for a process", async (t) => {
  // The wait alone keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  const repl = definition("repl", { start: () => 1, resume: () => new Promise<never>(() => undefined) });
  const first = testSystem([repl]);
  await first.system.supervisor.start("repl", [], client());
  const second = testSystem([repl], first.keeper.successor());
  await settle();
  await second.system.supervisor.stop("repl", [], client());
  assert.deepEqual(servicesOf(second), ["repl stopped"]);
});
