// Why a service is not up, as herd shows it: in the block of one service, and to people in the overview.

import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText } from "../../src/herd/progress.js";
import { renderSummary } from "../../src/herd/render/detail.js";
import { renderOverview } from "../../src/herd/render/overview.js";
import { plain } from "../../src/herd/render/style.js";
import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { encodeWaiting, type Waiting } from "../../src/protocol/waiting.js";
import { changes, START, serviceOf } from "./fixtures.js";

process.env.TZ = "UTC";

function waiting(told: Partial<Waiting>): Pick<ServiceStatus, "extra"> {
  return { extra: new Map(encodeWaiting({ wanted: false, lacking: [], awaitedBy: [], ...told })) };
}

test("the block of a service tells what it waits for, where GNU herd has nothing", () => {
  const shown = (service: ServiceStatus): readonly string[] =>
    renderSummary(service, { style: plain, now: START, history: 5, unicode: true })
      .split("\n")
      .filter((line) => line.startsWith("    ("));
  const told = waiting({
    wanted: true,
    lacking: [
      { service: "db", how: "starting" },
      { service: "cache", how: "stopped" },
    ],
    awaitedBy: ["front", "back"],
    respawnAt: START + 3,
  });
  assert.deepEqual(shown(serviceOf("web", told)), [
    "    (it is to be started again at 20:49:25 (in 3 seconds))",
    "    (it is to be started, and waits for db, which is starting; cache, which is stopped)",
    "    (awaited by front, back)",
  ]);
  assert.deepEqual(shown(serviceOf("web", waiting({ lacking: [{ service: "db", how: "missing" }] }))), [
    "    (it requires db, which does not exist)",
  ]);
  const many = Array.from({ length: 9 }, (_, index) => `s${index}`);
  assert.deepEqual(shown(serviceOf("web", waiting({ awaitedBy: many }))), [
    "    (awaited by s0, s1, s2, s3, s4, and 4 more)",
  ]);
  assert.deepEqual(shown(serviceOf("web", { ...told, status: "running" })), []);
  assert.deepEqual(shown(serviceOf("web")), []);
});

test("the overview has reasons for people, and else is GNU herd's", () => {
  const exit = { status: 256, time: START };
  const failure = `no port\nat line 1 ${"x".repeat(200)}`;
  const services = [
    serviceOf("bad", { startupFailures: [1], extra: new Map([["failure", failure]]) }),
    serviceOf("crash", { enabled: false, extra: new Map([["disabled-because", "Respawning too fast."]]) }),
    serviceOf("ended", { exitStatuses: [exit], statusChanges: changes(["stopped", START], ["running", 1]) }),
    serviceOf("told", {
      exitStatuses: [{ status: 15, time: START }],
      statusChanges: changes(["stopped", START], ["stopping", START], ["running", 1]),
    }),
    serviceOf("web", waiting({ wanted: true, lacking: [{ service: "db", how: "starting" }] })),
    serviceOf("again", waiting({ respawnAt: START + 4 })),
    serviceOf("db", {
      status: "starting",
      statusChanges: changes(["starting", START - 10]),
      ...waiting({ awaitedBy: ["web"] }),
    }),
  ];
  const shown = (reasons: boolean): string => renderOverview(services, { style: plain, now: START, reasons });
  assert.equal(
    shown(true),
    "Starting:\n ^ db  for 10 seconds; awaited by web\n" +
      "Stopped:\n - again  to be started again in 4 seconds\n - crash  disabled: Respawning too fast\n" +
      " - ended  process exited with code 1\n - told\n" +
      " - web  it is to be started, and waits for db, which is starting\n" +
      "Failed to start:\n ! bad  no port...\n",
  );
  assert.equal(
    shown(false),
    "Starting:\n ^ db\nStopped:\n - again\n - crash\n - ended\n - told\n - web\nFailed to start:\n ! bad\n",
  );
});

test("how far a start or stop is, over all that it takes along", () => {
  const services = [
    serviceOf("root", { status: "running" }),
    serviceOf("once", { oneShot: true, statusChanges: changes(["stopped", START]) }),
    serviceOf("db", { status: "starting", requires: ["once", "root"], provides: ["db", "sql"] }),
    serviceOf("web", { requires: ["sql", "gone"] }),
    serviceOf("front", { requires: ["web"], status: "stopping" }),
    serviceOf("other", { status: "running" }),
  ];
  const text = (action: "start" | "stop" | "restart", service: string, began = START): string | undefined =>
    progressText({ action, service }, services, began, START + 4);
  assert.equal(text("start", "web"), "Starting web: 1 of 3 services are up; starting: db (4 s)");
  assert.equal(text("stop", "sql"), "Stopping sql: 1 of 3 services are down; stopping: front (4 s)");
  assert.equal(text("stop", "root"), "Stopping all: 2 of 5 services are down; stopping: front (4 s)");
  assert.equal(text("restart", "db"), "Restarting db: 0 of 2 services are up; starting: db (4 s)");
  // One service alone is waited for without a word, and so is what is done.
  assert.equal(text("start", "other"), undefined);
  assert.equal(text("start", "nosuch"), undefined);
  assert.equal(progressText({ action: "stop", service: "web" }, [serviceOf("web")], 0, 0), undefined);
});
