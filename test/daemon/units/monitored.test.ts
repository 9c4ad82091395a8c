// What a unit that is started for another one's end is told of that, and of what its start has beside it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rest, stateOf, until } from "../../support/crashes.js";
import { client, fakeKeeper, testSystem } from "../../support/system.js";
import { players, spawned, unit, unitParts } from "./services.js";

const told = [
  "MONITOR_UNIT",
  "MONITOR_SERVICE_RESULT",
  "MONITOR_EXIT_CODE",
  "MONITOR_EXIT_STATUS",
  "MONITOR_INVOCATION_ID",
];

for (const [kind, program, how] of [
  ["onFailure", "fail3", "MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited MONITOR_EXIT_STATUS=3"],
  ["onSuccess", "ok3", "MONITOR_SERVICE_RESULT=success MONITOR_EXIT_CODE=exited MONITOR_EXIT_STATUS=0"],
] as const)
  test(`a unit that is started by ${kind} is told of whose end, and how that was`, async (context) => {
    const web = unit("web", `Type=oneshot\nExecStart=/bin/${program}`, { relations: { [kind]: ["mon"] } });
    const mon = unit(
      "mon",
      "ExecStartPre=/bin/ok1\nExecStart=/bin/serve\nExecStartPost=/bin/ok2\nExecStop=/bin/ok4",
    );
    const one = testSystem([web, mon], fakeKeeper(players), undefined, unitParts(context));
    await one.system.supervisor.start("web", [], client());
    await until("mon runs", () => stateOf(one, "mon").status === "running");
    const { invocation = "none" } = stateOf(one, "web");
    assert.match(invocation, /^[0-9a-f]{32}$/);
    assert.deepEqual(spawned(one.keeper, ...told, "INVOCATION_ID").slice(0, 1), [
      `${program} INVOCATION_ID=${invocation}`,
    ]);
    const all = `MONITOR_UNIT=web.service ${how} MONITOR_INVOCATION_ID=${invocation}`;
    assert.deepEqual(spawned(one.keeper, ...told).slice(1), [`ok1 ${all}`, `serve ${all}`, "ok2"]);
  });

test("one that several others have it started for is told of none", async (context) => {
  const failing = (name: string) =>
    unit(name, "Type=oneshot\nExecStart=/bin/fail3", { relations: { onFailure: ["mon"] } });
  const mon = unit("mon", "Type=oneshot\nExecStart=/bin/ok1");
  const one = testSystem(
    [failing("a"), failing("b"), mon],
    fakeKeeper(players),
    undefined,
    unitParts(context),
  );
  const runs = (): readonly string[] => spawned(one.keeper, ...told).filter((run) => run.startsWith("ok1"));
  await one.system.supervisor.start("a", [], client());
  await until("it was started for one of them", () => runs().length === 1);
  await rest(one);
  await one.system.supervisor.start("b", [], client());
  await until("it was started for the other one", () => runs().length === 2);
  await rest(one);
  const [first = "", second] = runs();
  assert.match(first, /MONITOR_UNIT=a\.service/);
  assert.equal(second, "ok1", "both have failed");
});
