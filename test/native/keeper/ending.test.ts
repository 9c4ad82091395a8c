// The end of the keeper: asked for, forced, or decided alone; with what exit code, and with nothing left behind.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { waitFor } from "../../support/wait.js";
import { skip, withBed } from "./bed.js";

const patient = 'trap "" TERM; while :; do sleep 0.1; done';

describe("the end", { skip, concurrency: 2 }, () => {
  for (const init of [true, false]) {
    const kind = init ? "PID 1" : "a subreaper";

    it(`as ${kind}: finish exits with the code; children get TERM and time to react`, () =>
      withBed({ init }, async (bed) => {
        const agent = await bed.agent();
        const file = join(bed.directory, "last");
        const ready = join(bed.directory, "ready");
        await agent.run("writer", [
          "sh",
          "-c",
          `trap 'sleep 0.2; echo drained > ${file}; exit' TERM; echo > ${ready}; while :; do sleep 0.02; done`,
        ]);
        await waitFor("the trap is set", () => existsSync(ready));
        agent.command({
          kind: "send",
          requests: [{ op: "finish", how: "exit", code: 42 }],
          stopOnError: false,
        });
        assert.equal(await bed.exit(), 42);
        assert.equal(readFileSync(file, "utf8"), "drained\n");
      }));

    it(`as ${kind}: what ignores TERM is killed after the grace, descendants in other sessions too`, () =>
      withBed({ init }, async (bed) => {
        const agent = await bed.agent();
        const grand = join(bed.directory, "grand");
        await agent.run("tree", ["sh", "-c", `setsid sh -c 'echo $$ > ${grand}; ${patient}' & ${patient}`]);
        await waitFor("the grandchild runs", () => existsSync(grand));
        const keeper = await bed.pid;
        agent.command({
          kind: "send",
          requests: [{ op: "finish", how: "power-off", grace: 1 }],
          stopOnError: false,
        });
        assert.equal(await bed.exit(), 0);
        assert.equal(existsSync(`/proc/${keeper}`), false);
      }));

    it(`as ${kind}: a daemon that does not finish in time is overruled by begin-shutdown`, () =>
      withBed({ init, keeper: ["--grace=1"] }, async (bed) => {
        const agent = await bed.agent();
        await agent.ok({ op: "begin-shutdown", deadline: 60_000, how: "exit", code: 1 });
        await agent.ok({ op: "begin-shutdown", deadline: 300, how: "exit", code: 9 });
        await bed.killAgent(agent);
        assert.equal(await bed.exit(), 9);
        assert.match(bed.stderr, /not finished in time/);
      }));

    it(`as ${kind}: TERM that nobody acknowledges ends it after the grace`, () =>
      withBed({ init, keeper: ["--grace=1"] }, async (bed) => {
        const agent = await bed.agent();
        await agent.run("one", ["sleep", "1000"]);
        await bed.signal("SIGTERM");
        await agent.event("signal");
        assert.equal(await bed.exit(), 0);
        assert.match(bed.stderr, /nobody has taken signal 15/);
      }));

    it(`as ${kind}: TERM while no daemon is alive and none is due at once ends it`, () =>
      withBed(
        { init, program: ["/bin/sh", "-c", "echo >> $DEATHS; exit 1"], keeper: ["--grace=1000"] },
        async (bed) => {
          const deaths = join(bed.directory, "deaths");
          await waitFor("the delay has grown", () => existsSync(deaths) && readFileSync(deaths).length >= 5);
          await bed.signal("SIGTERM");
          assert.equal(await bed.exit(), 0);
        },
      ));
  }

  it("an acknowledged TERM leaves the rest to the daemon", () =>
    withBed({ keeper: ["--grace=1"] }, async (bed) => {
      const agent = await bed.agent();
      await bed.signal("SIGTERM");
      await agent.acknowledge(await agent.event("signal"));
      const begun = Date.now();
      await waitFor("the grace is over", () => Date.now() - begun > 1500);
      await agent.ok({ op: "put-note", key: "still", value: Buffer.from("here") });
    }));

  it("the daemon's last words come to the standard error", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ask({ kind: "print", text: "I saw something\n" });
      await bed.killAgent(agent);
      const next = await bed.agent();
      await next.ask({ kind: "print", text: "so did I\n" });
      next.command({ kind: "send", requests: [{ op: "finish", how: "exit" }], stopOnError: false });
      assert.equal(await bed.exit(), 0);
      assert.match(bed.stderr, /I saw something\nso did I\n$/);
    }));

  it("finish ends its frame's step: what came before it in the frame is done", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const file = join(bed.directory, "made");
      agent.command({
        kind: "send",
        requests: [
          { op: "finish", how: "exit", code: 3 },
          { op: "open", name: "f", path: file, flags: 0o101 },
          { op: "finish", how: "exit", code: 4 },
        ],
        stopOnError: false,
      });
      assert.equal(await bed.exit(), 3);
      assert.ok(existsSync(file));
    }));

  it("usage errors exit 100, a daemon that cannot be started 111", async () => {
    const keeper = join(project.native("none"), "keeper");
    for (const wrong of [
      [],
      ["--silence=x", "--", "true"],
      ["--nonsense", "--", "true"],
      ["--grace=-1", "--", "true"],
    ]) {
      const { status, stderr } = await run(keeper, wrong);
      assert.equal(status, 100, wrong.join(" "));
      assert.match(stderr, /usage: keeper/);
    }
    const { status, stderr } = await run(keeper, ["--", "/no/such/daemon"]);
    assert.equal(status, 111);
    assert.match(stderr, /start \/no\/such\/daemon: No such file or directory/);
  });
});
