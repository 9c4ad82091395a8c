// Limits, priorities and cgroup limits, as systemd.exec(5) and systemd.resource-control(5) have them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { cgroupOptions, cgroupShortfalls } from "../../../../src/daemon/units/execution/cgroup.js";
import { schedulingOf } from "../../../../src/daemon/units/execution/limits.js";
import {
  isUnbounded,
  type Powers,
  parseLimits,
  parseProcessors,
  readPowers,
} from "../../../../src/daemon/units/execution/powers.js";
import { serviceOf } from "../../../systemd-compat/fixtures.js";

const settings = (lines: string) => serviceOf(lines).service;

const container: Powers = {
  unbounded: false,
  limits: new Map([
    [7, 4096],
    [8, 65_536],
    [4, undefined],
  ]),
  oomScoreAdjust: 100,
  mostDescriptors: 1_048_576,
  processors: new Set([0, 1]),
};

test("limits have the kernel's numbers, and both of them where one is given", () => {
  const lines = "LimitNOFILE=1024:65536\nLimitCORE=infinity\nLimitCPU=1min\nLimitNICE=-5\nLimitRTTIME=1s";
  assert.deepEqual(schedulingOf(settings(lines), undefined).spec.limits, [
    { resource: 0, soft: 60, hard: 60 },
    { resource: 4, soft: undefined, hard: undefined },
    { resource: 7, soft: 1024, hard: 65_536 },
    { resource: 13, soft: 25, hard: 25 },
    { resource: 15, soft: 1_000_000, hard: 1_000_000 },
  ]);
  assert.deepEqual(schedulingOf(settings(""), container), { spec: {}, notApplied: [] });
});

test("limits that the supervisor may not give are the most that it may, and that is told", () => {
  const { spec, notApplied } = schedulingOf(
    settings("LimitNOFILE=65535\nLimitMEMLOCK=infinity\nLimitCORE=infinity\nLimitNPROC=10"),
    container,
  );
  assert.deepEqual(spec.limits, [
    { resource: 4, soft: undefined, hard: undefined },
    { resource: 7, soft: 4096, hard: 4096 },
    { resource: 6, soft: 10, hard: 10 },
    { resource: 8, soft: 65_536, hard: 65_536 },
  ]);
  assert.deepEqual(
    notApplied.map(({ directive, extent }) => [directive, extent]),
    [
      ["LimitNOFILE", "partly"],
      ["LimitMEMLOCK", "partly"],
    ],
  );
  assert.match(notApplied[0]?.why ?? "", /4096/);
  // Root of the machine may give all but more descriptors than there can be.
  const root = schedulingOf(settings("LimitNOFILE=2000000\nLimitMEMLOCK=infinity"), {
    ...container,
    unbounded: true,
  });
  assert.deepEqual(root.spec.limits, [
    { resource: 7, soft: 1_048_576, hard: 1_048_576 },
    { resource: 8, soft: undefined, hard: undefined },
  ]);
});

test("priorities are the kernel's numbers", () => {
  const of = (lines: string) => schedulingOf(settings(lines), undefined).spec;
  assert.deepEqual(of("Nice=5\nOOMScoreAdjust=-900"), { nice: 5, oomScoreAdjustment: -900 });
  assert.equal(of("IOSchedulingClass=idle\nIOSchedulingPriority=3").ioPriority, 3 << 13);
  assert.equal(of("IOSchedulingClass=realtime").ioPriority, (1 << 13) | 4);
  assert.equal(of("IOSchedulingPriority=7").ioPriority, (2 << 13) | 7);
  assert.deepEqual(of("CPUSchedulingPolicy=fifo\nCPUSchedulingPriority=50").scheduler, {
    policy: 1,
    priority: 50,
  });
  assert.deepEqual(of("CPUSchedulingPolicy=rr").scheduler, { policy: 2, priority: 1 });
  assert.deepEqual(
    of("CPUSchedulingPolicy=batch\nCPUSchedulingPriority=50\nCPUSchedulingResetOnFork=yes").scheduler,
    {
      policy: 3,
      priority: 0,
      resetOnFork: true,
    },
  );
  assert.deepEqual(of("CPUAffinity=0-2 5").processors, [0, 1, 2, 5]);
});

