// What the page shows of services, where it draws them, and how it writes numbers: pure functions.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { sizeText, spanText, summaryText } from "../../src/web/format.js";
import { layoutOf } from "../../src/web/layout.js";
import { metricsText } from "../../src/web/metrics.js";
import { recently } from "../../src/web/recently.js";
import { byName, missingServices, serviceView, stateOf } from "../../src/web/service-view.js";
import { statusOf as status } from "./statuses.js";

const stopped = [{ status: "stopped", time: 5 }] as const;

describe("the view of a service", () => {
  const why = (service: ServiceStatus, ...others: ServiceStatus[]): string | undefined =>
    serviceView(service, byName([service, ...others])).why;

  it("tells why it is down", () => {
    assert.equal(why(status("a")), "Not started.");
    assert.equal(why(status("a", { statusChanges: stopped })), undefined);
    assert.equal(
      why(status("a", { startupFailures: [5], statusChanges: stopped }, [["failure", "no such file"]])),
      "Failed to start: no such file.",
    );
    assert.equal(
      why(
        status("a", { enabled: false, statusChanges: stopped, exitStatuses: [{ status: 9, time: 5 }] }, [
          ["disabled-because", "it respawned too fast"],
          ["out-of-memory", [5]],
        ]),
      ),
      "Disabled: it respawned too fast. Process terminated with signal 9. It ran out of memory.",
    );
    assert.equal(
      why(status("a", { statusChanges: stopped, exitStatuses: [{ status: 0, time: 5 }] })),
      undefined,
    );
  });

  it("tells what it waits for", () => {
    const waiting = status("a", { status: "starting", requires: ["b", "c", "d"] });
    assert.equal(
      why(waiting, status("b", { status: "starting" }), status("c", { status: "running" })),
      "Waits for b.",
    );
  });

  it("names what it requires by the canonical name", () => {
    const a = status("a", { requires: ["alias"] });
    const b = { ...status("b"), provides: ["b", "alias"] as const };
    assert.deepEqual(serviceView(a, byName([a, b])).requires, ["b"]);
  });

  it("tells a failure from a stop, and a one-shot that is done from one that was never run", () => {
    assert.equal(stateOf(status("a")), "stopped");
    assert.equal(stateOf(status("a", { startupFailures: [1] })), "failed");
    assert.equal(stateOf(status("a", { enabled: false, lastRespawns: [1] })), "failed");
    assert.equal(stateOf(status("a", { oneShot: true })), "stopped");
    assert.equal(stateOf(status("a", { oneShot: true, statusChanges: stopped })), "done");
    assert.equal(stateOf(status("a", { status: "stopping" })), "stopping");
  });
});

it("a system is ready without what is started on demand, transient, obsolete or skipped", () => {
  const services = [
    status("up", { status: "running" }),
    status("done", { oneShot: true, statusChanges: stopped }),
    status("demand", {}, [["auto-start?", false]]),
    status("old", {}, [["obsolete?", true]]),
    status("skipped", { statusChanges: stopped }, [["skipped", "ConditionPathExists=/x"]]),
    status("brief", { transient: true }),
  ];
  assert.deepEqual(missingServices(services), []);
  assert.deepEqual(
    missingServices([
      ...services,
      status("z", { status: "starting" }),
      status("down"),
      status("bad", { startupFailures: [1] }),
    ]),
    ["bad", "down", "z"],
  );
});

describe("the layout", () => {
  const member = (name: string, ...requires: string[]) => ({ name, requires });

  it("puts what is required to the left, and nothing over anything", () => {
    const { nodes, edges, width, height } = layoutOf([
      member("web", "db", "net"),
      member("db", "disk"),
      member("disk"),
      member("net"),
      member("alone"),
      member("lost", "nowhere"),
    ]);
    const at = new Map(nodes.map((node) => [node.name, node]));
    assert.equal(nodes.length, 6);
    assert.deepEqual(edges.length, 3);
    for (const { from, to } of edges) {
      const [right, left] = [at.get(from), at.get(to)];
      assert.ok(right !== undefined && left !== undefined && left.x + left.width < right.x);
    }
    for (const { x, y, width: own } of nodes)
      assert.ok(x >= 0 && y >= 14 && x + own <= width && y + 14 <= height);
    for (const [index, one] of nodes.entries())
      for (const other of nodes.slice(index + 1))
        assert.ok(
          Math.abs(one.y - other.y) >= 28 || one.x + one.width <= other.x || other.x + other.width <= one.x,
        );
  });

  it("draws circles, repetitions and nothing at all", () => {
    assert.equal(layoutOf([member("a", "b"), member("b", "a"), member("c", "c", "a", "a")]).nodes.length, 3);
    assert.deepEqual(layoutOf([]).nodes, []);
  });

  it("takes a deep chain", () => {
    const chain = Array.from({ length: 3000 }, (_, index) =>
      member(`s${index}`, ...(index === 0 ? [] : [`s${index - 1}`])),
    );
    assert.equal(layoutOf(chain).nodes.length, 3000);
  });
});

it("writes spans, sizes and sums", () => {
  assert.deepEqual([-5, 0.4, 59, 61, 3600, 7500, 90_061].map(spanText), [
    "0 s",
    "0 s",
    "59 s",
    "1 min 1 s",
    "1 h",
    "2 h 5 min",
    "1 d 1 h",
  ]);
  assert.deepEqual([0, 1023, 1024, 12_900_000].map(sizeText), ["0 B", "1023 B", "1.0 KiB", "12.3 MiB"]);
  assert.equal(summaryText(["failed", "running", "running"]), "3 services: 2 running, 1 failed");
  assert.equal(summaryText(["done"]), "1 service: 1 done");
});

it("metrics escape what names hold, and tell when nobody answers", async () => {
  const nothing = { memory: new Map(), alarms: new Map() };
  assert.equal(
    await metricsText({ services: undefined, ...nothing }),
    "# HELP shepherd_up Whether the supervisor answers.\n# TYPE shepherd_up gauge\nshepherd_up 0\n# EOF\n",
  );
  const services = [status('a"\\b', { status: "running", statusChanges: [{ status: "running", time: 7 }] })];
  const text = await metricsText({ services, memory: new Map(), alarms: new Map([['a"\\b', 9]]) });
  assert.match(text, /shepherd_service_state_timestamp_seconds\{service="a\\"\\\\b"\} 7\n/);
  assert.match(text, /shepherd_timer_next_timestamp_seconds\{service="a\\"\\\\b"\} 9\n/);
});

it("those who ask together get one answer, and a failure is not kept for good", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  const find = recently(async () => {
    asked += 1;
    if (asked === 2) throw new Error("down");
    return asked;
  }, 1000);
  assert.deepEqual(await Promise.all([find(), find()]), [1, 1]);
  assert.equal(await find(), 1);
  t.mock.timers.tick(1000);
  await assert.rejects(find(), /down/);
  await assert.rejects(find(), /down/);
  await Promise.resolve();
  t.mock.timers.tick(1000);
  assert.equal(await find(), 3);
});
