// Why a service is not up, as the daemon tells it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { waitingOf } from "../../../src/daemon/control/waiting.js";
import { type Sexp, sym } from "../../../src/protocol/sexp.js";
import { decodeWaiting, encodeWaiting, type Waiting } from "../../../src/protocol/waiting.js";
import { client, definition, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";

const nothing: Waiting = { wanted: false, lacking: [], awaitedBy: [] };

test("what waits for a start tells for what, and what is waited for, by whom", async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<true>((resolve) => {
    open = () => resolve(true);
  });
  const { system } = testSystem([
    definition("db", { start: () => gate }),
    definition("done", { oneShot: true, start: () => true }),
    definition("web", { requirement: ["db", "done"], start: () => true }),
    definition("front", { requirement: ["web"], start: () => true }),
  ]);
  const { registry, supervisor } = system;
  const told = (name: string): Waiting => waitingOf(registry.get(name), registry);
  assert.deepEqual(told("front"), nothing);
  const front = supervisor.start("front", [], client());
  await waitFor("db is starting", () => registry.get("db").state.status === "starting");
  await waitFor("the one-shot is done", () => told("web").lacking.length === 1);
  assert.deepEqual(told("front"), {
    wanted: true,
    lacking: [{ service: "web", how: "starting" }],
    awaitedBy: [],
  });
  assert.deepEqual(told("web"), {
    wanted: true,
    lacking: [{ service: "db", how: "starting" }],
    awaitedBy: ["front"],
  });
  assert.deepEqual(told("db"), { wanted: false, lacking: [], awaitedBy: ["web"] });
  open();
  assert.equal(await front, true);
  for (const name of ["db", "web", "front"]) assert.deepEqual(told(name), nothing);
});

test("what could not be started tells which requirement is to blame", async () => {
  const { system } = testSystem([
    definition("bad", { start: () => false }),
    definition("off", { start: () => true }),
    definition("fine", { start: () => true }),
    definition("web", { requirement: ["bad", "off", "fine"], start: () => true }),
  ]);
  const { registry, supervisor } = system;
  const lacking = (): Waiting["lacking"] => waitingOf(registry.get("web"), registry).lacking;
  assert.deepEqual(lacking(), []);
  await supervisor.start("bad", [], client());
  registry.get("off").disable();
  assert.deepEqual(lacking(), [
    { service: "bad", how: "failed" },
    { service: "off", how: "disabled" },
  ]);
  registry.unregister(registry.get("fine"));
  assert.deepEqual(lacking().at(-1), { service: "fine", how: "missing" });
});

test("on the wire it is as it was, and what is malformed is passed over", () => {
  const all: Waiting = {
    wanted: true,
    lacking: [{ service: "db", how: "stopped" }],
    awaitedBy: ["front"],
    respawnAt: 17,
  };
  assert.deepEqual(decodeWaiting(new Map(encodeWaiting(all))), all);
  assert.deepEqual(encodeWaiting(nothing), []);
  const hostile = new Map<string, Sexp>([
    ["lacking", [[sym("db"), sym("on fire")]]],
    ["awaited-by", ["text"]],
    ["respawn-at", "soon"],
    ["start-pending?", 1],
  ]);
  assert.deepEqual(decodeWaiting(hostile), nothing);
});
