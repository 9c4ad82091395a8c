// The bench's tables: medians, ratios, the best rival, goals; and its command line.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { goalOf } from "../../bench/goals.js";
import { checkNames, parseCommandLine } from "../../bench/options.js";
import { scaling } from "../../bench/scaling.js";
import { comparison, everyPeer, judged, type PeerKinds, rowsOf, type Sample } from "../../bench/table.js";

const kinds: PeerKinds = {
  ours: ["us", "us+more"],
  limits: ["limit"],
  incomparable: (peer, metric) => peer === "bystander" && metric.startsWith("log,"),
};

const sample = (peer: string, metric: string, value: number, size?: number): Sample => ({
  peer,
  round: 0,
  metric,
  value,
  ...(size === undefined ? {} : { size }),
});

function cellsOf(table: string, what: string): readonly string[] {
  const line = table.split("\n").find((one) => one.startsWith(`| ${what} |`));
  assert.ok(line, `${what} in\n${table}`);
  return line.split("|").map((cell) => cell.trim());
}

describe("the bench's tables", () => {
  it("gives the median of all rounds, by metric and size", () => {
    const rows = rowsOf([1, 9, 2].map((value) => sample("us", "list, ms", value, 100)));
    assert.equal(rows.length, 1);
    assert.equal(rows[0]?.medians.get("us"), 2);
    assert.equal(rows[0]?.size, 100);
  });

  it("compares with the best rival and never with a limit", () => {
    const metric = "stop, services gone, ms";
    const table = comparison(
      [
        sample("limit", metric, 1, 7),
        sample("us", metric, 10, 7),
        sample("a", metric, 5, 7),
        sample("b", metric, 20, 7),
      ],
      kinds,
    );
    assert.deepEqual(cellsOf(table, `${metric}, N = 7`).slice(2, 8), [
      "1.00",
      "10.0",
      "a 5.00",
      "2.00",
      "–",
      "–",
    ]);
  });

  it("has a row for each variant of ours, which is no rival", () => {
    const metric = "chain of 100, ms";
    const table = comparison(
      [sample("us", metric, 10), sample("us+more", metric, 5), sample("a", metric, 20)],
      kinds,
    );
    assert.deepEqual(cellsOf(table, metric).slice(3, 6), ["10.0", "a 20.0", "0.50"]);
    assert.deepEqual(cellsOf(table, `${metric} (+more)`).slice(3, 6), ["5.00", "a 20.0", "0.25"]);
  });

  it("has a ratio below 1 mean that ours is better, where more is better too", () => {
    const table = comparison([sample("us", "log, MB/s", 400), sample("s6", "log, MB/s", 200)], kinds);
    assert.deepEqual(cellsOf(table, "log, MB/s").slice(4, 8), ["s6 200", "0.50", "s6", "0.50 ✓"]);
  });

  it("does not compare with who does not do the same", () => {
    const table = comparison(
      [sample("us", "log, MB/s", 400), sample("bystander", "log, MB/s", 900), sample("a", "log, MB/s", 100)],
      kinds,
    );
    assert.equal(cellsOf(table, "log, MB/s")[4], "a 100");
    assert.equal(cellsOf(everyPeer([sample("bystander", "log, MB/s", 900)]), "log, MB/s")[2], "900");
  });

  it("takes a figure of nothing for reached, and anything above it for not", () => {
    const metric = "wake-ups in 20 s";
    assert.equal(
      cellsOf(comparison([sample("us", metric, 0, 100)], kinds), `${metric}, N = 100`)[7],
      "1.00 ✓",
    );
    assert.equal(
      cellsOf(comparison([sample("us", metric, 1, 100)], kinds), `${metric}, N = 100`)[7],
      "**∞ ✗✗**",
    );
  });

  it("takes a goal from the rival in the same run, and a recorded one where that is absent", () => {
    const metric = "exec to all running, ms";
    assert.deepEqual(
      goalOf(metric, 100, () => 500),
      { text: "0.4 × gnu-shepherd", value: 200 },
    );
    const recorded = goalOf(metric, 100, () => undefined);
    assert.match(recorded?.text ?? "", /recorded/);
    assert.equal(recorded?.value, 0.4 * 641);
    assert.equal(
      goalOf(metric, 5, () => 1),
      undefined,
    );
  });
});

describe("a goal of a rival that is absent", () => {
  it("is the recorded figure as those do here that were recorded beside it", () => {
    const here: Readonly<Record<string, number>> = { runit: 1942 / 2, s6: 4471 / 2 };
    const goal = goalOf("exec to all running, ms", 1000, (peer) => here[peer]);
    assert.equal(Math.round(goal?.value ?? 0), Math.round((1.15 * 1104) / 2));
    assert.match(goal?.text ?? "", /recorded: 1104; as runit and s6 do here: 552/);
  });
});

describe("a ratio to a goal", () => {
  it("is marked where it is missed, and where twice of it is", () => {
    assert.deepEqual([1.004, 1.01, 2, 2.01].map(judged), [
      "1.00 ✓",
      "**1.01 ✗**",
      "**2.00 ✗**",
      "**2.01 ✗✗**",
    ]);
    assert.equal(judged(undefined), "–");
  });
});

describe("the cost of a service", () => {
  it("is compared from each number of services to the next", () => {
    const metric = "list, ms";
    const table = scaling(
      [sample("us", metric, 10, 1000), sample("us", metric, 300, 10_000), sample("a", metric, 1, 1000)],
      (peer) => peer === "us",
    );
    assert.deepEqual(cellsOf(table ?? "", metric).slice(2, 5), ["1000 → 10000", "us", "**3.00 ✗✗**"]);
  });

  it("is none where the numbers are small", () => {
    assert.equal(
      scaling([sample("us", "list, ms", 1, 1), sample("us", "list, ms", 2, 100)], () => true),
      undefined,
    );
  });
});

describe("the bench's command line", () => {
  it("compares by default, and runs what is named", () => {
    const command = parseCommandLine(["--n", "1,10", "--rounds", "2", "--only", "boot,stop"]);
    assert.deepEqual(command, {
      kind: "compare",
      options: { sizes: [1, 10], rounds: 2, idle: 20, quick: false, only: ["boot", "stop"] },
    });
    assert.deepEqual(parseCommandLine(["recovery", "store"]), { kind: "own", names: ["recovery", "store"] });
  });

  it("is quick where asked, except in what is told otherwise", () => {
    const command = parseCommandLine(["--quick", "--rounds", "2"]);
    assert.deepEqual(command, {
      kind: "compare",
      options: { sizes: [1, 100], rounds: 2, idle: 5, quick: true },
    });
  });

  it("refuses what is no number, and names that do not exist", () => {
    assert.throws(() => parseCommandLine(["--n", "1,x"]), /--n: expected a number from 1 on, got 'x'/);
    assert.throws(() => checkNames("--only", ["boat"], ["boot"]), /there is no 'boat'; there are: boot/);
  });
});
