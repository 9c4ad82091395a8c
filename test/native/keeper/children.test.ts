// Children of the keeper: spawned, failing to start, signalled, adopted, reaped; and that nothing of it is lost.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { children, describe as describeProcess, residentMemory } from "../../support/processes.js";
import { waitFor } from "../../support/wait.js";
import { type Agent, type Bed, hostPid, skip, variant, withBed } from "./bed.js";

const { ENAMETOOLONG, ENOENT, EEXIST, EFBIG, ESRCH, ECHILD, EPERM, EINVAL } = constants.errno;
const { SIGKILL, SIGTERM, SIGUSR1 } = constants.signals;

/** Runs a shell whose background process outlives it; resolves with the orphan's pid and start time. */
async function orphan(bed: Bed, agent: Agent, id: string, script: string): Promise<[number, number]> {
  const file = join(bed.directory, id);
  await agent.run(id, ["sh", "-c", `setsid sh -c '${script}' & echo $! > ${file}`]);
  await agent.acknowledge(await agent.event("child-ended", (event) => event.id === id));
  const pid = Number(readFileSync(file, "utf8"));
  return [pid, startTime(hostPid(await bed.pid, pid))];
}

function startTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

const cgroups = "/sys/fs/cgroup/unified";

function cgroupSkip(): string | false {
  return existsSync(join(cgroups, "cgroup.procs")) ? false : `${cgroups} is no cgroup2`;
}

