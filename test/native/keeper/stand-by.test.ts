// Who stands by for a child takes its place when that has ended, whether or not a daemon lives; and never where that would
// be wrong.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Request, StandBy } from "../../../src/daemon/keeper/types.js";
import { waitFor } from "../../support/wait.js";
import { type Agent, type Bed, hostPid, skip, withBed } from "./bed.js";

const { EEXIST, EINVAL, ENOENT, ESRCH } = constants.errno;
const { SIGKILL, SIGTERM } = constants.signals;

const cgroups = "/sys/fs/cgroup/unified";

function standBy(child: string, id: string, ...argv: readonly [string, ...string[]]): StandBy {
  return {
    op: "stand-by",
    child,
    id,
    spec: { arguments: argv, environment: [`PATH=${process.env.PATH}`] },
  };
}

const kill = (id: string): Request => ({ op: "signal-child", id, signal: SIGKILL, scope: "process" });

/** How a child ended that the test kills, and by whom it was followed. */
async function killed(agent: Agent, id: string) {
  await agent.ok(kill(id));
  return await agent.event("child-ended", (event) => event.id === id);
}

/** A child that sleeps, and another one that stands by for it. */
async function two(bed: Bed): Promise<Agent> {
  const agent = await bed.agent();
  await agent.run("one", ["sleep", "1000"]);
  await agent.event("child-started", ({ id }) => id === "one");
  await agent.ok(standBy("one", "two", "sleep", "1000"));
  return agent;
}

