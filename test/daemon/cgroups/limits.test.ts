// Limits as definitions have them, and as the kernel wants them.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { applyLimits, holds, settingsOf, unapplied } from "../../../src/daemon/cgroups/limits.js";
import { service } from "../../../src/daemon/definition/service.js";
import { isFrozenThroughout, mistake, untyped } from "../definition/support.js";

const limits = (cgroup: unknown) => service(["web"], { cgroup: untyped(cgroup) }).cgroup;

describe("a definition's limits", () => {
  const sizes: Readonly<Record<string, number>> = {
    "512K": 524_288,
    "64M": 67_108_864,
    "1.5G": 1_610_612_736,
    "2T": 2_199_023_255_552,
    "100": 100,
  };
  for (const [text, bytes] of Object.entries(sizes))
    it(`${text} is ${bytes} bytes`, () =>
      assert.deepEqual(limits({ memoryMax: text }), { memoryMax: bytes }));

  it("are kept, and frozen", () => {
    const given = {
      memoryHigh: 5,
      memorySwapMax: 0,
      pidsMax: 1,
      cpuMax: 0.5,
      cpuWeight: 1,
      ioWeight: 10_000,
    };
    assert.deepEqual(limits(given), given);
    assert.ok(isFrozenThroughout(limits(given)));
    assert.equal(limits(false), false);
    assert.equal("cgroup" in service(["web"]), false);
  });

  const mistakes: readonly (readonly [cgroup: unknown, message: RegExp])[] = [
    [true, /service "web": field "cgroup": expected an object with limits, or false, got true$/],
    [{ memoryMax: "64MB" }, /field "cgroup": field "memoryMax": expected a number of bytes, .*got "64MB"$/],
    [{ memoryMax: 0 }, /field "memoryMax": .*not 0, got 0$/],
    [{ memoryHigh: "-1" }, /field "memoryHigh"/],
    [{ memorySwapMax: "9999999999T" }, /field "memorySwapMax"/],
    [{ pidsMax: 0 }, /field "pidsMax": expected an integer from 1/],
    [{ pidsMax: 1.5 }, /field "pidsMax"/],
    [{ cpuMax: 0 }, /field "cpuMax": expected a number of CPUs from 0.01/],
    [{ cpuMax: Number.NaN }, /field "cpuMax"/],
    [{ cpuWeight: 10_001 }, /field "cpuWeight": expected an integer from 1 to 10000, got 10001$/],
    [{ memory: 1 }, /unknown field "memory"/],
  ];
  for (const [cgroup, message] of mistakes)
    it(`${JSON.stringify(cgroup)} is refused`, () =>
      assert.match(
        mistake(() => limits(cgroup)),
        message,
      ));
});

describe("what is written", () => {
  /** A stand-in for a cgroup, with the control files that its controllers give it. */
  const cgroup = (t: TestContext, files: Readonly<Record<string, string>>): string => {
    const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
    t.after(() => rmSync(directory, { recursive: true }));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
    return directory;
  };

  it("is what the kernel's files take", () => {
    const all = {
      memoryMax: 1,
      memoryHigh: 2,
      memorySwapMax: 3,
      pidsMax: 4,
      cpuMax: 0.5,
      cpuWeight: 6,
      ioWeight: 7,
    };
    assert.deepEqual(
      settingsOf(all).map(({ file, value }) => `${file} ${value}`),
      [
        "memory.max 1",
        "memory.high 2",
        "memory.swap.max 3",
        "pids.max 4",
        "cpu.max 50000 100000",
        "cpu.weight 6",
        "io.weight default 7",
      ],
    );
  });

  it("is in force where it reads the same, or is rounded down to pages", () => {
    assert.ok(holds({ file: "memory.max", value: "10000" }, "8192\n"));
    assert.ok(!holds({ file: "memory.max", value: "10000" }, "max\n"));
    assert.ok(!holds({ file: "memory.max", value: "8192" }, "12288\n"));
    assert.ok(!holds({ file: "pids.max", value: "100" }, "99\n"));
    assert.ok(holds({ file: "io.weight", value: "default 50" }, "default 50\n8:0 10\n"));
  });

  it("reaches the files that are there, and what does not is told", async (t) => {
    const directory = cgroup(t, { "pids.max": "max", "cpu.weight": "100" });
    assert.deepEqual(await applyLimits(directory, { pidsMax: 5, memoryMax: 4096 }, false), []);
    assert.equal(readFileSync(join(directory, "pids.max"), "utf8").slice(0, 1), "5");
    writeFileSync(join(directory, "pids.max"), "5\n");
    const why = (controller: string): string => `no ${controller} controller here`;
    assert.deepEqual(await unapplied(directory, { pidsMax: 5, memoryMax: 4096, cpuWeight: 7 }, why), [
      "memory.max (no memory controller here)",
      "cpu.weight (it is 100)",
    ]);
    assert.deepEqual(await unapplied(undefined, { pidsMax: 5 }, why), ["pids.max (no pids controller here)"]);
  });

  it("takes away what an earlier start had", async (t) => {
    const directory = cgroup(t, { "pids.max": "5", "cpu.weight": "7" });
    await applyLimits(directory, { cpuWeight: 8 }, true);
    assert.equal(readFileSync(join(directory, "pids.max"), "utf8"), "max");
    assert.equal(readFileSync(join(directory, "cpu.weight"), "utf8"), "8");
  });
});
