// Which services a record can start, and in what order.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isRecordedId,
  recordable,
  recordedId,
  type StartedService,
} from "../../../src/daemon/boot-record/services.js";
import {
  makeForkexecConstructor,
  makeKillDestructor,
  makeSystemConstructor,
} from "../../../src/daemon/definition/constructors.js";
import { service } from "../../../src/daemon/definition/service.js";
import type { ForkexecOptions, ServiceOptions } from "../../../src/daemon/definition/types.js";
import type { SpawnSpec } from "../../../src/daemon/keeper/types.js";

function started(
  name: string,
  more: ServiceOptions = {},
  options: ForkexecOptions = {},
  spec: Partial<SpawnSpec> = {},
): StartedService {
  const pipe = { name: `output/${name}` };
  return {
    definition: service([name, `${name}-alias`], {
      start: makeForkexecConstructor(["/bin/sleep"], options),
      stop: makeKillDestructor(),
      ...more,
    }),
    spec: { arguments: ["/bin/sleep"], descriptors: [{ target: 1, source: pipe }], ...spec },
  };
}

function groups(...services: readonly StartedService[]): readonly (readonly string[])[] {
  const names = new Map(
    services.flatMap(({ definition: { provision } }) => provision.map((one) => [one, provision[0]])),
  );
  return recordable(services, (name) => names.get(name)).map((group) => group.map(({ name }) => name));
}

test("what is required is in an earlier group, by whatever name", () => {
  assert.deepEqual(
    groups(
      started("c", { requirement: ["b-alias", "a"] }),
      started("b", { requirement: ["a"] }),
      started("a"),
      started("other"),
    ),
    [["a", "other"], ["b"], ["c"]],
  );
});

test("what requires one that cannot be recorded cannot either", () => {
  const inside = started("inside", { start: () => true });
  assert.deepEqual(
    groups(inside, started("a", { requirement: ["inside"] }), started("b", { requirement: ["a"] })),
    [],
  );
  assert.deepEqual(groups(started("a", { requirement: ["nobody"] }), started("b")), [["b"]]);
});

const refused: Readonly<Record<string, StartedService>> = {
  "a one-shot": started("a", { oneShot: true }),
  "a transient service": started("a", { transient: true }),
  "one with relations": started("a", { after: ["b"] }),
  "one with limits": started("a", { cgroup: { pidsMax: 3 } }),
  "a function": started("a", { start: () => true }),
  "a shell command": started("a", { start: makeSystemConstructor("true") }),
  "a pid file": started("a", {}, { pidFile: "/run/a.pid" }),
  "a watchdog": started("a", {}, { watchdog: 5 }),
  "stored descriptors": started("a", {}, { fileDescriptorStoreMax: 2 }),
  secrets: started("a", {}, { secrets: ["x"] }),
  "files with secrets": started("a", {}, { secretFiles: ["/etc/secret"] }),
  "a descriptor of somebody else's": started(
    "a",
    {},
    {},
    { descriptors: [{ target: 0, source: { name: "output/b" } }] },
  ),
  "a socket": started("a", {}, {}, { listen: [{ name: "socket", as: "x" }] }),
  "a terminal": started("a", {}, {}, { terminal: { path: "/dev/tty1" } }),
};
for (const [what, one] of Object.entries(refused))
  test(`${what} is not recorded`, () => assert.deepEqual(groups(one, started("b")), [["b"]]));

test("its own options are no obstacle", () => {
  const plain = started(
    "a",
    { respawn: true, cgroup: false, actions: [], documentation: "text" },
    {
      user: "root",
      logFile: "/var/log/a",
      directory: "/",
      resourceLimits: { nofile: 10 },
      readiness: "exec",
    },
    { uid: 0, descriptors: [{ target: 0, source: { path: "/dev/null", flags: 0 } }] },
  );
  assert.deepEqual(groups(plain), [["a"]]);
});

test("the ids of a record are no daemon's", () => {
  assert.ok(isRecordedId(recordedId("boot")));
  assert.ok(!isRecordedId("boot#0.1"));
});
