// The start of a unit: which commands are run, in which order, and what each way to fail leads to.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProcess } from "../../../src/daemon/controller/running-value.js";
import { rest, stateOf, until } from "../../support/crashes.js";
import { client, fakeKeeper, settle, testSystem } from "../../support/system.js";
import { players, spawned, unit, unitParts } from "./services.js";

test("the commands of a start run in order, and the main process is the service", async (context) => {
  const service = unit(
    "web",
    `ExecCondition=/bin/ok-condition
ExecStartPre=/bin/ok-first
ExecStartPre=-/bin/fail-second
ExecStart=/bin/serve
ExecStartPost=/bin/ok-after`,
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("web", [], client()), true);
  await rest(one);
  assert.deepEqual(spawned(one.keeper), ["ok-condition", "ok-first", "fail-second", "serve", "ok-after"]);
  const { status, value, processes } = stateOf(one, "web");
  assert.equal(status, "running");
  assert.ok(isProcess(value));
  assert.deepEqual(value.command, ["/bin/serve"]);
  assert.deepEqual(processes, []);
});

for (const [what, lines, result, failure, run] of [
  [
    "ExecStartPre=",
    "ExecStartPre=/bin/fail3\nExecStart=/bin/serve",
    "exit-code",
    /ExecStartPre=\/bin\/fail3 .*exited with 3/,
    ["fail3"],
  ],
  [
    "ExecStartPost=",
    "ExecStart=/bin/serve\nExecStartPost=/bin/die11",
    "signal",
    /ExecStartPost=\/bin\/die11 .*SIGSEGV/,
    ["serve", "die11"],
  ],
  [
    "ExecStart= that is not there",
    "ExecStart=/bin/none",
    "exit-code",
    /ExecStart=\/bin\/none: exec .*No such file/,
    ["none"],
  ],
  [
    "ExecStart= of a one-shot",
    "Type=oneshot\nExecStart=/bin/ok\nExecStart=/bin/fail7\nExecStart=/bin/ok-never",
    "exit-code",
    /fail7 .*exited with 7/,
    ["ok", "fail7"],
  ],
  [
    "ExecCondition= with 255",
    "ExecCondition=/bin/fail255\nExecStart=/bin/serve",
    "exit-code",
    /ExecCondition/,
    ["fail255"],
  ],
] as const)
  test(`a start fails by ${what}: what runs is ended, and ExecStopPost= comes last`, async (context) => {
    const service = unit("web", `${lines}\nExecStop=/bin/ok-stop\nExecStopPost=/bin/ok-post`);
    const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
    const request = client();
    assert.equal(await one.system.supervisor.start("web", [], request), false);
    await rest(one);
    const state = stateOf(one, "web");
    assert.equal(state.status, "stopped");
    assert.equal(state.result, result);
    assert.match(state.failure ?? "", failure);
    assert.deepEqual(spawned(one.keeper), [...run, "ok-post"]);
    assert.deepEqual(one.keeper.children, []);
    assert.ok(request.messages.some((line) => /Failed to start web: /.test(line)));
  });

test("ExecStopPost= of a start that failed is told how", async (context) => {
  const service = unit(
    "web",
    "ExecStartPre=/bin/ok\nExecStart=/bin/fail4\nType=oneshot\nExecStopPost=/bin/ok-post",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  await one.system.supervisor.start("web", [], client());
  await rest(one);
  const variables = ["SERVICE_RESULT", "EXIT_CODE", "EXIT_STATUS"];
  assert.equal(
    spawned(one.keeper, ...variables).at(-1),
    "ok-post SERVICE_RESULT=exit-code EXIT_CODE=exited EXIT_STATUS=4",
  );
});

test("ExecCondition= has the unit skipped, which is no failure", async (context) => {
  const service = unit("web", "ExecCondition=/bin/fail1\nExecStart=/bin/serve");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("web", [], client()), true);
  await rest(one);
  const { status, failure, skipped, result } = stateOf(one, "web");
  assert.deepEqual([status, failure, result], ["stopped", undefined, "exec-condition"]);
  assert.match(skipped ?? "", /ExecCondition=\/bin\/fail1/);
  assert.deepEqual(spawned(one.keeper), ["fail1"]);
});

const position = { file: "/etc/systemd/system/web.service", line: 3 };
const missing = { trigger: false, negate: false, parameter: "/nonexistent/file", position } as const;

test("a condition that does not hold has the unit skipped before anything is begun", async (context) => {
  const conditions = [{ kind: "PathExists", directive: "ConditionPathExists", ...missing }] as const;
  const web = unit("web", "ExecStart=/bin/serve", {}, { conditions });
  const needy = unit("needy", "ExecStart=/bin/serve", { requirement: ["web"] });
  const one = testSystem([web, needy], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("needy", [], client()), true);
  await rest(one);
  assert.match(
    stateOf(one, "web").skipped ?? "",
    /ConditionPathExists=\/nonexistent\/file does not hold \(.*web.service:3\)/,
  );
  assert.equal(stateOf(one, "needy").status, "running");
  assert.deepEqual(spawned(one.keeper), ["serve"]);
});