test("what a container does not let us do is left out, and told", () => {
  const lower = schedulingOf(settings("OOMScoreAdjust=-900"), container);
  assert.deepEqual(lower.spec, {});
  assert.deepEqual(
    lower.notApplied.map(({ directive }) => directive),
    ["OOMScoreAdjust"],
  );
  assert.equal(schedulingOf(settings("OOMScoreAdjust=200"), container).spec.oomScoreAdjustment, 200);
  const elsewhere = schedulingOf(settings("CPUAffinity=64"), container);
  assert.deepEqual(elsewhere.spec, {});
  assert.deepEqual(
    elsewhere.notApplied.map(({ directive }) => directive),
    ["CPUAffinity"],
  );
  assert.deepEqual(schedulingOf(settings("CPUAffinity=1 64"), container).spec.processors, [1, 64]);
});

test("the keeper's powers are read from the kernel", async () => {
  const limits = parseLimits(
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
      "Max cpu time              unlimited            unlimited            seconds   \n" +
      "Max open files            1024                 524288               files     \n" +
      "Max nice priority         0                    0                    \n",
  );
  assert.deepEqual(
    [...limits],
    [
      [0, undefined],
      [7, 524_288],
      [13, 0],
    ],
  );
  const status = "CapPrm:\t0000000001000000\nCapEff:\t0000000001000000\nCpus_allowed_list:\t0-2,7\n";
  assert.equal(isUnbounded(status, "         0          0 4294967295\n"), true);
  assert.equal(isUnbounded(status, "         0     100000      65536\n"), false);
  assert.equal(isUnbounded("CapEff:\t0000000000000001\n", "0 0 4294967295"), false);
  assert.deepEqual([...parseProcessors(status)], [0, 1, 2, 7]);
  const own = await readPowers(process.pid);
  assert.ok((own?.processors.size ?? 0) > 0);
  assert.ok((own?.limits.get(7) ?? Number.POSITIVE_INFINITY) > 0);
  assert.equal(await readPowers(2 ** 30), undefined);
});

test("cgroup limits are those that services' cgroups have", () => {
  const capacity = { memory: 1000, tasks: 100, cpus: 2 };
  const of = (lines: string) => cgroupOptions(settings(lines), capacity);
  assert.equal(of(""), undefined);
  assert.equal(of("MemoryMax=infinity\nTasksMax=infinity"), undefined);
  assert.deepEqual(
    of(
      "MemoryMax=1G\nMemoryHigh=50%\nMemorySwapMax=0\nTasksMax=10%\nCPUQuota=150%\nCPUWeight=10\nIOWeight=200",
    ),
    {
      memoryMax: 2 ** 30,
      memoryHigh: 500,
      memorySwapMax: 0,
      pidsMax: 10,
      cpuMax: 1.5,
      cpuWeight: 10,
      ioWeight: 200,
    },
  );
  assert.deepEqual(of("MemoryLimit=1K\nCPUShares=1024\nBlockIOWeight=500"), {
    memoryMax: 1024,
    cpuWeight: 100,
    ioWeight: 100,
  });
  assert.deepEqual(of("CPUWeight=idle\nCPUQuota=0.1%"), { cpuMax: 0.01, cpuWeight: 1 });
});

test("cgroup limits that there are none of are told", () => {
  const names = cgroupShortfalls(settings("MemoryLow=1M\nAllowedCPUs=0\nMemoryMax=1G\nCPUWeight=idle")).map(
    ({ directive }) => directive,
  );
  assert.deepEqual(names, ["AllowedCPUs", "MemoryLow", "CPUWeight"]);
});