describe("children", { skip, concurrency: 2 }, () => {
  it("are told to have executed their program, then how they ended", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const { pid, start } = await agent.run("one#1", ["sh", "-c", "exit 7"]);
      assert.ok(pid !== undefined && pid > 1 && start !== undefined && start > 0);
      const started = await agent.event("child-started");
      assert.deepEqual([started.id, started.pid], ["one#1", pid]);
      const ended = await agent.event("child-ended");
      assert.equal(ended.status, 7 << 8);
      assert.equal(ended.failure, undefined);
      assert.ok(ended.event > started.event);
      assert.ok(ended.peakKibibytes > 100);
    }));

  it("have ended alone where nobody is left in their group or session", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const alone = async (id: string, script: string): Promise<boolean> => {
        await agent.run(id, ["sh", "-c", script]);
        const ended = await agent.event("child-ended", (event) => event.id === id);
        await agent.acknowledge(ended);
        return ended.alone === true;
      };
      assert.equal(await alone("nobody", "exit 0"), true);
      assert.equal(await alone("in its group", "sleep 1000 & exit 0"), false);
      // Which makes a group of its own; the field is its group.
      const leaves = `timeout 1000 sleep 1000 & until [ $(cut -d' ' -f5 /proc/$!/stat) = $! ]; do :; done`;
      assert.equal(await alone("in its session", leaves), false);
      const file = join(bed.directory, "gone");
      const escapes = `setsid --fork sh -c 'echo > ${file}; sleep 1000'; until [ -s ${file} ]; do :; done`;
      assert.equal(await alone("elsewhere", escapes), true);
    }));

  it("are reaped by a keeper that was started with CHLD ignored", () =>
    withBed({ under: ["env", "--ignore-signal=CHLD"] }, async (bed) => {
      const agent = await bed.agent();
      await agent.run("one", ["sh", "-c", "exit 7"]);
      assert.equal((await agent.event("child-ended")).status, 7 << 8);
    }));

  it("are refused, and the keeper lives on, where it may not write files of their size", () =>
    withBed({ under: ["prlimit", "--fsize=0"], init: false }, async (bed) => {
      const agent = await bed.agent();
      const spec = { arguments: ["true"], environment: [] } as const;
      await agent.refused({ op: "spawn", id: "one", spec }, EFBIG, /one: write its specification/);
      await agent.refused({ op: "spawn", id: "one", spec }, EFBIG, /one: write its specification/);
    }));

  it("have a cgroup whose path the inventory has room for", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const spec = { arguments: ["true"], environment: [], cgroup: `/${"c".repeat(4095)}` } as const;
      await agent.refused({ op: "spawn", id: "one", spec }, ENAMETOOLONG, /spawn one: .*cgroup/);
    }));

  it("that cannot be set up tell at which stage, and on what", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.run("program", ["/no/such/program"]);
      await agent.run("directory", ["true"], { directory: "/no/such" });
      const program = await agent.event("child-ended", ({ id }) => id === "program");
      assert.deepEqual(program.failure, { stage: "exec", errno: ENOENT, text: "/no/such/program" });
      const directory = await agent.event("child-ended", ({ id }) => id === "directory");
      assert.deepEqual(directory.failure, { stage: "chdir", errno: ENOENT, text: "/no/such" });
      assert.equal(
        agent.events.some(({ type }) => type === "child-started"),
        false,
      );
    }));

  it("fail at the stage `helper` where there is none, or where it dies", () =>
    withBed({ keeper: ["--helper=/no/helper"] }, async (bed) => {
      const agent = await bed.agent();
      await agent.run("one", ["true"]);
      const { failure } = await agent.event("child-ended");
      assert.deepEqual(failure, { stage: "helper", errno: ENOENT, text: "/no/helper" });
    }).then(() =>
      withBed({ keeper: ["--helper=/bin/false"] }, async (bed) => {
        const agent = await bed.agent();
        await agent.run("one", ["true"]);
        const { failure } = await agent.event("child-ended");
        assert.equal(failure?.stage, "helper");
        assert.equal(failure?.text, "/bin/false");
      }),
    ));

  it("keep their ids until their end is acknowledged", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const spec = { arguments: ["true"], environment: [`PATH=${process.env.PATH}`] } as const;
      await agent.ok({ op: "spawn", id: "one", spec });
      const ended = await agent.event("child-ended");
      await agent.refused({ op: "spawn", id: "one", spec }, EEXIST, /child one/);
      await agent.acknowledge(ended);
      await agent.ok({ op: "spawn", id: "one", spec });
    }));

  it("are not made when a descriptor they name does not exist", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const descriptors = [{ target: 1, source: { name: "log/none" } }];
      const spec = { arguments: ["true"], descriptors } as const;
      await agent.refused({ op: "spawn", id: "one", spec }, ENOENT, /no descriptor log\/none/);
      await agent.refused(
        { op: "signal-child", id: "one", signal: 0, scope: "process" },
        ENOENT,
        /child one/,
      );
    }));

  it("write to the descriptors they are handed, and hold no other", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const file = join(bed.directory, "out");
      await agent.ok({ op: "open", name: "out", path: file, flags: 0o1101, mode: 0o640 });
      await agent.ok({ op: "pipe", name: "other" });
      await agent.run("one", ["sh", "-c", "echo hello; ls /proc/self/fd | tr '\\n' ' '"], {
        descriptors: [{ target: 1, source: { name: "out" } }],
      });
      await agent.event("child-ended");
      assert.equal(readFileSync(file, "utf8"), "hello\n0 1 2 3 ");
    }));

  it("repeat their events to each daemon until they are acknowledged", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      await first.run("one", ["sh", "-c", "exit 3"]);
      const ended = await first.event("child-ended");
      await first.acknowledge(await first.event("child-started"));
      await bed.killAgent(first);
      const second = await bed.agent();
      assert.deepEqual(
        second.inventory.children.map(({ id, state }) => [id, state]),
        [["one", "ended"]],
      );
      const again = await second.event("child-ended");
      assert.deepEqual(again, ended);
      const restarted = await second.event("daemon-restarted");
      assert.deepEqual([restarted.reason, restarted.status, restarted.deaths], ["died", SIGKILL, 1]);
      assert.equal(
        second.events.some(({ type }) => type === "child-started"),
        false,
      );
      await second.acknowledge(again);
      await bed.killAgent(second);
      const third = await bed.agent();
      await third.event("daemon-restarted", ({ generation }) => generation === 2);
      assert.equal(
        third.events.length,
        1,
        "neither the acknowledged end nor the older restart is told again",
      );
      assert.deepEqual(third.inventory.children, []);
    }));

  it("go on while the daemon is killed, and their ends are told to the next one", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      const { pid } = await first.run("one", ["sleep", "1000"]);
      await first.event("child-started");
      await bed.killAgent(first);
      const second = await bed.agent();
      assert.deepEqual(
        second.inventory.children.map((child) => [child.id, child.pid, child.state]),
        [["one", pid, "running"]],
      );
      await second.ok({ op: "signal-child", id: "one", signal: SIGTERM, scope: "group" });
      assert.equal((await second.event("child-ended")).status, SIGTERM);
    }));

  it("are signalled as a process or as a group, and never once they are reaped", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const marks = [join(bed.directory, "outer"), join(bed.directory, "inner")] as const;
      const trap = (mark: string): string => `trap "echo > ${mark}.hit" USR1; echo > ${mark}`;
      const idle = "while :; do sleep 0.02; done";
      const script = `sh -c '${trap(marks[1])}; ${idle}' & ${trap(marks[0])}; ${idle}`;
      await agent.run("tree", ["sh", "-c", script]);
      await waitFor("both shells have set their traps", () => marks.every((mark) => existsSync(mark)));
      await agent.ok({ op: "signal-child", id: "tree", signal: SIGUSR1, scope: "process" });
      await waitFor("the outer shell is hit", () => existsSync(`${marks[0]}.hit`));
      assert.equal(existsSync(`${marks[1]}.hit`), false);
      await agent.ok({ op: "signal-child", id: "tree", signal: SIGUSR1, scope: "group" });
      await waitFor("the inner shell is hit", () => existsSync(`${marks[1]}.hit`));
      await agent.ok({ op: "signal-child", id: "tree", signal: SIGKILL, scope: "group" });
      await agent.event("child-ended");
      await agent.refused({ op: "signal-child", id: "tree", signal: 0, scope: "group" }, ESRCH, /has ended/);
    }));

  it("are told to end all at once, and those that live on are killed at the deadline", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const marks = ["meek", "stubborn"].map((id) => [id, join(bed.directory, id)] as const);
      const script = (mark: string, trap: string): string => `trap ${trap} TERM; echo > ${mark}; sleep 1000`;
      for (const [id, mark] of marks)
        await agent.run(id, ["sh", "-c", script(mark, id === "meek" ? "- " : '""')]);
      await agent.run("done", ["true"]);
      await agent.event("child-ended", ({ id }) => id === "done");
      await waitFor("both have set their traps", () => marks.every(([, mark]) => existsSync(mark)));
      const at = process.hrtime.bigint() + 300_000_000n;
      const end = { op: "end-children", signal: SIGTERM, scope: "group", clock: "monotonic", at } as const;
      await agent.ok({ ...end, ids: ["meek", "nobody", "done", "stubborn"], timers: "stop/" });
      assert.equal((await agent.event("child-ended", ({ id }) => id === "meek")).status, SIGTERM);
      assert.equal((await agent.event("child-ended", ({ id }) => id === "stubborn")).status, SIGKILL);
      await agent.event("timer-fired", ({ id }) => id === "stop/stubborn");
      await agent.event("timer-fired", ({ id }) => id === "stop/meek");
      await agent.refused({ op: "disarm-timer", id: "stop/done" }, ENOENT, /timer/);
    }));

  it("are told to end even where a timer of that name cannot be", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const long = "x".repeat(255);
      await agent.run(long, ["sleep", "1000"]);
      await agent.run("short", ["sleep", "1000"]);
      const end = {
        op: "end-children",
        signal: SIGTERM,
        scope: "group",
        clock: "monotonic",
        at: 2n ** 62n,
      } as const;
      await agent.refused(
        { ...end, ids: [long, "short"], timers: "stop/" },
        ENAMETOOLONG,
        /timer of child xxx/,
      );
      for (const id of [long, "short"])
        assert.equal((await agent.event("child-ended", (event) => event.id === id)).status, SIGTERM);
      await agent.ok({ op: "disarm-timer", id: "stop/short" });
      await agent.refused({ ...end, ids: [], timers: "stop/" }, EINVAL, /field id is missing/);
    }));

  it("that run in a cgroup are killed with all of it", { skip: cgroupSkip() }, () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const cgroup = join(cgroups, bed.directory.replaceAll("/", "-"));
      mkdirSync(cgroup);
      try {
        await agent.run("tree", ["sh", "-c", `setsid sleep 1000 & sleep 1000`], { cgroup });
        await waitFor("all three are in it", () => members(cgroup).length === 3);
        await agent.ok({ op: "signal-child", id: "tree", signal: SIGKILL, scope: "cgroup" });
        await waitFor("the cgroup is empty", () => members(cgroup).length === 0);
      } finally {
        rmdirSync(cgroup);
      }
    }),
  );

  const noPidfd = variant === "valgrind" && "this valgrind does not know pidfd_open";
  it(
    "may be anybody below by pid and start time, but not the keeper, the daemon or a successor",
    { skip: noPidfd },
    () =>
      withBed({ init: false }, async (bed) => {
        const agent = await bed.agent();
        const { pid = 0, start = 0 } = await agent.run("one", ["sleep", "1000"]);
        const signal = (to: number, at: number) =>
          ({ op: "signal-process", pid: to, start: at, signal: SIGTERM }) as const;
        await agent.refused(signal(pid, start + 1), ESRCH, /did not start at/);
        for (const other of [0, 1, agent.pid, agent.inventory.keeper.pid]) {
          await agent.refused(signal(other, 1), EPERM, /not the keeper/);
        }
        await agent.ok(signal(pid, start));
        assert.equal((await agent.event("child-ended")).status, SIGTERM);
      }),
  );

  it("that are adopted can be killed with all of a cgroup", { skip: cgroupSkip() }, () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const cgroup = join(cgroups, bed.directory.replaceAll("/", "-"));
      mkdirSync(cgroup);
      try {
        const [pid, start] = await orphan(bed, agent, "parent", "sleep 1000");
        writeFileSync(join(cgroup, "cgroup.procs"), String(hostPid(await bed.pid, pid)));
        await agent.run("beside", ["sleep", "1000"], { cgroup });
        await waitFor("both are in it", () => members(cgroup).length === 2);
        const adopt = { op: "adopt", id: "main", pid, start } as const;
        await agent.refused({ ...adopt, cgroup: `/${"c".repeat(4095)}` }, EINVAL, /cgroup is too long/);
        await agent.ok({ ...adopt, cgroup });
        await agent.ok({ op: "signal-child", id: "main", signal: SIGKILL, scope: "cgroup" });
        await waitFor("the cgroup is empty", () => members(cgroup).length === 0);
      } finally {
        rmdirSync(cgroup);
      }
    }),
  );

  it("are adopted alive, but only the keeper's own, under their own start time", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const [pid, start] = await orphan(bed, agent, "parent", "sleep 1000");
      const adopt = (id: string, of: number, at: number) =>
        ({ op: "adopt", id, pid: of, start: at }) as const;
      await agent.refused(adopt("a", pid, start + 1), ESRCH, /started at/);
      await agent.refused(adopt("a", agent.pid, start), EEXIST, /child already/);
      await agent.run("holder", ["sh", "-c", `sleep 1000 & echo $! > ${bed.directory}/grand; wait`]);
      const grand = await waitFor(
        "the grandchild runs",
        () => existsSync(`${bed.directory}/grand`) && readFileSync(`${bed.directory}/grand`, "utf8").trim(),
      );
      await agent.refused(adopt("a", Number(grand), 0), ECHILD, /no child of the keeper/);
      await agent.refused(adopt("a", 4_000_000, 0), ESRCH, /no child of the keeper/);
      assert.equal((await agent.ok(adopt("b", pid, start))).alive, true);
      await agent.refused(adopt("c", pid, start), EEXIST, /child already/);
      await agent.ok({ op: "signal-child", id: "b", signal: SIGKILL, scope: "process" });
      const ended = await agent.event("child-ended", ({ id }) => id === "b");
      assert.equal(ended.status, SIGKILL);
    }));

  it("are adopted dead, with their real status, while they are remembered", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "configure", orphans: true });
      await agent.run("parent", ["sh", "-c", "(sleep 0.05; exit 9) &"]);
      const told = await agent.event("orphan-ended", ({ status }) => status === 9 << 8);
      const again = { op: "adopt", id: "late", pid: told.pid, start: told.start } as const;
      await agent.refused({ ...again, start: told.start + 1 }, ESRCH, /adopt/);
      assert.equal((await agent.ok(again)).alive, false);
      const ended = await agent.event("child-ended", ({ id }) => id === "late");
      assert.equal(ended.status, 9 << 8);
      assert.equal((await agent.send([{ op: "acknowledge", event: told.event }]))[0]?.errno, ENOENT);
    }));

  it("refuse what is out of range", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.refused(
        { op: "signal-child", id: "x", signal: 65, scope: "process" },
        EINVAL,
        /signal is out of range/,
      );
      await agent.refused({ op: "pipe", name: "" }, EINVAL, /name is empty/);
      await agent.refused({ op: "pipe", name: "x".repeat(256) }, EINVAL, /name is too long/);
    }));

  it("ten thousand orphans cost no memory, and the overwritten ones are counted", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const keeper = await bed.pid;
      const flood = async (id: string): Promise<void> => {
        // Each background subshell outlives its parent by being in the second of two forks.
        const script = "i=0; while [ $i -lt 5000 ]; do ( : & ); i=$((i+1)); done";
        await agent.run(id, ["sh", "-c", script]);
        await agent.acknowledge(await agent.event("child-ended", (event) => event.id === id));
        await waitFor("no zombie is left", () => zombies(keeper) === 0);
      };
      await flood("first");
      const before = residentMemory(keeper);
      await flood("second");
      const after = residentMemory(keeper);
      assert.ok(after - before <= 16, `the keeper grew from ${before} to ${after} KiB`);
      await agent.ok({ op: "configure", orphans: true });
      agent.command({ kind: "exit", code: 0 });
      const next = await bed.agent();
      assert.ok(next.inventory.keeper.orphans >= 10_000, `${next.inventory.keeper.orphans} were reaped`);
      await next.run("fourth", ["sh", "-c", "i=0; while [ $i -lt 4200 ]; do ( : & ); i=$((i+1)); done"]);
      const { lost } = await next.event("orphan-ended", (event) => event.lost > 0);
      assert.ok(lost <= 4200);
    }));
});

function members(cgroup: string): readonly string[] {
  return readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean);
}

function zombies(parent: number): number {
  return children(parent).filter((pid) => describeProcess(pid)?.state === "Z").length;
}