describe("who stands by", { skip, concurrency: 2 }, () => {
  it("takes the place of a child that has ended, once", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      const ended = await killed(agent, "one");
      const started = await agent.event("child-started", ({ id }) => id === "two");
      assert.equal(ended.successor?.id, "two");
      assert.equal(ended.successor.pid, started.pid);
      assert.ok(ended.successor.start > 0);
      assert.ok(ended.event < started.event);
      assert.equal((await killed(agent, "two")).successor, undefined);
    }));

  it("is told of again to the next daemon, which finds it as a child", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      const ended = await killed(agent, "one");
      await agent.event("child-started", ({ id }) => id === "two");
      agent.command({ kind: "exit", code: 1 });
      const next = await bed.agent();
      assert.deepEqual(
        next.inventory.children.map(({ id, state }) => [id, state]),
        [
          ["one", "ended"],
          ["two", "running"],
        ],
      );
      const again = await next.event("child-ended");
      assert.deepEqual([again.event, again.successor], [ended.event, ended.successor]);
      await next.acknowledge(again);
      assert.equal((await killed(next, "two")).successor, undefined);
    }));

  it("does so while no daemon lives, and the next one knows of who stands by", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      await agent.run("other", ["sleep", "1000"]);
      await agent.ok(standBy("other", "next", "sleep", "1000"));
      const { pid } = await agent.event("child-started", ({ id }) => id === "one");
      await agent.event("child-started", ({ id }) => id === "other");
      for (const event of [...agent.events]) await agent.acknowledge(event);
      await agent.ok({ op: "hibernate" });
      agent.command({ kind: "exit", code: 0 });
      await agent.gone();
      process.kill(hostPid(await bed.pid, pid), SIGKILL);
      const next = await bed.agent();
      const ended = await next.event("child-ended");
      assert.equal(ended.successor?.id, "two");
      const standing = next.inventory.children.filter(({ standsBy }) => standsBy === true);
      assert.ok(standing.some(({ id }) => id === "other"));
    }));

  it("is whoever was named last, or nobody any more", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      await agent.ok(standBy("one", "three", "sleep", "1000"));
      assert.equal((await killed(agent, "one")).successor?.id, "three");
      await agent.event("child-started", ({ id }) => id === "three");
      await agent.ok(standBy("three", "four", "sleep", "1000"));
      await agent.ok({ op: "stand-down", child: "three" });
      await agent.ok({ op: "stand-down", child: "three" });
      assert.equal((await killed(agent, "three")).successor, undefined);
    }));

  it("stands down in the step that signals the child", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      await agent.send([{ op: "stand-down", child: "one" }, kill("one")]);
      assert.equal((await agent.event("child-ended")).successor, undefined);
    }));

  it("takes no place in which somebody is left, nor that of what never ran", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.run("leaves", ["sh", "-c", "sleep 1000 & sleep 1000"]);
      await agent.ok(standBy("leaves", "next", "sleep", "1000"));
      const [, found] = [await agent.event("child-started"), await childOf(bed, agent, "leaves")];
      assert.ok(found);
      const ended = await killed(agent, "leaves");
      assert.deepEqual([ended.alone, ended.successor], [undefined, undefined]);
      await agent.send([
        { op: "spawn", id: "absent", spec: { arguments: ["/nonexistent"], environment: [] } },
        standBy("absent", "later", "sleep", "1000"),
      ]);
      const failed = await agent.event("child-ended", ({ id }) => id === "absent");
      assert.deepEqual([failed.failure?.stage, failed.successor], ["exec", undefined]);
    }));

  it("takes none once a shutdown has begun, or a signal asks for the end", () =>
    withBed({ keeper: ["--grace=60"] }, async (bed) => {
      const agent = await two(bed);
      process.kill(await bed.pid, SIGTERM);
      const signal = await agent.event("signal");
      assert.equal((await killed(agent, "one")).successor, undefined);
      await agent.acknowledge(signal);
      await agent.run("three", ["sleep", "1000"]);
      await agent.event("child-started", ({ id }) => id === "three");
      await agent.ok(standBy("three", "four", "sleep", "1000"));
      await agent.ok({ op: "begin-shutdown", deadline: 60_000, how: "exit" });
      assert.equal((await killed(agent, "three")).successor, undefined);
    }));

  it("is spawned after its messages were sent, and not where they cannot be", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const said = join(bed.directory, "said");
      await agent.ok({ op: "socket-pair", name: "near", peer: "far", type: "seqpacket" });
      await agent.run("one", ["sleep", "1000"]);
      await agent.event("child-started");
      const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
      // Whoever is spawned reads what was sent before: there is no one who could send it later.
      const reads = `timeout 5 sh -c 'for i in 1 2 3; do dd bs=100 count=1 status=none; echo; done' > ${said}.new; mv ${said}.new ${said}`;
      const spec = {
        arguments: ["sh", "-c", reads],
        environment: [`PATH=${process.env.PATH}`],
        descriptors: [{ target: 0, source: { name: "far" } }],
      } as const;
      const next = { ...standBy("one", "two", "true"), through: "near" };
      const after = { after: bytes("pid 00000000."), place: 4 };
      await agent.ok({ ...next, spec, messages: [bytes("a"), bytes("b")], ...after });
      const { successor } = await killed(agent, "one");
      assert.equal(successor?.id, "two");
      await waitFor("it has read all", () => existsSync(said));
      const [a, b, third = ""] = readFileSync(said, "latin1").split("\n");
      assert.deepEqual([a, b, third.slice(0, 4), third.slice(12)], ["a", "b", "pid ", "."]);
      assert.equal(Buffer.from(third, "latin1").readUInt32LE(4), successor.pid);
      await agent.run("three", ["sleep", "1000"]);
      await agent.ok({
        ...standBy("three", "four", "sleep", "1000"),
        through: "gone",
        messages: [bytes("a")],
      });
      await agent.event("child-started", ({ id }) => id === "three");
      assert.equal((await killed(agent, "three")).successor, undefined);
    }));

  it("leaves the buffer of whoever reads nothing to others", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "socket-pair", name: "near", peer: "far", type: "seqpacket" });
      const message = { through: "near", messages: [new Uint8Array(1)] } as const;
      const successorOf = async (id: string) => {
        await agent.run(id, ["sleep", "1000"]);
        await agent.event("child-started", (event) => event.id === id);
        await agent.ok({ ...standBy(id, `${id}-next`, "sleep", "1000"), ...message });
        return (await killed(agent, id)).successor?.id;
      };
      assert.equal(await successorOf("one"), "one-next");
      for (let sent = 0; sent < 4; sent += 1)
        await agent.ok({ op: "pass", through: "near", names: [], data: new Uint8Array(16_384) });
      assert.equal(await successorOf("two"), undefined);
      await agent.ok({ op: "pass", through: "near", names: [], data: new Uint8Array(16_384) });
    }));

  it("cannot be spawned: then the end is told without a successor", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.run("one", ["sleep", "1000"]);
      await agent.event("child-started");
      const next = standBy("one", "two", "sleep", "1000");
      const descriptors = [{ target: 1, source: { name: "gone" } }] as const;
      await agent.ok({ ...next, spec: { ...next.spec, descriptors } });
      assert.equal((await killed(agent, "one")).successor, undefined);
      // Its name is free.
      await agent.run("two", ["true"]);
    }));

  it("is refused for whoever is none, has ended or has a cgroup, or under a name that is taken", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      await agent.refused(standBy("nobody", "x", "true"), ENOENT, /nobody/);
      await agent.refused({ op: "stand-down", child: "nobody" }, ENOENT, /nobody/);
      await agent.refused(standBy("one", "one", "true"), EEXIST, /stand by for child one/);
      await agent.run("done", ["true"]);
      await agent.event("child-ended", ({ id }) => id === "done");
      await agent.refused(standBy("done", "x", "true"), ESRCH, /done/);
      await agent.refused(
        { ...standBy("one", "x", "true"), messages: [new Uint8Array(1)] },
        EINVAL,
        /through/,
      );
      await agent.refused({ ...standBy("one", "x", "true"), through: "gone" }, EINVAL, /through/);
      const after = { through: "gone", after: new Uint8Array(12) };
      await agent.refused({ ...standBy("one", "x", "true"), ...after, place: 5 }, EINVAL, /place of the pid/);
      // What was refused has replaced nobody.
      assert.equal((await killed(agent, "one")).successor?.id, "two");
    }));

  const noCgroup = existsSync(join(cgroups, "cgroup.procs")) ? false : `${cgroups} is no cgroup2`;
  it("is refused for a child that has a cgroup", { skip: noCgroup }, () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const cgroup = join(cgroups, bed.directory.replaceAll("/", "-"));
      mkdirSync(cgroup);
      try {
        await agent.run("one", ["sleep", "1000"], { cgroup });
        await agent.refused(standBy("one", "x", "true"), EINVAL, /cgroup/);
        await killed(agent, "one");
      } finally {
        await waitFor("it is empty", () => readFileSync(join(cgroup, "cgroup.procs"), "utf8") === "");
        rmdirSync(cgroup);
      }
    }),
  );

  it("and who was followed are the next keeper's, when this one is replaced", () =>
    withBed({}, async (bed) => {
      const agent = await two(bed);
      await agent.run("three", ["sleep", "1000"]);
      await agent.event("child-started", ({ id }) => id === "three");
      await agent.ok(standBy("three", "four", "sleep", "1000"));
      const before = await killed(agent, "one");
      await agent.ok({ op: "replace-keeper" });
      assert.equal((await killed(agent, "three")).successor?.id, "four");
      agent.command({ kind: "exit", code: 1 });
      const next = await bed.agent();
      const again = await next.event("child-ended", ({ id }) => id === "one");
      assert.deepEqual(again.successor, before.successor);
    }));
});

/** Whether a child has made another process, once it has. */
async function childOf(bed: Bed, agent: Agent, id: string): Promise<boolean> {
  const { pid } = await agent.event("child-started", (event) => event.id === id);
  const host = hostPid(await bed.pid, pid);
  return await waitFor(
    "it has made another process",
    () => readFileSync(`/proc/${host}/task/${host}/children`, "utf8") !== "",
  );
}
