// Where the notify socket of a unit is, and what else its processes need to find about themselves.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { carrying } from "../../../src/daemon/definition/as-data.js";
import type { FakeKeeper } from "../../support/fake-keeper.js";
import { client, fakeKeeper, settle, testSystem } from "../../support/system.js";
import { players, spawned, unit, unitData, unitParts } from "./services.js";
import { dataOf, unitDefinition } from "./triggering.js";

const made = ({ requests }: FakeKeeper) => requests.filter(({ op }) => op === "notify-socket");

test("it is a file, which whoever has a network of its own reaches too, and goes with the unit", async (context) => {
  const parts = unitParts(context);
  const runtime = parts.unitPlaces?.runtime ?? "";
  const service = unit("web", "ExecStart=/bin/serve\nPrivateNetwork=yes\nNotifyAccess=main");
  const one = testSystem([service], fakeKeeper(players), undefined, parts);
  assert.equal(await one.system.supervisor.start("web", [], client()), true);
  const [socket, ...more] = made(one.keeper);
  assert.deepEqual(more, []);
  assert.ok(socket?.op === "notify-socket");
  assert.equal(dirname(socket.path), join(runtime, "shepherd-notify"));
  assert.equal(socket.mode, 0o666);
  assert.deepEqual(spawned(one.keeper, "NOTIFY_SOCKET"), [`serve NOTIFY_SOCKET=${socket.path}`]);
  await one.system.supervisor.stop("web", [], client());
  await settle();
  const closed = one.keeper.requests.filter(
    (request) => request.op === "close" && request.name === "notify/web",
  );
  assert.deepEqual(closed, [{ op: "close", name: "notify/web", unlink: true }]);
});

test("below another root directory, where that file is not, it is an abstract one", async (context) => {
  const service = unit("web", "ExecStart=/bin/serve\nRootDirectory=/srv\nNotifyAccess=main");
  const one = testSystem([service], fakeKeeper(players), undefined, unitParts(context));
  await one.system.supervisor.start("web", [], client());
  const [socket] = made(one.keeper);
  assert.ok(socket?.op === "notify-socket");
  assert.match(socket.path, /^@shepherd\//);
});

test("a service with a watchdog finds the sockets that it gets as they are, too", async (context) => {
  const socket = unitDefinition(dataOf("web.socket", "[Socket]\nListenStream=/run/web\n"));
  const data = unitData("web", "ExecStart=/bin/serve\nNonBlocking=yes\nWatchdogSec=10", {
    sockets: ["web.socket"],
  });
  const web = { ...unit("web", "ExecStart=/bin/serve"), start: carrying(data) };
  const one = testSystem([socket, web], fakeKeeper(players), undefined, unitParts(context));
  await one.system.supervisor.startAll(["web.socket", "web"], client());
  const [spawn] = one.keeper.requests.filter(({ op }) => op === "spawn");
  assert.ok(spawn?.op === "spawn");
  assert.equal(spawn.spec.pidVariable, "LISTEN_PID");
  assert.ok(spawn.spec.environment?.includes("LISTEN_FDS=1"));
});
