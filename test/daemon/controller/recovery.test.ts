// The recovery contract for user code, and what a new daemon does with a start, a stop or a restart that was under way.

import assert from "node:assert/strict";
import { test } from "node:test";
import { client, definition, fakeKeeper, forkexec, kill, settle, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";

const stateOf = ({ system }: ReturnType<typeof testSystem>, name: string) => system.registry.get(name).state;
const never = (): Promise<never> => new Promise(() => undefined);

async function until(holds: () => boolean): Promise<void> {
  await waitFor("the condition of the test holds", holds);
}

/** A system whose service `web` was in the midst of its start function when the daemon died. */
async function interrupted(options: Parameters<typeof definition>[1]) {
  let runs: string[][] = [];
  const start = (...args: string[]) => {
    runs.push(args);
    return runs.length === 1 ? never() : true;
  };
  const definitions = [definition("web", { ...options, start })];
  const first = testSystem(definitions);
  first.system.supervisor.start("web", ["a", "b"], client()).catch(() => undefined);
  await settle();
  assert.equal(stateOf(first, "web").status, "starting");
  const next = testSystem(definitions, first.keeper.successor());
  await settle();
  return { next, runs, forget: () => (runs = []) };
}

test("a start function that was interrupted fails as such and is not called again", async () => {
  const { next, runs } = await interrupted({});
  assert.equal(stateOf(next, "web").status, "stopped");
  assert.match(stateOf(next, "web").failure ?? "", /^interrupted/);
  assert.equal(runs.length, 1);
});

test("one that is retryable is called again, with the same arguments", async () => {
  const { next, runs } = await interrupted({ retryable: true });
  assert.equal(stateOf(next, "web").status, "running");
  assert.deepEqual(runs, [
    ["a", "b"],
    ["a", "b"],
  ]);
});

test("a service that lives in the daemon makes its value again, and runs by the new one", async () => {
  const seen: unknown[] = [];
  const definitions = [
    definition("repl", {
      start: () => ({ port: 1 }),
      resume: (value) => {
        seen.push(value);
        return { port: 2 };
      },
    }),
  ];
  const first = testSystem(definitions);
  await first.system.supervisor.start("repl", [], client());
  await settle();
  assert.deepEqual(seen, []);
  const next = testSystem(definitions, first.keeper.successor());
  await settle();
  assert.deepEqual(seen, [{ port: 1 }]);
  assert.deepEqual(stateOf(next, "repl").value, { port: 2 });
  const third = testSystem(definitions, next.keeper.successor());
  await settle();
  assert.deepEqual(seen, [{ port: 1 }, { port: 2 }]);
  assert.equal(stateOf(third, "repl").status, "running");
});

test("one that cannot make its value again has ended, and is respawned by the usual rule", async () => {
  let starts = 0;
  const start = () => {
    starts += 1;
    return true;
  };
  const resume = () => {
    throw new Error("port taken");
  };
  const definitions = [
    definition("once", { start: () => true, resume }),
    definition("again", { start, resume, respawn: true }),
  ];
  const first = testSystem(definitions);
  await first.system.supervisor.startAll(["once", "again"], client());
  await settle();
  const next = testSystem(definitions, first.keeper.successor());
  await until(() => starts === 2);
  assert.equal(stateOf(next, "once").status, "stopped");
  assert.match(stateOf(next, "once").failure ?? "", /port taken/);
});

test("a stop waits for a value that is being made again", async () => {
  let made: () => void = () => undefined;
  const stopped: unknown[] = [];
  const definitions = [
    definition("repl", {
      start: () => 1,
      stop: (value) => stopped.push(value),
      resume: () =>
        new Promise<number>((resolve) => {
          made = () => resolve(2);
        }),
    }),
  ];
  const first = testSystem(definitions);
  await first.system.supervisor.start("repl", [], client());
  await settle();
  const next = testSystem(definitions, first.keeper.successor());
  await settle();
  const stop = next.system.supervisor.stop("repl", [], client());
  await settle();
  assert.deepEqual(stopped, []);
  made();
  await stop;
  assert.deepEqual(stopped, [2]);
});

test("a stop that was interrupted does not signal a second time, and holds to its deadline", async () => {
  const signals: number[] = [];
  const keeper = fakeKeeper({
    onSpawn: (child, fake) => fake.started(child.id),
    onSignal: (_child, signal) => signals.push(signal),
  });
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill(50) })];
  const first = testSystem(definitions, keeper);
  await first.system.supervisor.start("web", [], client());
  first.system.supervisor.stop("web", [], client()).catch(() => undefined);
  await settle();
  const next = testSystem(definitions, keeper.successor());
  await settle();
  assert.deepEqual(signals, [15]);
  next.keeper.end("web#0.1", { signal: 15 });
  await until(() => stateOf(next, "web").status === "stopped");
  assert.deepEqual(
    stateOf(next, "web").exitStatuses.map(({ status }) => status),
    [15],
  );
});

