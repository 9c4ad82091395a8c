// `herd top`'s numbers and its table, from what the daemon tells to lines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { colourful, plain } from "../../../src/herd/render/style.js";
import { shortDuration, sorted } from "../../../src/herd/top/columns.js";
import { MOST_HISTORY, type Row, rowsOf, type Sample } from "../../../src/herd/top/sample.js";
import { sparkline } from "../../../src/herd/top/sparkline.js";
import { headingLine, layoutFor, plainTable, rowLine } from "../../../src/herd/top/table.js";
import type { Resources } from "../../../src/protocol/resources.js";
import type { ServiceStatus } from "../../../src/protocol/service-status.js";
import { sym } from "../../../src/protocol/sexp.js";
import { decodeUsage, encodeUsage } from "../../../src/protocol/usage.js";
import { changes, runningService, START, serviceOf } from "../fixtures.js";

const process = (pid: number) => ({ type: "process", pid, command: ["x"] }) as const;

function sampleOf(
  seconds: number,
  services: readonly ServiceStatus[],
  usage: Readonly<Record<string, Resources>> = {},
): Sample {
  return { at: seconds * 1000, now: START + seconds, services, usage: new Map(Object.entries(usage)) };
}

const web = runningService("web", START, process(17));

test("what a service uses shows in comparison with a moment before", () => {
  const first = sampleOf(0, [web], { web: { cpu: 1_000_000, memory: 2048 } });
  const second = sampleOf(2, [web], { web: { cpu: 1_500_000, memory: 4096 } });
  const [before] = rowsOf(first, undefined);
  assert.deepEqual(before, {
    name: "web",
    state: "running",
    pid: 17,
    memory: 2048,
    uptime: 0,
    restarts: 0,
    history: [],
  });
  const [row] = rowsOf(second, first, [before as Row]);
  assert.deepEqual([row?.cpu, row?.memory, row?.uptime, row?.history], [25, 4096, 2, [25]]);
  // It was started again meanwhile, and counts anew.
  const [again] = rowsOf(sampleOf(4, [web], { web: { cpu: 200_000 } }), second, [row as Row]);
  assert.deepEqual([again?.cpu, again?.history], [10, [25, 10]]);
  // It is known since now only, and has used more than there was in between.
  assert.equal(
    rowsOf(sampleOf(6, [web], { web: { cpu: 9_000_000 } }), sampleOf(4, [web]))[0]?.cpu,
    undefined,
  );
});

test("the history of a service is bounded", () => {
  let previous = sampleOf(0, [web], { web: { cpu: 0 } });
  let rows = rowsOf(previous, undefined);
  for (let second = 1; second <= MOST_HISTORY + 5; second += 1) {
    const sample = sampleOf(second, [web], { web: { cpu: second * 10_000 } });
    rows = rowsOf(sample, previous, rows);
    previous = sample;
  }
  assert.equal(rows[0]?.history.length, MOST_HISTORY);
});

const services = [
  web,
  serviceOf("bad", { startupFailures: [START], extra: new Map([["failure", "no port"]]) }),
  serviceOf("off", { enabled: false }),
  serviceOf("once", { oneShot: true, statusChanges: changes(["stopped", START]) }),
  serviceOf("slow", { status: "starting", statusChanges: changes(["starting", START]) }),
  serviceOf("idle"),
];
const usage = { web: { cpu: 500_000, memory: 12_897_485 } };
const rows = rowsOf(sampleOf(2, services, usage), sampleOf(0, services, { web: { cpu: 0 } }));

test("a plain table has every service, in full, with reasons", () => {
  assert.equal(
    plainTable(sorted(rows, { by: "cpu", reversed: false }), { style: plain, unicode: false }),
    [
      "SERVICE  STATE         PID   CPU %      MEMORY   UPTIME  RESTARTS",
      "web      running        17    25.0    12.3 MiB       2s         0",
      "bad      failed          -       -           -        -         0  no port",
      "idle     stopped         -       -           -        -         0",
      "off      disabled        -       -           -        -         0  disabled",
      "once     done            -       -           -        -         0",
      "slow     starting        -       -           -        -         0",
      "",
    ].join("\n"),
  );
});

test("a narrow terminal has fewer columns, and no line is too long", () => {
  for (let width = 12; width < 140; width += 1) {
    const layout = layoutFor(rows, width);
    for (const line of [
      headingLine(layout),
      ...rows.map((row) => rowLine(row, layout, { style: plain, unicode: true })),
    ])
      assert.ok([...line].length <= width || layout.columns.length === 3, `${width}: ${line}`);
  }
  assert.deepEqual(
    layoutFor(rows, 30).columns.map(({ name }) => name),
    ["name", "state", "cpu"],
  );
  assert.ok(layoutFor(rows, 120).historyWidth > 0);
});

test("states have colours, and only they", () => {
  const [bad] = rows.filter(({ name }) => name === "bad");
  const line = rowLine(bad as Row, layoutFor(rows), { style: colourful, unicode: true });
  assert.equal(line, "bad      \x1b[1;31mfailed  \x1b[0m        -       -           -        -         0");
});

test("sorting: each column its own way, what is not known last, equals by name", () => {
  const names = (by: Parameters<typeof sorted>[1]["by"], reversed = false): string =>
    sorted(rows, { by, reversed })
      .map(({ name }) => name)
      .join(" ");
  assert.equal(names("name"), "bad idle off once slow web");
  assert.equal(names("name", true), "web slow once off idle bad");
  assert.equal(names("memory"), "web bad idle off once slow");
  assert.equal(names("pid"), "web bad idle off once slow");
  assert.equal(names("state"), "bad slow web once off idle");
});

test("durations and sparklines", () => {
  assert.deepEqual([0, 59, 60, 3599, 3600, 90_000].map(shortDuration), [
    "0s",
    "59s",
    "1m00s",
    "59m59s",
    "1h00m",
    "1d01h",
  ]);
  assert.equal(sparkline([0, 50, 100], 10, true), "▁▅█");
  assert.equal(sparkline([0, 50, 100], 2, true), "▅█");
  assert.equal(sparkline([1, 0], 10, false), "__");
  assert.equal(sparkline([], 10, true), "");
});

test("usage is on the wire as it was; anything else is none", () => {
  const all = {
    pidNamespace: "boot pid:[1]",
    services: new Map<string, Resources>([["web", { memory: 1, cpu: 2, tasks: 3 }]]),
  };
  assert.deepEqual(decodeUsage([encodeUsage(all)]), all);
  assert.deepEqual(decodeUsage([encodeUsage({ services: new Map() })]), { services: new Map() });
  assert.equal(decodeUsage([]), undefined);
  assert.equal(decodeUsage([[sym("usage"), [sym("version"), 0], [sym("services"), [7]]]]), undefined);
});
