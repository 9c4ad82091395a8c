// The daemon's death at every instant of what a unit goes through: no command is run twice, and none is left out.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { deaths, rest, stateOf } from "../../support/crashes.js";
import type { FakeKeeper } from "../../support/fake-keeper.js";
import { client, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { players, spawned, unit, unitParts } from "./services.js";

interface Story {
  readonly service: ServiceDefinition;
  /** What happens before daemons die. */
  readonly before?: (one: TestSystem) => Promise<unknown>;
  readonly act: (one: TestSystem) => Promise<unknown>;
  /** The programs that were spawned since, in the end. */
  readonly programs: readonly string[];
  readonly ends: readonly unknown[];
}

/** Ids of what was spawned up to an instant. */
function spawnedUpTo(keeper: FakeKeeper, from: number, index: number): readonly string[] {
  return keeper.instants
    .slice(from, index + 1)
    .flatMap((after) => [...after.matchAll(/\bspawn ([^,]+)/g)].map(([, id = ""]) => id));
}

function endOf(one: TestSystem): readonly unknown[] {
  const { status, result, failure } = stateOf(one, "web");
  return [status, result, failure === undefined ? undefined : "failed"];
}

async function everyDeath(context: TestContext, story: Story): Promise<void> {
  const parts = unitParts(context);
  const { service, before, act } = story;
  const first = testSystem([service], fakeKeeper(players), undefined, parts);
  await before?.(first);
  await settle();
  const from = first.keeper.instants.length;
  const earlier = spawned(first.keeper).length;
  await act(first);
  await rest(first);
  assert.deepEqual(spawned(first.keeper).slice(earlier), story.programs, "without a death");
  assert.deepEqual(endOf(first), story.ends, "without a death");
  const programs = new Map(
    first.keeper.requests.flatMap((request) =>
      request.op === "spawn"
        ? [[request.id, request.spec.program ?? request.spec.arguments[0]] as const]
        : [],
    ),
  );
  const found: string[] = [];
  let index = from - 1;
  for (const { left, after } of deaths(first.keeper, from)) {
    index += 1;
    const done = spawnedUpTo(first.keeper, from, index).map((id) => programs.get(id)?.replace("/bin/", ""));
    // Nothing was asked for yet that anybody would know of.
    if (stateIsUntouched(left, first, from, index)) continue;
    const second = testSystem([service], left, undefined, parts);
    await rest(second);
    const all = [...done, ...spawned(left)];
    if (JSON.stringify(all) !== JSON.stringify(story.programs))
      found.push(`killed after ${after}: ${all.join(" ")} instead of ${story.programs.join(" ")}`);
    if (JSON.stringify(endOf(second)) !== JSON.stringify(story.ends))
      found.push(`killed after ${after}: ends ${JSON.stringify(endOf(second))}`);
  }
  assert.deepEqual(found, []);
  assert.ok(index > from, "the daemon has died at some instant");
}

/** Whether the note of the service is that of before. */
function stateIsUntouched(left: FakeKeeper, first: TestSystem, from: number, index: number): boolean {
  if (from === 0) return !left.notes.has("service/web");
  const note = (keeper: FakeKeeper): string => Buffer.from(keeper.notes.get("service/web") ?? []).toString();
  return index >= from && note(left) === note(first.keeper.at(from - 1));
}

const start = (one: TestSystem): Promise<boolean> => one.system.supervisor.start("web", [], client());

test("a start with several commands", async (context) => {
  await everyDeath(context, {
    service: unit(
      "web",
      "ExecCondition=/bin/ok-c\nExecStartPre=/bin/ok1\nExecStartPre=-/bin/fail2\nExecStart=/bin/serve\nExecStartPost=/bin/ok3\nExecStartPost=/bin/ok4",
    ),
    act: start,
    programs: ["ok-c", "ok1", "fail2", "serve", "ok3", "ok4"],
    ends: ["running", undefined, undefined],
  });
});

test("a start that fails, with what follows", async (context) => {
  await everyDeath(context, {
    service: unit(
      "web",
      "ExecStartPre=/bin/ok1\nExecStart=/bin/serve\nExecStartPost=/bin/fail3\nExecStop=/bin/ok-never\nExecStopPost=/bin/ok5\nExecStopPost=/bin/ok6",
    ),
    act: start,
    programs: ["ok1", "serve", "fail3", "ok5", "ok6"],
    ends: ["stopped", "exit-code", "failed"],
  });
});

test("a one-shot with all that belongs to it", async (context) => {
  await everyDeath(context, {
    service: unit(
      "web",
      "Type=oneshot\nExecStart=/bin/ok1\nExecStart=/bin/ok2\nExecStop=/bin/ok3\nExecStopPost=/bin/ok4",
    ),
    act: start,
    programs: ["ok1", "ok2", "ok3", "ok4"],
    ends: ["stopped", "success", undefined],
  });
});

test("a unit that a command has skipped", async (context) => {
  await everyDeath(context, {
    service: unit("web", "ExecCondition=/bin/fail1\nExecStart=/bin/serve\nExecStopPost=/bin/ok4"),
    act: start,
    programs: ["fail1", "ok4"],
    ends: ["stopped", "exec-condition", undefined],
  });
});

test("a stop", async (context) => {
  await everyDeath(context, {
    service: unit(
      "web",
      "ExecStart=/bin/serve\nExecStop=/bin/ok1\nExecStop=/bin/ok2\nExecStopPost=/bin/ok3\nExecStopPost=/bin/fail4\nExecStopPost=/bin/ok-never",
    ),
    before: start,
    act: (one) => one.system.supervisor.stop("web", [], client()),
    programs: ["ok1", "ok2", "ok3", "fail4"],
    ends: ["stopped", "exit-code", undefined],
  });
});

test("the end of the main process, which has done its work", async (context) => {
  await everyDeath(context, {
    service: unit("web", "ExecStart=/bin/serve\nExecStop=/bin/ok1\nExecStop=/bin/ok2\nExecStopPost=/bin/ok3"),
    before: start,
    act: async ({ keeper }) => keeper.end(keeper.children[0]?.id ?? "", { code: 0 }),
    programs: ["ok1", "ok2", "ok3"],
    ends: ["stopped", "success", undefined],
  });
});

test("the end of the main process, which has failed, and the restart", async (context) => {
  await everyDeath(context, {
    service: unit(
      "web",
      "ExecStartPre=/bin/ok0\nExecStart=/bin/serve\nExecStop=/bin/ok-never\nExecStopPost=/bin/ok3\nRestart=on-failure",
    ),
    before: start,
    act: async ({ keeper }) => keeper.end(keeper.children[0]?.id ?? "", { code: 9 }),
    programs: ["ok3", "ok0", "serve"],
    ends: ["running", undefined, undefined],
  });
});

test("a reload with several commands", async (context) => {
  await everyDeath(context, {
    service: unit("web", "ExecStart=/bin/serve\nExecReload=/bin/ok1\nExecReload=/bin/ok2"),
    before: start,
    act: (one) => one.system.registry.get("web").reload(client()),
    programs: ["ok1", "ok2"],
    ends: ["running", undefined, undefined],
  });
});
