// What a service uses, on its way over the wire into `herd status SERVICE` and into JSON.

import assert from "node:assert/strict";
import { it } from "node:test";
import { renderSummary } from "../../src/herd/render/detail.js";
import { serviceToJson } from "../../src/herd/render/json.js";
import { plain } from "../../src/herd/render/style.js";
import { decodeResources, encodeResources, type Resources } from "../../src/protocol/resources.js";
import {
  decodeService,
  encodeService,
  type ServiceState,
  type ServiceStatus,
} from "../../src/protocol/service-status.js";
import { type Sexp, sym } from "../../src/protocol/sexp.js";
import { serviceOf } from "./fixtures.js";

const all: Resources = {
  cgroup: "/sys/fs/cgroup/services/web.service",
  memory: 12_897_485,
  memoryPeak: 2 ** 30,
  memoryMax: 64 * 2 ** 20,
  cpu: 1_234_567,
  tasks: 3,
  tasksMax: 100,
  oomKills: 2,
  notApplied: ["io.weight (no io controller here)"],
};

const having = (resources: Sexp, status: ServiceState = "running"): ServiceStatus =>
  decodeService(encodeService(serviceOf("web", { status, extra: new Map([["resources", resources]]) })));
const lines = (service: ServiceStatus): readonly string[] =>
  renderSummary(service, { style: plain, now: 0, history: 5, unicode: true })
    .split("\n")
    .filter((line) => /Memory|CPU|Tasks|Killed|Limits|memory/.test(line));

it("all that is known is shown", () => {
  assert.deepEqual(lines(having(encodeResources(all))), [
    "  Memory: 12.3 MiB (peak 1 GiB, max 64 MiB)",
    "  CPU: 1.2 s",
    "  Tasks: 3 (max 100)",
    "  Killed for want of memory: 2",
    "  Limits not applied: io.weight (no io controller here)",
  ]);
  const { resources } = serviceToJson(having(encodeResources(all))) as { readonly resources: unknown };
  assert.deepEqual(resources, all);
});

it("what is not known is not", () => {
  assert.deepEqual(lines(having(encodeResources({ memory: 100, tasks: 1, oomKills: 0 }))), [
    "  Memory: 100 B",
    "  Tasks: 1",
  ]);
  assert.deepEqual(lines(serviceOf("web")), []);
  assert.equal("resources" in (serviceToJson(serviceOf("web")) as object), false);
});

it("what is no such field is passed over", () => {
  assert.equal(decodeResources("nonsense"), undefined);
  assert.deepEqual(decodeResources([[sym("memory"), "much"], [sym("other"), 1], 7]), {});
});

it("an end for want of memory is told", () => {
  const exitStatuses = [{ status: 9, time: 100 }];
  const extra = (time: number): ReadonlyMap<string, Sexp> => new Map([["out-of-memory", [time]]]);
  assert.deepEqual(lines(serviceOf("web", { exitStatuses, extra: extra(100) })), ["  It ran out of memory."]);
  assert.deepEqual(lines(serviceOf("web", { exitStatuses, extra: extra(50) })), []);
});
