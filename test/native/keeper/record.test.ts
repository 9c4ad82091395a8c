// A boot that was recorded: what the keeper does of it before it hears its daemon, and what it makes of a file that is wrong.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { Request } from "../../../src/daemon/keeper/types.js";
import { encodeRequests } from "../../../src/daemon/keeper/wire.js";
import { waitFor } from "../../support/wait.js";
import { type Agent, type Bed, skip, withBed } from "./bed.js";

const { EINVAL } = constants.errno;
const note = (key: string): Request => ({ op: "put-note", key, value: Buffer.from(key) });
const sleeper = (id: string): Request => ({
  op: "spawn",
  id,
  spec: { arguments: ["/bin/sleep", "1000000"] },
  mark: `.${id}`,
});
const waits = { op: "await-started" } as const;

function bytesOf(...frames: readonly (readonly Request[])[]): Buffer {
  const head = Buffer.from("SHEPBOOT\x01\0\0\0", "latin1");
  return Buffer.concat([head, ...frames.map((requests) => encodeRequests(requests, 0, true))]);
}

/** A place for what must be there before the keeper is. */
function place(t: Pick<TestContext, "after">): string {
  const directory = mkdtempSync(join(tmpdir(), "record-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Runs a test on a keeper that finds this record. */
async function withRecord(
  t: Pick<TestContext, "after">,
  record: Buffer,
  test: (bed: Bed) => Promise<void>,
): Promise<void> {
  const file = join(place(t), "record");
  writeFileSync(file, record, { mode: 0o600 });
  await withBed({ keeper: [`--record=${file}`] }, test);
}

const names = (agent: Agent): readonly string[] => [
  ...agent.inventory.notes.keys(),
  ...agent.inventory.children.map(({ id, state }) => `${id}:${state}`),
];

describe("a recorded boot", { skip, concurrency: 2 }, () => {
  it("is done before the daemon is told what there is, each wave after the one before", (t) =>
    withRecord(
      t,
      bytesOf(
        [note("first")],
        [{ op: "pipe", name: "out" }, sleeper("a"), note("second")],
        [waits],
        [sleeper("b")],
        [waits],
      ),
      async (bed) => {
        const agent = await bed.agent();
        assert.deepEqual(names(agent), ["first", "second", "a:running", "b:running"]);
        assert.deepEqual(
          (
            await Promise.all([
              agent.event("child-started", ({ id }) => id === "a"),
              agent.event("child-started", ({ id }) => id === "b"),
            ])
          ).map(({ id }) => id),
          ["a", "b"],
        );
        const { pid = 0 } = agent.inventory.children[0] ?? {};
        // The mark is that of this keeper.
        const { started } = agent.inventory.keeper;
        await agent.run("look", [
          "/bin/sh",
          "-c",
          `tr '\\0' '\\n' </proc/${pid}/environ >$0`,
          join(bed.directory, "environ"),
        ]);
        await agent.event("child-ended", ({ id }) => id === "look");
        const mark = spawnSync("cat", [join(bed.directory, "environ")], { encoding: "utf8" }).stdout;
        assert.equal(mark, `SHEPHERD_MARK=${started.toString(36)}.a\n`);
        assert.equal(bed.stderr, "");
      },
    ));

  it("is not begun where a file is another one, and nothing is said of that", async (t) => {
    const file = join(place(t), "file");
    writeFileSync(file, "text");
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    const same = {
      op: "expect-file",
      path: file,
      inode: ino,
      size: Number(size),
      modified: mtimeNs,
      changed: ctimeNs,
      data: Buffer.from("text"),
    } as const;
    const cases: readonly (readonly [Request, boolean])[] = [
      [same, true],
      [{ op: "expect-file", path: file }, true],
      [{ op: "expect-file", path: `${file}.no`, absent: true }, true],
      [{ op: "expect-file", path: `${file}/below`, absent: true }, true],
      [{ op: "expect-file", path: file, absent: true }, false],
      [{ op: "expect-file", path: `${file}.no` }, false],
      [{ ...same, inode: ino + 1n }, false],
      [{ ...same, size: 5 }, false],
      [{ ...same, modified: mtimeNs + 1n }, false],
      [{ ...same, changed: ctimeNs + 1n }, false],
      [{ ...same, data: Buffer.from("tex") }, false],
      [{ ...same, data: Buffer.from("texts") }, false],
    ];
    for (const [expectation, holds] of cases)
      await withRecord(t, bytesOf([expectation], [note("done")]), async (bed) => {
        const { inventory } = await bed.agent();
        assert.equal(
          inventory.notes.has("done"),
          holds,
          JSON.stringify({ ...expectation, inode: 0, modified: 0, changed: 0 }),
        );
        assert.equal(bed.stderr, "");
      });
  });

  it("ends at the first request that fails, and what was done stays", (t) =>
    withRecord(
      t,
      bytesOf(
        [note("one")],
        [note("two"), { op: "expect-file", path: "/no/such" }, note("three")],
        [note("four")],
      ),
      async (bed) => {
        const agent = await bed.agent();
        assert.deepEqual(names(agent), ["one", "two"]);
        assert.match(bed.stderr, /not followed to its end: expect file \/no\/such: Stale file handle/);
      },
    ));

  it("goes no further where a program cannot be executed", (t) =>
    withRecord(
      t,
      bytesOf([{ op: "spawn", id: "gone", spec: { arguments: ["/no/such"] } }], [waits], [note("after")]),
      async (bed) => {
        const agent = await bed.agent();
        assert.equal(agent.inventory.notes.size, 0);
        const { failure } = await agent.event("child-ended");
        assert.equal(failure?.stage, "exec");
        assert.match(bed.stderr, /a program could not be executed/);
      },
    ));

  it("waits for its programs, and signals end that", async (t) => {
    const fifo = join(place(t), "fifo");
    spawnSync("mkfifo", [fifo]);
    // Opening it for writing waits for somebody who reads.
    const held: Request = {
      op: "spawn",
      id: "held",
      spec: {
        arguments: ["/bin/sleep", "1000000"],
        descriptors: [{ target: 1, source: { path: fifo, flags: 1 } }],
      },
    };
    const record = bytesOf([held], [waits], [note("after")]);
    await withRecord(t, record, async (bed) => {
      const reader = await open(fifo, "r");
      assert.deepEqual(names(await bed.agent()), ["after", "held:running"]);
      await reader.close();
    });
    await withRecord(t, record, async (bed) => {
      const keeper = await bed.pid;
      await waitFor(
        "the helper waits",
        () => spawnSync("pgrep", ["-P", String(keeper), "-x", "spawn"]).status === 0,
      );
      await bed.signal("SIGTERM");
      const agent = await bed.agent();
      assert.deepEqual(names(agent), ["held:setup"]);
      await agent.event("signal");
      assert.match(bed.stderr, /a signal asks for the end/);
    });
  });

  it("does not wait for ever", async (t) => {
    const fifo = join(place(t), "fifo");
    spawnSync("mkfifo", [fifo]);
    const spec = {
      arguments: ["/bin/true"],
      descriptors: [{ target: 1, source: { path: fifo, flags: 1 } }],
    } as const;
    await withRecord(
      t,
      bytesOf([{ op: "spawn", id: "held", spec }], [waits], [note("after")]),
      async (bed) => {
        assert.deepEqual(names(await bed.agent()), ["held:setup"]);
        assert.match(bed.stderr, /takes too long/);
      },
    );
  });

  it("may hold only what a boot needs", async (t) => {
    const refused: readonly Request[] = [
      { op: "finish", how: "exit", code: 3 },
      { op: "relaunch" },
      { op: "hibernate" },
      { op: "replace-keeper" },
      { op: "configure", silence: 1 },
      { op: "signal-process", pid: 2, start: 1, signal: 9 },
    ];
    for (const request of refused)
      await withRecord(t, bytesOf([note("before")], [request], [note("after")]), async (bed) => {
        assert.deepEqual(names(await bed.agent()), ["before"]);
        assert.match(bed.stderr, /not in a record/);
      });
    await withRecord(t, bytesOf([waits, note("after")]), async (bed) => {
      assert.deepEqual(names(await bed.agent()), []);
      assert.match(bed.stderr, /not the last request/);
    });
  });

  it("is not the daemon's to ask for", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const text = /not in a conversation/;
      await agent.refused({ op: "expect-file", path: "/" }, EINVAL, text);
      await agent.refused(waits, EINVAL, text);
      const directory = join(bed.directory, "made");
      await agent.ok({ op: "make-directory", path: directory, mode: 0o700 });
      await agent.ok({ op: "make-directory", path: directory });
      assert.equal(statSync(directory).mode & 0o777, 0o700);
      await agent.refused(
        { op: "make-directory", path: join(bed.directory, "link") },
        constants.errno.EEXIST,
        /make directory/,
      );
    }));

  it("is passed over where others could have written it", async (t) => {
    const directory = place(t);
    const file = join(directory, "record");
    const found = async (options: string, text: RegExp): Promise<void> =>
      await withBed({ keeper: [`--record=${options}`] }, async (bed) => {
        assert.deepEqual(names(await bed.agent()), []);
        assert.match(bed.stderr, text);
      });
    writeFileSync(file, bytesOf([note("note")]));
    chmodSync(file, 0o620);
    await found(file, /others could have written it/);
    chmodSync(file, 0o600);
    symlinkSync(file, join(directory, "link"));
    await found(join(directory, "link"), /symbolic link/i);
    await found(directory, /no regular file/);
    await found(join(directory, "none"), /^$/);
    writeFileSync(file, bytesOf([note("note")]).fill(2, 8, 9));
    await found(file, /no record of this format/);
  });

  it("may be damaged anywhere: there is a daemon all the same", { timeout: 300_000 }, async (t) => {
    const whole = bytesOf(
      [{ op: "expect-file", path: "/" }, note("one")],
      [{ op: "pipe", name: "out" }, sleeper("a"), note("two")],
      [waits],
      [{ op: "make-directory", path: "/tmp" }, sleeper("b")],
    );
    // The same damage in each run.
    let seed = 1;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const damaged = Array.from({ length: 30 }, (_, index) => {
      if (index % 3 === 0) return whole.subarray(0, next(whole.length));
      const copy = Buffer.from(whole);
      for (let flips = 0; flips < 1 + (index % 4); flips += 1) {
        const at = next(copy.length);
        copy.writeUInt8(copy.readUInt8(at) ^ (1 << next(8)), at);
      }
      return copy;
    });
    for (const record of damaged)
      await withRecord(t, record, async (bed) => {
        const agent = await bed.agent();
        await agent.ok(note("alive"));
      });
  });
});