test("a restart that was interrupted is finished, whatever it had come to", async () => {
  const keeper = fakeKeeper({ onSpawn: (child, fake) => fake.started(child.id), onSignal: () => undefined });
  const definitions = [
    definition("base", { start: forkexec("/bin/base"), stop: kill(50) }),
    definition("web", { requirement: ["base"], start: forkexec("/bin/web"), stop: kill(50) }),
  ];
  const first = testSystem(definitions, keeper);
  await first.system.supervisor.start("web", [], client());
  first.system.supervisor.restart("base", [], client()).catch(() => undefined);
  await settle();
  // The dependent is being stopped; the service itself has not been touched.
  assert.deepEqual(
    ["base", "web"].map((name) => stateOf(first, name).status),
    ["running", "stopping"],
  );
  const next = testSystem(definitions, keeper.successor());
  await settle();
  next.keeper.end("web#0.2", { signal: 15 });
  await until(() => stateOf(next, "base").status === "stopping");
  const third = testSystem(definitions, next.keeper.successor());
  await settle();
  third.keeper.end("base#0.1", { signal: 15 });
  await until(() => stateOf(third, "web").status === "running");
  assert.equal(stateOf(third, "base").status, "running");
  assert.ok(["base", "web"].every((name) => stateOf(third, name).wanted === undefined));
  assert.equal(third.keeper.children.length, 2);
});

test("a respawn is counted once, though the daemon dies between counting and starting", async () => {
  let starts = 0;
  // Web is counted, and waits for it.
  const base = definition("base", { oneShot: true, start: () => ++starts !== 2 || never() });
  const options = { requirement: ["base"], start: forkexec("/bin/web"), stop: kill(), respawn: true };
  const definitions = [base, definition("web", options)];
  const first = testSystem(definitions);
  await first.system.supervisor.start("web", [], client());
  await settle();
  first.keeper.end("web#0.1", { code: 1 });
  await until(() => starts === 2);
  const noted = first.keeper.requests.flatMap((request) => {
    if (request.op !== "put-note" || request.key !== "service/web") return [];
    const value = Buffer.from(request.value);
    const isDue = value.includes('"respawning":true') && value.includes('"respawnAt"');
    return isDue && value.includes('"status":"stopped"') ? [value] : [];
  });
  assert.notDeepEqual(noted, []);
  const next = testSystem(definitions, fakeKeeper({ notes: [["service/web", noted[0] ?? Buffer.of()]] }));
  await until(() => stateOf(next, "web").status === "running");
  assert.equal(stateOf(next, "web").lastRespawns.length, 1);
});

test("a start is wanted from the step in which it was asked for, and a stop undoes that", async () => {
  const base = definition("base", { start: never });
  const definitions = [base, definition("web", { requirement: ["base"] })];
  const first = testSystem(definitions);
  first.system.supervisor.start("web", [], client()).catch(() => undefined);
  assert.equal(stateOf(first, "web").wanted, "start");
  const stop = first.system.supervisor.stop("web", [], client());
  assert.equal(stateOf(first, "web").wanted, undefined);
  await stop;
  await settle();
  assert.equal(stateOf(first, "web").wanted, undefined);
});

