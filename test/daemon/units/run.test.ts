// A unit that runs: its stop, its end by itself and what follows, its reload, its time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deaths, rest, stateOf, until } from "../../support/crashes.js";
import { client, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { players, spawned, unit, unitParts } from "./services.js";

async function started(one: TestSystem, name = "web"): Promise<string> {
  assert.equal(await one.system.supervisor.start(name, [], client()), true);
  await rest(one);
  return one.keeper.children[0]?.id ?? "";
}

test("a stop runs ExecStop=, ends the processes, and runs ExecStopPost=", async (context) => {
  const service = unit(
    "web",
    "ExecStart=/bin/serve\nExecStop=/bin/ok-stop\nExecStopPost=/bin/ok-post\nKillSignal=SIGINT",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  const id = await started(one);
  const { pid, signals } = one.keeper.child(id);
  await one.system.supervisor.stop("web", [], client());
  assert.deepEqual(spawned(one.keeper, "MAINPID", "SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"), [
    "serve",
    `ok-stop MAINPID=${pid} SERVICE_RESULT=success`,
    "ok-post SERVICE_RESULT=success EXIT_CODE=killed EXIT_STATUS=INT",
  ]);
  assert.deepEqual(signals.map(({ signal }) => signal)[0], 2);
  const { status, result, failure } = stateOf(one, "web");
  assert.deepEqual([status, result, failure], ["stopped", "success", undefined]);
});

test("a command of ExecStop= that fails leaves out the others, and the stop goes on", async (context) => {
  const service = unit(
    "web",
    "ExecStart=/bin/serve\nExecStop=/bin/fail\nExecStop=/bin/ok-never\nExecStopPost=/bin/ok-post",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  await started(one);
  await one.system.supervisor.stop("web", [], client());
  assert.deepEqual(spawned(one.keeper), ["serve", "fail", "ok-post"]);
  assert.deepEqual([stateOf(one, "web").status, stateOf(one, "web").result], ["stopped", "exit-code"]);
});

const deaf = { ...players, onSignal: () => undefined };

test("what does not end in time is killed, unless SendSIGKILL= says no", async (context) => {
  const parts = unitParts(context);
  for (const [lines, killed] of [
    ["SendSIGHUP=yes", true],
    ["SendSIGKILL=no", false],
  ] as const) {
    const service = unit("web", `ExecStart=/bin/serve\nTimeoutStopSec=7\n${lines}`);
    const keeper = fakeKeeper({
      ...deaf,
      onSignal: (child, signal, own) => {
        if (signal === 9) own.end(child.id, { signal });
      },
    });
    const one = testSystem([service], keeper, undefined, parts);
    const id = await started(one);
    const { signals } = keeper.child(id);
    const stop = one.system.supervisor.stop("web", [], client());
    await until("it was told", () => keeper.timers.has("unit-stop/web"));
    const timer = keeper.timers.get("unit-stop/web");
    assert.equal(timer?.kill, killed ? id : undefined);
    keeper.fire("unit-stop/web");
    await stop;
    assert.deepEqual(
      signals.map(({ signal }) => signal).filter((signal) => signal !== 18),
      killed ? [15, 1, 9] : [15],
    );
    assert.equal(stateOf(one, "web").status, "stopped");
    assert.equal(stateOf(one, "web").result, "timeout");
    if (!killed) keeper.end(id, { code: 0 });
    await rest(one);
  }
});

test("KillMode=none signals nobody", async (context) => {
  const service = unit("web", "ExecStart=/bin/serve\nExecStop=/bin/ok-stop\nKillMode=none");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  const id = await started(one);
  await one.system.supervisor.stop("web", [], client());
  assert.deepEqual(one.keeper.child(id).signals, []);
  assert.equal(stateOf(one, "web").status, "stopped");
});

test("a main process that ends well: ExecStop= and ExecStopPost= are run, and it is stopped", async (context) => {
  const service = unit(
    "web",
    "ExecStart=/bin/serve\nExecStop=/bin/ok-stop\nExecStopPost=/bin/ok-post\nRestart=on-failure",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  one.keeper.end(await started(one), { code: 0 });
  await rest(one);
  assert.deepEqual(spawned(one.keeper, "EXIT_STATUS"), [
    "serve",
    "ok-stop EXIT_STATUS=0",
    "ok-post EXIT_STATUS=0",
  ]);
  const { status, result } = stateOf(one, "web");
  assert.deepEqual([status, result], ["stopped", "success"]);
  assert.deepEqual(one.settled, ["web"]);
});

test("one that fails: ExecStop= is not run, and Restart= has it started again", async (context) => {
  const service = unit(
    "web",
    "ExecStart=/bin/serve\nExecStop=/bin/ok-stop\nExecStopPost=/bin/ok-post\nRestart=on-failure",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  one.keeper.end(await started(one), { code: 3 });
  await until(
    "it runs again",
    () => spawned(one.keeper).length === 3 && stateOf(one, "web").status === "running",
  );
  assert.deepEqual(spawned(one.keeper, "EXIT_STATUS"), ["serve", "ok-post EXIT_STATUS=3", "serve"]);
});

for (const [policy, end, again] of [
  ["no", { code: 1 }, false],
  ["always", { code: 0 }, true],
  ["on-success", { signal: 15 }, true],
  ["on-success", { code: 1 }, false],
  ["on-failure", { signal: 15 }, false],
  ["on-failure", { signal: 9 }, true],
  ["on-abnormal", { code: 1 }, false],
  ["on-abnormal", { signal: 6 }, true],
  ["on-abort", { signal: 6 }, true],
  ["on-watchdog", { signal: 6 }, false],
  ["on-failure\nRestartPreventExitStatus=4 SIGKILL", { code: 4 }, false],
  ["no\nRestartForceExitStatus=SIGKILL", { signal: 9 }, true],
  ["on-failure\nSuccessExitStatus=143", { code: 143 }, false],
] as const)
  test(`Restart=${policy.replace("\n", ", ")} after ${JSON.stringify(end)}`, async (context) => {
    const service = unit("web", `ExecStart=/bin/serve\nRestart=${policy}`);
    const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
    one.keeper.end(await started(one), end);
    await rest(one);
    assert.equal(stateOf(one, "web").status, again ? "running" : "stopped");
    assert.equal(spawned(one.keeper).length, again ? 2 : 1);
  });

test("a start that fails is tried again under the limit, after which the unit has failed and is not disabled", async (context) => {
  const service = unit("web", "Type=oneshot\nExecStart=/bin/fail\nRestart=on-failure", {
    respawnLimit: { times: 3, seconds: 100 },
  });
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("web", [], client()), false);
  await rest(one);
  assert.deepEqual(spawned(one.keeper), ["fail", "fail", "fail"]);
  const { enabled, result, status } = stateOf(one, "web");
  assert.deepEqual([enabled, result, status], [true, "start-limit-hit", "stopped"]);
});

test("a stop while its last commands run has it stay stopped", async (context) => {
  const service = unit("web", "ExecStart=/bin/serve\nExecStopPost=/bin/slow\nRestart=always");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  one.keeper.end(await started(one), { code: 3 });
  await until("the last command runs", () => spawned(one.keeper).length === 2);
  const stop = one.system.supervisor.stop("web", [], client());
  const slow = one.keeper.children.find((child) => child.state !== "ended");
  one.keeper.end(slow?.id ?? "", { code: 0 });
  await stop;
  await rest(one);
  assert.equal(stateOf(one, "web").status, "stopped");
  assert.deepEqual(spawned(one.keeper), ["serve", "slow"]);
});

test("RemainAfterExit= keeps a unit whose main process has ended well", async (context) => {
  const service = unit("web", "ExecStart=/bin/serve\nRemainAfterExit=yes\nExecStop=/bin/ok-stop");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  one.keeper.end(await started(one), { code: 0 });
  await rest(one);
  assert.deepEqual([stateOf(one, "web").status, stateOf(one, "web").value], ["running", true]);
  await one.system.supervisor.stop("web", [], client());
  assert.deepEqual(spawned(one.keeper), ["serve", "ok-stop"]);
});

test("RuntimeMaxSec= ends it as a timeout", async (context) => {
  const service = unit("web", "ExecStart=/bin/serve\nRuntimeMaxSec=9\nRestart=no");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  await started(one);
  one.keeper.fire("runtime/web");
  await rest(one);
  const { status, result, failure } = stateOf(one, "web");
  assert.deepEqual([status, result], ["stopped", "timeout"]);
  assert.match(failure ?? "", /RuntimeMaxSec/);
});

test("a watchdog that is not fed has it aborted, and Restart=on-watchdog started again", async (context) => {
  const service = unit(
    "web",
    "ExecStart=/bin/serve\nWatchdogSec=9\nRestart=on-watchdog\nWatchdogSignal=SIGQUIT",
  );
  const keeper = fakeKeeper({
    ...deaf,
    onSignal: (child, signal, own) => {
      if (signal === 3) own.end(child.id, { signal });
    },
  });
  const one = testSystem([service], keeper, undefined, unitParts(context));
  const id = await started(one);
  const { signals } = keeper.child(id);
  keeper.fire(`watchdog/${id}`);
  await until(
    "it runs again",
    () => spawned(keeper).length === 2 && stateOf(one, "web").status === "running",
  );
  assert.equal(signals[0]?.signal, 3);
});

test("a reload runs ExecReload= with the main process's pid, and fails as that does", async (context) => {
  const good = unit("web", "ExecStart=/bin/serve\nExecReload=/bin/ok1\nExecReload=/bin/ok2");
  const bad = unit("bad", "ExecStart=/bin/serve\nExecReload=/bin/fail5");
  const one = testSystem([good, bad], fakeKeeper(players), undefined, unitParts(context));
  const { pid } = one.keeper.child(await started(one));
  await one.system.registry.get("web").reload(client());
  assert.deepEqual(spawned(one.keeper, "MAINPID").slice(1), [`ok1 MAINPID=${pid}`, `ok2 MAINPID=${pid}`]);
  await started(one, "bad");
  await assert.rejects(
    one.system.registry.get("bad").reload(client()),
    /reload of service bad: ExecReload=\/bin\/fail5 .*exited with 5/,
  );
  assert.deepEqual([stateOf(one, "bad").status, stateOf(one, "bad").processes], ["running", []]);
  assert.deepEqual(
    good.actions.map(({ name }) => name),
    ["reload"],
  );
});

test("Type=notify-reload is sent HUP, and has reloaded when it says so", async (context) => {
  const service = unit("web", "Type=notify-reload\nExecStart=/bin/serve");
  const keeper = fakeKeeper(deaf);
  const one = testSystem([service], keeper, undefined, unitParts(context));
  const start = one.system.supervisor.start("web", [], client());
  await until("it runs", () => spawned(keeper).length === 1);
  const [child] = keeper.children;
  const pid = child?.pid ?? 0;
  keeper.datagram("notify/web", "READY=1", pid);
  await start;
  let reloaded = false;
  const reload = one.system.registry
    .get("web")
    .reload(client())
    .then(() => {
      reloaded = true;
    });
  await until("it is told", () => child?.signals.some(({ signal }) => signal === 1) === true);
  keeper.datagram("notify/web", "RELOADING=1", pid);
  await until("it reloads", () => stateOf(one, "web").condition.reloading === true);
  assert.equal(reloaded, false);
  keeper.datagram("notify/web", "READY=1", pid);
  await reload;
});

test("a stop without a deadline tells nobody to end a second time, though the supervisor dies", async (context) => {
  const parts = unitParts(context);
  const signals: number[] = [];
  const keeper = fakeKeeper({ ...players, onSignal: (_child, signal) => signals.push(signal) });
  const services = [unit("web", "ExecStart=/bin/serve\nTimeoutStopSec=infinity")];
  const first = testSystem(services, keeper, undefined, parts);
  await first.system.supervisor.start("web", [], client());
  first.system.supervisor.stop("web", [], client()).catch(() => undefined);
  await until("it was told", () => signals.includes(15));
  await settle();
  const told = signals.length;
  const next = testSystem(services, keeper.at(keeper.instants.length - 1), undefined, parts);
  await settle();
  await settle();
  for (const { keeper: one } of [first, next]) one.end("web#0.1", { signal: 15 });
  await rest(next);
  assert.equal(stateOf(next, "web").status, "stopped");
  assert.deepEqual(signals.slice(told), []);
});

test("a stop that the supervisor's death has interrupted at any instant leaves the next one to tell its own", async (context) => {
  const parts = unitParts(context);
  const signals: number[] = [];
  const options = { ...players, onSignal: (_child: unknown, signal: number) => signals.push(signal) };
  const services = [unit("web", "ExecStart=/bin/serve")];
  const first = testSystem(services, fakeKeeper(options), undefined, parts);
  await started(first);
  const from = first.keeper.instants.length;
  const stopped = first.system.supervisor.stop("web", [], client());
  await until("it was told", () => signals.includes(15));
  first.keeper.end("web#0.1", { signal: 15 });
  await stopped;
  for (const { left, after } of deaths(first.keeper, from)) {
    const next = testSystem(services, left, undefined, parts);
    await settle();
    for (const { id, state } of left.children) if (state !== "ended") left.end(id, { signal: 15 });
    await rest(next);
    assert.equal(stateOf(next, "web").status, "stopped", after);
    const id = await started(next);
    signals.length = 0;
    const again = next.system.supervisor.stop("web", [], client());
    await until(`it was told, killed after ${after}`, () => signals.includes(15)).finally(() =>
      left.end(id, { signal: 15 }),
    );
    await again;
  }
});
