// One look at the keeper's children serves all who ask for it at the same time.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it } from "node:test";
import { Strangers } from "../../src/daemon/strangers.js";
import { findSurvivors } from "../../src/daemon/survivors.js";
import { emptySystem, fakeKeeper, noLogs } from "../support/system.js";

async function withChild(body: (pid: number) => Promise<void>): Promise<void> {
  const child = spawn("sleep", ["1000"], { detached: true, env: { SHEPHERD_MARK: "outer:mine" } });
  try {
    await body(child.pid ?? 0);
  } finally {
    child.kill("SIGKILL");
  }
}

describe("strangers", () => {
  it("are looked for once for all who ask in a turn, and again afterwards", async () => {
    let looks = 0;
    const strangers = new Strangers(process.pid, () => {
      looks += 1;
      return new Set();
    });
    const first = [strangers.look(), Promise.resolve().then(() => strangers.look())];
    assert.equal(looks, 0);
    const [one, other] = await Promise.all(first);
    assert.equal(one, other);
    assert.equal(looks, 1);
    await strangers.look();
    assert.equal(looks, 2);
  });

  it("are the keeper's children without a record, each with its marks", () =>
    withChild((known) =>
      withChild(async (pid) => {
        const look = await new Strangers(process.pid, () => new Set([known])).look();
        const pids = look.processes.map((stat) => stat.pid);
        assert.ok(pids.includes(pid));
        assert.ok(!pids.includes(known));
        assert.deepEqual(await look.marksOf(pid), ["outer", "mine"]);
      }),
    ));

  it("are not the log writer, which is nobody's", () =>
    withChild((writer) =>
      withChild(async (pid) => {
        const keeper = fakeKeeper({ keeper: { pid: process.pid } });
        const { host } = emptySystem(keeper, {}, { logs: { ...noLogs, pid: writer } }).system;
        const pids = (await host.strangers.look()).processes.map((stat) => stat.pid);
        assert.ok(pids.includes(pid));
        assert.ok(!pids.includes(writer));
      }),
    ));

  it("survive a service whose mark they bear, or whose group they are in", () =>
    withChild(async (pid) => {
      const strangers = new Strangers(process.pid, () => new Set());
      const found = async (leader: number, mark: string, groupOnly = false): Promise<boolean> =>
        (await findSurvivors({ leader, lives: false, mark }, strangers, { groupOnly })).some(
          (one) => one.pid === pid,
        );
      assert.equal(await found(0, "mine"), true);
      assert.equal(await found(0, "mine", true), false);
      assert.equal(await found(0, "yours"), false);
      // It is a living process that has this number: the group is another one's.
      assert.equal(await found(process.ppid, "yours", true), false);
    }));
});