test("what a process left behind is noted until it is gone, and the next daemon clears it away", async () => {
  const definitions = [definition("web", { start: forkexec("/bin/web"), stop: kill() })];
  const first = testSystem(definitions);
  await first.system.supervisor.start("web", [], client());
  first.keeper.end("web#0.1", { code: 1 });
  await until(() => stateOf(first, "web").status === "stopped" && stateOf(first, "web").leaders.length === 0);
  const noted = first.keeper.requests
    .filter((request) => request.op === "put-note" && request.key === "service/web")
    .map((request) => (request.op === "put-note" ? Buffer.from(request.value) : Buffer.of()))
    .find((value) => value.includes('"leaders":[{"id":"web#0.1"'));
  assert.notEqual(noted, undefined);
  const next = testSystem(definitions, fakeKeeper({ notes: [["service/web", noted ?? Buffer.of()]] }));
  assert.equal(stateOf(next, "web").leaders.length, 1);
  await until(() => stateOf(next, "web").leaders.length === 0);
});

test("a transient service that is over leaves no note, once what it left behind is gone", async () => {
  const definitions = [definition("passing", { transient: true, start: forkexec("/bin/x"), stop: kill() })];
  const first = testSystem(definitions);
  await first.system.supervisor.start("passing", [], client());
  first.keeper.end("passing#0.1", { code: 0 });
  await until(() => first.system.registry.find("passing") === undefined);
  // A next daemon that comes at the instant when nobody has looked yet for what is left.
  const values = first.keeper.requests.map((request) => (request.op === "put-note" ? request.value : ""));
  const left = Buffer.from(values.findLast((value) => Buffer.from(value).includes('"leaders":[{')) ?? "");
  assert.match(left.toString(), /"leaders":\[\{"id":"passing#0.1"/);
  const next = testSystem([], fakeKeeper({ notes: [["service/passing", left]] }));
  for (const { keeper } of [first, next]) await until(() => !keeper.notes.has("service/passing"));
});

test("a service that nobody defines any more is there as far as it is data", async () => {
  const keeper = fakeKeeper();
  const first = testSystem(
    [
      definition("base", { start: forkexec("/bin/base"), stop: kill() }),
      definition("made", { start: () => true }),
    ],
    keeper,
  );
  await first.system.supervisor.startAll(["base", "made"], client());
  await settle();
  const next = testSystem([], keeper.successor(), (system) => system.registerNoted("which is lost"));
  assert.deepEqual(
    ["base", "made"].map((name) => stateOf(next, name).status),
    ["running", "running"],
  );
  await next.system.supervisor.restart("base", [], client());
  assert.equal(stateOf(next, "base").status, "running");
  await next.system.supervisor.stop("made", [], client());
  await assert.rejects(
    next.system.supervisor.start("made", [], client()),
    /its start is a function, which is lost/,
  );
});

test("notes of a newer format are refused, those of an older one are read", async () => {
  const note = (version: number, body: object) => Buffer.from(JSON.stringify({ version, body }));
  const newer = fakeKeeper({ notes: [["service/web", note(99, {})]] });
  assert.throws(() => testSystem([definition("web")], newer), /format 99.*newer shepherd/);
  const old = { status: "starting", statusChanges: [{ status: "starting", time: 1 }], attempt: "web#0.1" };
  const older = fakeKeeper({ notes: [["service/web", note(1, old)]] });
  const system = testSystem([definition("web", { start: forkexec("/bin/web") })], older);
  assert.deepEqual(stateOf(system, "web").processes, [{ id: "web#0.1" }]);
  // Those between wrote of every service whether it was wanted.
  const stopped = { status: "stopped", enabled: true, wanted: false, respawnCounted: false, processes: [] };
  const between = fakeKeeper({ notes: [["service/web", note(2, stopped)]] });
  const kept = testSystem([definition("web", { start: forkexec("/bin/web") })], between);
  await settle();
  assert.equal(stateOf(kept, "web").status, "stopped");
});
