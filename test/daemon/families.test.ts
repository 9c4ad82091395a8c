// Who descends from whom is looked up for each that is asked of, or for all that are asked of in one turn at once.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { Families } from "../../src/daemon/families.js";
import { Strangers } from "../../src/daemon/strangers.js";
import { findSurvivors } from "../../src/daemon/survivors.js";

const many = 8;

/** Shells that each have left a process in a session of its own, and without their environment. */
async function withParents(
  count: number,
  body: (parents: readonly { readonly pid: number; readonly child: number }[]) => Promise<void>,
): Promise<void> {
  const script = "setsid env -i sh -c 'echo $$; exec sleep 1000' & wait";
  const shells: ChildProcess[] = [];
  const found: { readonly pid: number; readonly child: number }[] = [];
  try {
    for (let index = 0; index < count; index += 1)
      shells.push(spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"], detached: true }));
    for (const { pid = 0, stdout } of shells) {
      assert.ok(stdout !== null);
      const [line] = (await once(stdout, "data")) as [Buffer];
      found.push({ pid, child: Number(line.toString()) });
    }
    await body(found);
  } finally {
    for (const { child } of found) process.kill(child, "SIGKILL");
    for (const shell of shells) shell.kill("SIGKILL");
  }
}

/** As many numbers, of no process, as make a look at all others worth while. */
const enough = Array.from({ length: 2000 }, (_, index) => 10_000_000 + index);

/** One that counts how often it was about to look at all processes. */
function counted(pids: readonly number[] = enough): { readonly families: Families; looks(): number } {
  let looks = 0;
  const known = new Set(pids);
  const families = new Families(() => {
    looks += 1;
    return known;
  });
  return { families, looks: () => looks };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const [how, known] of [
  ["all at once", enough],
  ["one by one where there is too much else", []],
] as const)
  test(`children are found, ${how}`, () =>
    withParents(many, async (parents) => {
      const { families, looks } = counted(known);
      for (const { pid, child } of parents) {
        assert.deepEqual(families.childrenOf(pid), [child]);
        const stat = families.statOf(child);
        assert.deepEqual([stat?.parent, stat?.session], [pid, child]);
        assert.deepEqual(families.childrenOf(child), []);
      }
      assert.equal(looks(), 1);
    }));

test("what is known holds for one turn", () =>
  withParents(1, async ([parent]) => {
    assert.ok(parent !== undefined);
    const { families, looks } = counted();
    for (let index = 0; index < many; index += 1) families.childrenOf(1);
    const late = spawn("sleep", ["1000"]);
    try {
      await once(late, "spawn");
      await turn();
      assert.ok(families.childrenOf(process.pid).includes(late.pid ?? 0));
      assert.equal(families.statOf(late.pid ?? 0)?.pid, late.pid);
      assert.equal(looks(), 1);
    } finally {
      late.kill("SIGKILL");
    }
  }));

test("a look for many is taken at once, and is what the rest of the turn sees", () =>
  withParents(1, async ([parent]) => {
    assert.ok(parent !== undefined);
    const { families, looks } = counted();
    assert.equal(families.lookFor(1), false, "one is looked at by itself");
    assert.equal(looks(), 0);
    assert.equal(families.lookFor(many), true);
    const late = spawn("sleep", ["1000"]);
    try {
      assert.deepEqual(families.childrenOf(parent.pid), [parent.child]);
      assert.equal(families.childrenOf(process.pid).includes(late.pid ?? 0), false);
      assert.equal(families.lookFor(many), true);
      assert.equal(looks(), 1);
      await turn();
      assert.ok(families.childrenOf(process.pid).includes(late.pid ?? 0));
    } finally {
      late.kill("SIGKILL");
    }
    const { families: alone } = counted([]);
    assert.equal(alone.lookFor(many), false, "there is too much else");
  }));

test("of each of many services in one turn, what has left its group, its session and its mark is found", () =>
  withParents(many, async (parents) => {
    const known = new Set(enough);
    for (const { pid } of parents) known.add(pid);
    const strangers = new Strangers(process.pid, () => known);
    const found = await Promise.all(
      parents.map(({ pid }) => findSurvivors({ leader: pid, lives: true, mark: "none" }, strangers)),
    );
    assert.deepEqual(
      found.map((survivors) => survivors.map(({ pid }) => pid)),
      parents.map(({ child }) => [child]),
    );
  }));