test("an assertion that does not hold fails the start", async (context) => {
  const asserts = [{ kind: "PathExists", directive: "AssertPathExists", ...missing }] as const;
  const web = unit("web", "ExecStart=/bin/serve\nRestart=always\nExecStopPost=/bin/ok", {}, { asserts });
  const one = testSystem([web], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("web", [], client()), false);
  await rest(one);
  assert.equal(stateOf(one, "web").result, "assert");
  assert.deepEqual(spawned(one.keeper), []);
});

test("a unit that is to be applied strictly is refused where something is not", async (context) => {
  const notApplied = [
    { directive: "PrivateNetwork", extent: "not", why: "no namespaces", ...position },
  ] as const;
  const web = unit("web", "ExecStart=/bin/serve", {}, { notApplied, strict: true });
  const one = testSystem([web], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("web", [], client()), false);
  assert.match(
    stateOf(one, "web").failure ?? "",
    /web.service:3: PrivateNetwork= cannot be applied: no namespaces/,
  );
});

test("a one-shot is over when its commands are, and ExecStop= and ExecStopPost= follow", async (context) => {
  const service = unit(
    "job",
    "Type=oneshot\nExecStart=/bin/ok1\nExecStart=/bin/ok2\nExecStop=/bin/ok-stop\nExecStopPost=/bin/ok-post",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  assert.equal(await one.system.supervisor.start("job", [], client()), true);
  await rest(one);
  assert.deepEqual(spawned(one.keeper), ["ok1", "ok2", "ok-stop", "ok-post"]);
  const { status, result, failure } = stateOf(one, "job");
  assert.deepEqual([status, result, failure], ["stopped", "success", undefined]);
});

test("a one-shot with RemainAfterExit= runs without a process until it is stopped", async (context) => {
  const service = unit("job", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/ok\nExecStop=/bin/ok-stop");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  await one.system.supervisor.start("job", [], client());
  await rest(one);
  assert.deepEqual([stateOf(one, "job").status, stateOf(one, "job").value], ["running", true]);
  await one.system.supervisor.stop("job", [], client());
  assert.equal(stateOf(one, "job").status, "stopped");
  assert.deepEqual(spawned(one.keeper), ["ok", "ok-stop"]);
});

test("a command that takes longer than TimeoutStartSec= fails the start", async (context) => {
  const service = unit("web", "ExecStartPre=/bin/slow\nExecStart=/bin/serve\nTimeoutStartSec=5");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  const start = one.system.supervisor.start("web", [], client());
  await until("the command runs", () => one.keeper.timers.has("step/web#0.1"));
  one.keeper.fire("step/web#0.1");
  assert.equal(await start, false);
  assert.equal(stateOf(one, "web").result, "timeout");
  assert.match(stateOf(one, "web").failure ?? "", /ExecStartPre=\/bin\/slow has not ended within 5 s/);
  assert.deepEqual(spawned(one.keeper), ["slow"]);
});

test("Type=notify runs when it says so, and fails where it ends before that", async (context) => {
  const service = unit("web", "Type=notify\nExecStart=/bin/serve");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  const start = one.system.supervisor.start("web", [], client());
  await until("it runs", () => spawned(one.keeper).length === 1);
  await settle();
  assert.equal(stateOf(one, "web").status, "starting");
  const [child] = one.keeper.children;
  one.keeper.datagram("notify/web", "READY=1\nSTATUS=serving", child?.pid ?? 0);
  assert.equal(await start, true);
  assert.equal(stateOf(one, "web").condition.statusText, "serving");
  await one.system.supervisor.stop("web", [], client());

  const again = one.system.supervisor.start("web", [], client());
  await until("it runs again", () => one.keeper.children.length === 1);
  await settle();
  const [second] = one.keeper.children;
  one.keeper.end(second?.id ?? "", { code: 0 });
  assert.equal(await again, false);
  assert.equal(stateOf(one, "web").result, "protocol");
});

test("a stop gives up a start: what runs is ended, and ExecStopPost= comes last", async (context) => {
  const service = unit(
    "web",
    "ExecStartPre=/bin/slow\nExecStart=/bin/serve\nExecStopPost=/bin/ok-post\nRestart=always",
  );
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  const start = one.system.supervisor.start("web", [], client());
  await until("the command runs", () => spawned(one.keeper).length === 1);
  await one.system.supervisor.stop("web", [], client());
  assert.equal(await start, false);
  await rest(one);
  assert.deepEqual(spawned(one.keeper), ["slow", "ok-post"]);
  const { status, failure, respawnAt } = stateOf(one, "web");
  assert.deepEqual([status, failure, respawnAt], ["stopped", undefined, undefined]);
});
