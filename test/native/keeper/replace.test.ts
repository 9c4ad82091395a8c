// The keeper replaces itself: what it holds, what is under way and what happens meanwhile is the next one's; and a program
// that cannot take its place never does.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  constants as fs,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Inventory, KeeperEvent, Request } from "../../../src/daemon/keeper/types.js";
import { encodeHello, encodeRequests } from "../../../src/daemon/keeper/wire.js";
import { children, residentMemory } from "../../support/processes.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { waitFor } from "../../support/wait.js";
import { type Agent, type Bed, type BedOptions, hostPid, skip, variant, withBed } from "./bed.js";

const { EACCES, EBUSY, EINVAL, ENOENT, ENOEXEC, ENOSPC, EPROTONOSUPPORT, ETIMEDOUT } = constants.errno;
const { SIGKILL, SIGTERM, SIGUSR1 } = constants.signals;
const second = 1_000_000_000n;
const replace: Request = { op: "replace-keeper" };
/** O_CLOEXEC, as fdinfo shows it. */
const closeOnExec = 0o2000000;
const monotonic = (): bigint => process.hrtime.bigint();

/** A keeper whose program on disk is the test's own. */
async function withOwnKeeper(
  options: BedOptions,
  test: (bed: Bed, binary: string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "keeper-program-"));
  const binary = join(directory, "keeper");
  copyFileSync(join(project.native(variant), "keeper"), binary);
  try {
    await withBed({ ...options, binary }, (bed) => test(bed, binary));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** As a package manager does: the file that runs is not written to. */
function install(path: string, make: (fresh: string) => void): void {
  make(`${path}.new`);
  chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
}

/** Builds impostor.c for a role; where it runs a keeper, that is the one under test. */
async function impostor(bed: Bed, role: string): Promise<string> {
  const program = join(bed.directory, role);
  const source = join(project.root, "test", "native", "keeper", "impostor.c");
  const keeper = `-DKEEPER="${join(project.native(variant), "keeper")}"`;
  const built = await run("cc", ["-D_GNU_SOURCE", `-DROLE=${role}`, keeper, "-o", program, source]);
  assert.equal(built.status, 0, built.stderr);
  return program;
}

const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
/** Those above the standard ones that a program which the keeper executes would find open. */
const inheritable = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fdinfo`).filter((fd) => {
    const flags = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8").match(/^flags:\s*(\d+)/m)?.[1] ?? "0";
    return Number(fd) > 2 && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  });
const argumentsOf = (pid: number): readonly string[] =>
  readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");

/** What must not change; the generation does with each daemon, and the number under which each inherits. */
function lasting({ keeper, ...tables }: Inventory): unknown {
  return { ...tables, keeper: { ...keeper, generation: 0 } };
}

const numbers = (events: readonly KeeperEvent[]): readonly unknown[] =>
  events
    .filter((event) => event.type !== "daemon-restarted" && !("id" in event && event.id === "parent"))
    .map(({ event, at, type }) => [event, at, type]);

/** The next daemon, once this one was killed and all that is unacknowledged was told again. */
async function successor(bed: Bed, agent: Agent): Promise<Agent> {
  await bed.killAgent(agent);
  const next = await bed.agent();
  await next.event("daemon-restarted");
  return next;
}

async function answerOf(path: string): Promise<string> {
  const client = connect(path);
  let text = "";
  client.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(client, "close");
  return text;
}

describe("a keeper that replaces itself", { skip, concurrency: 2 }, () => {
  for (const init of [true, false]) {
    it(`hands on all that it holds and that is under way, ${init ? "as PID 1" : "as a subreaper"}`, () =>
      withBed({ init }, async (bed) => {
        const first = await bed.agent();
        const keeper = await bed.pid;
        const control = join(bed.directory, "control");
        const fifo = join(bed.directory, "fifo");
        assert.equal((await run("mkfifo", [fifo])).status, 0);

        await Promise.all(Array.from({ length: 50 }, (_, i) => first.run(`sleeper#${i}`, ["sleep", "1000"])));
        await first.ok({ op: "put-note", key: "large", value: Buffer.alloc(262_144, "x") });
        await first.ok({ op: "put-note", key: "empty", value: Buffer.alloc(0) });
        await first.ok({ op: "pipe", name: "log/one" });
        await first.ok({ op: "pipe", name: "watched" });
        await first.ok({ op: "watch", name: "watched", on: true });
        await first.ok({ op: "memory-file", name: "memory", size: 4096 });
        await first.ok({
          op: "listen",
          name: "control",
          family: "unix",
          address: control,
          type: "stream",
          slot: 0,
        });
        await first.ok({ op: "notify-socket", name: "notify", path: join(bed.directory, "notify") });
        await first.run("failed", ["true"], { directory: "/no/such" });
        await first.run("ended", ["sh", "-c", "exit 7"]);
        await first.run("setup", ["sleep", "1000"], {
          descriptors: [{ target: 5, source: { path: fifo, flags: fs.O_WRONLY } }],
        });
        await first.run("parent", [
          "sh",
          "-c",
          `setsid sleep 1000 & echo $! > ${join(bed.directory, "orphan")}`,
        ]);
        await first.event("child-ended", ({ id }) => id === "parent");
        const orphan = Number(readFileSync(join(bed.directory, "orphan"), "utf8"));
        const stat = readFileSync(`/proc/${hostPid(keeper, orphan)}/stat`, "utf8");
        const start = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
        await first.ok({ op: "adopt", id: "adopted", pid: orphan, start });
        for (const i of [0, 1]) {
          await first.ok({
            op: "arm-timer",
            id: `stop/${i}`,
            clock: i === 0 ? "monotonic" : "boottime",
            at: i === 0 ? monotonic() + 3n * second : 2n ** 62n,
            kill: `sleeper#${i}`,
          });
        }
        await first.ok({ op: "configure", culprit: "large", orphans: true, silence: 1000 });
        await first.event("child-ended", ({ id }) => id === "ended");
        await first.event("child-ended", ({ id }) => id === "failed");

        const before = await successor(bed, first);
        const client = connect(control);
        client.on("error", () => {}); // a test that fails closes the listener
        await once(client, "connect");
        const parent = await before.event("child-ended", ({ id }) => id === "parent");
        await before.acknowledge(parent);
        const told = before.events.length;
        assert.equal(
          (await before.send([{ op: "put-note", key: "late", value: Buffer.from("1") }, replace]))[1]?.errno,
          0,
        );
        assert.equal(await bed.pid, keeper);
        assert.match(
          argumentsOf(keeper)[variant === "valgrind" ? 0 : 1] ?? "",
          variant === "valgrind" ? /./ : /^--state=/,
        );
        assert.equal(before.events.length, told, "nothing is told twice to a daemon that lives");

        // What was under way goes on.
        const read = once(spawn("cat", [fifo], { stdio: "ignore" }), "close");
        await before.event("child-started", ({ id }) => id === "setup");
        await before.ok({ op: "signal-child", id: "setup", signal: SIGTERM, scope: "process" });
        await before.event("child-ended", ({ id }) => id === "setup");
        await read;
        assert.equal((await before.event("child-ended", ({ id }) => id === "sleeper#0")).status, SIGKILL);
        await before.event("timer-fired", ({ id }) => id === "stop/0");
        await before.run("writer", ["sh", "-c", "echo seen >&5"], {
          descriptors: [{ target: 5, source: { name: "watched" } }],
        });
        await before.event("readable", ({ name }) => name === "watched");
        await before.ok({ op: "signal-child", id: "adopted", signal: SIGTERM, scope: "process" });
        assert.equal((await before.event("child-ended", ({ id }) => id === "adopted")).status, SIGTERM);

        const after = await successor(bed, before);
        await after.event("child-ended", ({ id }) => id === "adopted");
        assert.deepEqual(
          numbers(after.events),
          numbers([...before.events].sort((a, b) => Number(a.event - b.event))),
        );
        const failed = await after.event("child-ended", ({ id }) => id === "failed");
        assert.deepEqual(failed.failure, { stage: "chdir", errno: ENOENT, text: "/no/such" });

        // With every state at rest, two daemons before and after a replacement see the same.
        await after.ok(replace);
        const last = await successor(bed, after);
        assert.deepEqual(lasting(last.inventory), lasting(after.inventory));
        assert.deepEqual(numbers(last.events), numbers(after.events));
        await last.ask({ kind: "serve", descriptor: 4 });
        let queued = "";
        client.setEncoding("utf8").on("data", (chunk: string) => {
          queued += chunk;
        });
        await once(client, "close");
        assert.equal(queued, last.environment.SHEPHERD_GENERATION, "the queued connection was kept");
        assert.equal(await answerOf(control), queued);
        for (const event of [...last.events]) await last.acknowledge(event);
        await last.ok({ op: "disarm-timer", id: "stop/1" });
        assert.ok(last.inventory.notes.get("large")?.length === 262_144 && last.inventory.notes.has("late"));
        assert.equal(last.inventory.notes.get("empty")?.length, 0);
      }));
  }

  it("a hundred times leaks neither descriptors nor memory, and no exit meanwhile is lost or doubled", () =>
    withBed({ init: false }, async (bed) => {
      const agent = await bed.agent();
      const keeper = await bed.pid;
      await agent.ok({ op: "pipe", name: "log/one" });
      await agent.ok({ op: "put-note", key: "one", value: Buffer.alloc(100_000) });
      await agent.ok(replace);
      const [descriptors, memory] = [descriptorsOf(keeper), residentMemory(keeper)];
      const times = variant === "valgrind" ? 5 : 100;
      for (let i = 0; i < times; i++) {
        await agent.run(`short#${i}`, ["sh", "-c", `sleep 0.0${i % 10}; exit ${i}`]);
        await agent.ok(replace);
      }
      for (let i = 0; i < times; i++) {
        const ended = await agent.event("child-ended", ({ id }) => id === `short#${i}`);
        assert.equal(ended.status, i << 8);
        await agent.acknowledge(ended);
      }
      assert.equal(
        agent.events.some(({ type }) => type === "child-ended"),
        false,
      );
      await agent.ok(replace);
      assert.equal(descriptorsOf(keeper), descriptors);
      assert.deepEqual(inheritable(keeper), []);
      assert.ok(residentMemory(keeper) < memory + 512, `${memory} KiB became ${residentMemory(keeper)} KiB`);
      assert.equal(children(keeper).length, 1);
    }));

  it("takes tables that are full, with all their events pending, within the time of the trial", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const timers = Array.from(
        { length: 16_384 },
        (_, i): Request => ({ op: "arm-timer", id: `timer#${i}`, clock: "monotonic", at: BigInt(i) }),
      );
      for (const { errno } of await agent.send(timers)) assert.equal(errno, 0);
      const value = Buffer.alloc(1000, "n");
      for (let i = 0; i < 65_536; i += 512) {
        const notes = Array.from(
          { length: 512 },
          (_, n): Request => ({ op: "put-note", key: `note#${i + n}`, value }),
        );
        for (const { errno } of await agent.send(notes)) assert.equal(errno, 0);
      }
      await agent.event("timer-fired", ({ id }) => id === "timer#16383");
      await agent.ok(replace);
      const next = await successor(bed, agent);
      await next.event("timer-fired", ({ id }) => id === "timer#16383");
      assert.deepEqual(numbers(next.events), numbers(agent.events));
      assert.equal(next.inventory.notes.size, 65_536);
      await next.refused({ op: "put-note", key: "one more", value }, ENOSPC, /note one more/);
    }));

  const dropped = variant === "valgrind" && "valgrind takes pending signals away at execve";
  it("loses no signal that comes meanwhile", { skip: dropped }, () =>
    withBed({ keeper: ["--grace=20"] }, async (bed) => {
      const agent = await bed.agent();
      const keeper = await bed.pid;
      const { pid } = await agent.run("one", ["sleep", "1000"]);
      await agent.event("child-started");
      const child = hostPid(keeper, pid ?? 0);
      process.kill(keeper, "SIGSTOP");
      // The answer to `print` comes first: then the request is on its way, and what follows is pending at the replacement.
      const written = agent.send([replace]);
      const replaced = agent.ask({ kind: "print", text: "" });
      await written;
      process.kill(child, "SIGKILL");
      process.kill(keeper, "SIGUSR1");
      process.kill(keeper, "SIGTERM");
      process.kill(keeper, "SIGCONT");
      assert.equal((await replaced)[0]?.errno, 0);
      assert.equal((await agent.event("child-ended")).status, SIGKILL);
      await agent.event("signal", ({ signal, count }) => signal === SIGUSR1 && count === 1);
      await agent.event("signal", ({ signal, count }) => signal === SIGTERM && count === 1);
      for (const event of [...agent.events]) await agent.acknowledge(event);
    }),
  );

  it("goes on in the middle of a frame", () =>
    withBed({ agent: ["--mute"] }, async (bed) => {
      const agent = await bed.agent();
      const note = encodeRequests([{ op: "put-note", key: "half", value: Buffer.from("whole") }], 2, false);
      const results = await agent.ask({
        kind: "exchange",
        frames: [encodeHello(0), Buffer.concat([encodeRequests([replace], 1, false), note.subarray(0, 30)])],
      });
      assert.deepEqual(
        results.map(({ errno }) => errno),
        [0, 0],
      );
      agent.command({ kind: "last-words", bytes: note.subarray(30) });
      await agent.gone();
      const next = await bed.agent();
      const [, put] = await next.ask({
        kind: "exchange",
        frames: [encodeHello(0), encodeRequests([{ op: "delete-note", key: "half" }], 1, false)],
      });
      assert.equal(put?.errno, 0, put?.text);
    }));

  it("for a daemon that is dead by then carries the rest of its frames out", () =>
    withBed({ agent: ["--mute"] }, async (bed) => {
      const agent = await bed.agent();
      const frames = [
        encodeHello(0),
        encodeRequests([replace], 1, false),
        encodeRequests([{ op: "put-note", key: "rest", value: Buffer.from("1") }], 2, false),
        encodeRequests([replace], 3, false),
        encodeRequests(
          [
            { op: "delete-note", key: "rest" },
            { op: "put-note", key: "end", value: Buffer.from("2") },
          ],
          4,
          false,
        ),
      ];
      const keeper = await bed.pid;
      process.kill(keeper, "SIGSTOP");
      agent.command({ kind: "last-words", bytes: Buffer.concat(frames) });
      await agent.gone();
      process.kill(keeper, "SIGCONT");
      const next = await bed.agent();
      assert.equal(next.environment.SHEPHERD_GENERATION, "1");
      const results = await next.ask({
        kind: "exchange",
        frames: [
          encodeHello(0),
          encodeRequests(
            [
              { op: "delete-note", key: "end" },
              { op: "delete-note", key: "rest" },
            ],
            1,
            false,
          ),
        ],
      });
      assert.deepEqual(
        results.map(({ errno }) => errno),
        [0, 0, ENOENT],
      );
    }));

  it("runs the program that is on the disk now, or the one that is named", () =>
    withOwnKeeper({ init: false }, async (bed, binary) => {
      const agent = await bed.agent();
      const keeper = await bed.pid;
      const runs = (): string => readlinkSync(`/proc/${keeper}/exe`);
      install(binary, (fresh) => copyFileSync(join(project.native(variant), "keeper"), fresh));
      if (variant !== "valgrind") assert.equal(runs(), `${binary} (deleted)`);
      await agent.ok(replace);
      if (variant !== "valgrind") assert.equal(runs(), binary);
      const other = join(bed.directory, "other");
      copyFileSync(binary, other);
      await agent.ok({ op: "replace-keeper", program: other });
      if (variant !== "valgrind") {
        assert.equal(runs(), other);
        assert.equal(readFileSync(`/proc/${keeper}/comm`, "utf8"), "keeper\n");
      }
      await agent.ok(replace);
      await agent.run("one", ["true"]);
      assert.equal((await agent.event("child-ended")).status, 0);
    }));

  it("refuses what is no keeper, is broken, or does not answer, and goes on", () =>
    withOwnKeeper({}, async (bed, binary) => {
      const agent = await bed.agent();
      const keeper = await bed.pid;
      const descriptors = descriptorsOf(keeper);
      const named = (program: string): Request => ({ op: "replace-keeper", program });
      await agent.refused(named("/no/such/keeper"), ENOENT, /open \/no\/such\/keeper/);
      await agent.refused(named("keeper"), EINVAL, /not absolute/);
      await agent.refused(named(bed.directory), EACCES, /execute/);
      await agent.refused(named("/bin/true"), ENOEXEC, /no keeper \(status 0\)/);
      await agent.refused(named("/bin/false"), ENOEXEC, /no keeper \(status 1\)/);
      install(binary, (fresh) =>
        writeFileSync(fresh, readFileSync(join(project.native("none"), "keeper")).subarray(0, 20_000)),
      );
      await agent.refused(replace, ENOEXEC, /replace keeper by/);
      install(binary, (fresh) => writeFileSync(fresh, "#!/bin/sh\nexit 26\n"));
      // The kernel runs no script from a descriptor that closes; valgrind would.
      if (variant !== "valgrind") await agent.refused(replace, ENOEXEC, /execute/);
      const [pipe, last] = await agent.send([replace, { op: "pipe", name: "log/one" }]);
      assert.deepEqual([pipe?.errno, last?.errno], [EINVAL, 0]);
      assert.match(pipe?.text ?? "", /last request of its frame/);
      await agent.ok({ op: "close", name: "log/one" });
      assert.equal(descriptorsOf(keeper), descriptors);
      assert.equal(children(keeper).length, 1);
      await agent.run("one", ["true"]);
      assert.equal((await agent.event("child-ended")).status, 0);
    }));

  it("refuses a program that cannot be executed, hangs, crashes or reads another format", () =>
    withBed({ init: false }, async (bed) => {
      const agent = await bed.agent();
      const roles = [
        ["HANGS", ETIMEDOUT, /does not answer/],
        ["CRASHES", ENOEXEC, /signal 6 ended it/],
        ["OLDER", EPROTONOSUPPORT, /cannot read this keeper's state/],
      ] as const;
      for (const [role, errno, text] of roles) {
        await agent.refused({ op: "replace-keeper", program: await impostor(bed, role) }, errno, text);
      }
      const program = join(bed.directory, "HANGS");
      chmodSync(program, 0o644);
      await agent.refused({ op: "replace-keeper", program }, EACCES, /execute/);
      await waitFor("only the daemon is left", async () => children(await bed.pid).length === 1);
    }));

  it("reads the formats of its state that it lists, and no other one", async () => {
    const directory = mkdtempSync(join(tmpdir(), "keeper-state-"));
    try {
      for (const [format, answer] of [
        [0, 27],
        [1, 26],
        [2, 26],
        [3, 27],
      ] as const) {
        const state = join(directory, String(format));
        writeFileSync(
          state,
          Buffer.concat([Buffer.from("SHEPKEEP"), Buffer.from([format, 0, 0, 0, 0, 0, 0, 0])]),
        );
        const keeper = join(project.native(variant), "keeper");
        const { status } = await run("sh", ["-c", `exec ${keeper} --accepts=9 -- true 9<${state}`]);
        assert.equal(status, answer, `format ${format}`);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("takes its work back from one that could not go on after all", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "put-note", key: "kept", value: Buffer.from("1") });
      const descriptors = descriptorsOf(await bed.pid);
      const [put, replaced] = await agent.send([
        { op: "put-note", key: "with", value: Buffer.from("2") },
        { op: "replace-keeper", program: await impostor(bed, "HANDS_BACK") },
      ]);
      assert.deepEqual([put?.errno, replaced?.errno], [0, ENOEXEC]);
      assert.match(replaced?.text ?? "", /handed its work back/);
      assert.equal(descriptorsOf(await bed.pid), descriptors);
      await agent.ok({ op: "delete-note", key: "with" });
      await agent.ok(replace);
    }));

  it("when nobody can read the state lets the services be, reaps, and ends by a signal", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const { pid } = await agent.run("one", ["sleep", "1000"]);
      await agent.event("child-started");
      const keeper = await bed.pid;
      const service = hostPid(keeper, pid ?? 0);
      agent.send([{ op: "replace-keeper", program: await impostor(bed, "SPOILS") }]).catch(() => {});
      await waitFor("it says so", () => /without a supervisor/.test(bed.stderr));
      assert.match(bed.stderr, /handing back/);
      assert.ok(children(keeper).includes(service));
      process.kill(hostPid(keeper, agent.pid), "SIGKILL");
      await waitFor("it reaps", () => children(keeper).length === 1);
      await bed.signal("SIGTERM");
      assert.equal(await bed.exit(), 0);
    }));

  it("refuses while a shutdown is under way", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "begin-shutdown", deadline: 60_000, how: "exit" });
      await agent.refused(replace, EBUSY, /shutdown has begun/);
    }));
});
