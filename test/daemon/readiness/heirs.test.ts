// MAINPID: another process becomes the service's, whenever the daemon dies; and none that is not the service's own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { type TestContext, test } from "node:test";
import { processStat } from "../../../src/daemon/survivors.js";
import { deaths, rest, stateOf, sweep } from "../../support/crashes.js";
import { client, fakeKeeper, type TestSystem, testSystem } from "../../support/system.js";
import { begin, say, web } from "./support.js";

interface Heir {
  readonly pid: number;
  readonly start: number;
}

/** A process that /proc knows, with the mark of the first start of `web` or of another one. */
async function process(t: TestContext, child = "web#0.1"): Promise<Heir> {
  const { markPrefix } = testSystem([], fakeKeeper()).system.host;
  const env = { SHEPHERD_MARK: `${markPrefix}.${encodeURIComponent(child)}` };
  const heir = spawn("/bin/sleep", ["1000"], { detached: true, stdio: "ignore", env });
  t.after(() => heir.kill("SIGKILL"));
  const pid = heir.pid ?? 0;
  return { pid, start: (await processStat(pid))?.start ?? 0 };
}

const orphaned =
  ({ pid, start }: Heir) =>
  async (one: TestSystem): Promise<void> => {
    await begin(one);
    one.keeper.stray(pid, start);
  };

test("a program that goes to the background is followed, whenever the daemon dies", async (t) => {
  const heir = await process(t);
  await sweep({
    definitions: [web()],
    before: async (one) => {
      await orphaned(heir)(one);
      say(one, `MAINPID=${heir.pid}`);
      say(one, "READY=1");
    },
    act: async (one) => {
      one.keeper.end("web#0.1", { code: 0 });
      await rest(one);
    },
    ends: { web: "running" },
    look: (one) => stateOf(one, "web").value,
  });
});

test("a service that runs has another main process, and the one before ends with it, whenever the daemon dies", async (t) => {
  const heir = await process(t);
  const definitions = [web({ notifyAccess: "main" })];
  const ends = async (one: TestSystem, when: string): Promise<void> => {
    const { value } = stateOf(one, "web");
    assert.equal((value as Partial<Heir>).pid, heir.pid, when);
    await one.system.supervisor.stop("web", [], client());
    await rest(one);
    assert.deepEqual(one.keeper.children, [], when);
  };
  const first = testSystem(definitions);
  await orphaned(heir)(first);
  const from = first.keeper.instants.length;
  say(first, `MAINPID=${heir.pid}`);
  await rest(first);
  const to = first.keeper.instants.length;
  assert.ok(to > from);
  for (const { left, after } of deaths(first.keeper, from)) {
    const second = testSystem(definitions, left);
    await rest(second);
    await ends(second, after);
  }
  await ends(first, "without a death");
});

test("a process that is another's, or nobody's, is not followed", async (t) => {
  const stranger = await process(t, "other#0.1");
  const one = testSystem([web({ notifyAccess: "main" })]);
  await orphaned(stranger)(one);
  const before = stateOf(one, "web").value;
  for (const pid of [stranger.pid, 4_194_303, 1]) say(one, `MAINPID=${pid}`);
  await rest(one);
  assert.deepEqual(stateOf(one, "web").value, before);
  assert.equal(one.lines.filter((line) => line.includes("names none of its processes")).length, 1);
  assert.equal(
    one.keeper.requests.some(({ op }) => op === "adopt"),
    false,
  );
});

test("a process whose parent still runs does not become the main one while the service runs", async (t) => {
  const { pid } = await process(t);
  const one = testSystem([web({ notifyAccess: "main" })]);
  await begin(one);
  say(one, `MAINPID=${pid}`);
  await rest(one);
  assert.match(one.lines.join("\n"), /MAINPID=\d+: its parent still runs/);
  assert.deepEqual(stateOf(one, "web").processes, []);
});
