// The main process of a unit that hands its work on to another one: its PID file tells, whenever the supervisor dies.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isProcess } from "../../../src/daemon/controller/running-value.js";
import { processStat } from "../../../src/daemon/survivors.js";
import { rest, stateOf, sweep } from "../../support/crashes.js";
import { client, fakeKeeper, type TestSystem, testSystem } from "../../support/system.js";
import { players, unit, unitParts } from "./services.js";

/** A PID file that names a process, and the time when that began. */
async function handedOn(t: TestContext): Promise<{ file: string; pid: number; start: number }> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-heir-"));
  const heir = spawn("/bin/sleep", ["1000"], { detached: true, stdio: "ignore" });
  t.after(() => {
    heir.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const pid = heir.pid ?? 0;
  const file = join(directory, "web.pid");
  writeFileSync(file, `${pid}\n`);
  return { file, pid, start: (await processStat(pid))?.start ?? 0 };
}

const begin = (one: TestSystem): Promise<boolean> => one.system.supervisor.start("web", [], client());

async function end(one: TestSystem, id: string): Promise<void> {
  one.keeper.end(id, { code: 3 });
  await rest(one);
}

test("the process that a PID file names takes the place of one that has ended, and ends the unit when it ends", async (t) => {
  const { file, pid, start } = await handedOn(t);
  await sweep({
    definitions: [unit("web", `PIDFile=${file}\nExecStart=/bin/serve`)],
    keeper: players,
    parts: unitParts(t),
    before: async (one) => {
      await begin(one);
      one.keeper.stray(pid, start);
    },
    act: (one) => end(one, "web#0.1"),
    ends: { web: "running" },
    look: (one) => {
      const { value, mainStatus, processes } = stateOf(one, "web");
      return [isProcess(value) ? value.pid : value, mainStatus, processes];
    },
  });
  const one = testSystem(
    [unit("web", `PIDFile=${file}\nExecStart=/bin/serve`)],
    fakeKeeper(players),
    undefined,
    unitParts(t),
  );
  await begin(one);
  one.keeper.stray(pid, start);
  await end(one, "web#0.1");
  const { value } = stateOf(one, "web");
  assert.ok(isProcess(value));
  assert.equal(value.pid, pid);
  rmSync(file);
  await end(one, value.id);
  const { status, result } = stateOf(one, "web");
  assert.deepEqual([status, result], ["stopped", "exit-code"]);
});

test("a PID file that names nobody of the unit keeps its end from nothing", async (t) => {
  const { file } = await handedOn(t);
  await sweep({
    definitions: [unit("web", `PIDFile=${file}\nExecStart=/bin/serve`)],
    keeper: players,
    parts: unitParts(t),
    before: begin,
    act: (one) => end(one, "web#0.1"),
    ends: { web: "stopped" },
    look: (one) => {
      const { result, exitStatuses } = stateOf(one, "web");
      return [result, exitStatuses.map(({ status }) => status)];
    },
  });
});
