// Sockets, timers and paths as the data of services.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "../../../src/daemon/units/encoded.js";
import { service, unitsOf } from "./support.js";

const lib = "usr/lib/systemd/system";

test("a socket starts the service of its name or another one, and has its settings", async (context) => {
  const units = await unitsOf(
    context,
    {
      [`${lib}/web.socket`]: "[Socket]\nListenStream=/run/web\nSocketMode=0600\n",
      [`${lib}/web.service`]: service(),
      [`${lib}/other.socket`]: "[Socket]\nListenStream=1\nService=web.service\n",
    },
    { units: ["web.socket", "other.socket"] },
  );
  for (const name of ["web.socket", "other.socket"]) {
    const data = units.data(name);
    assert.ok(data.kind === "unit-socket");
    assert.deepEqual(
      [data.service, data.template, data.refused, data.notApplied],
      ["web.service", undefined, undefined, []],
    );
  }
  const data = units.data("web.socket");
  assert.equal(data.kind === "unit-socket" && decode(data.socket).SocketMode, 0o600);
  const web = units.data("web");
  assert.deepEqual(web.kind === "unit" && [...web.sockets].sort(), ["other.socket", "web.socket"]);
});

test("with Accept=yes a socket has the data of the services of its connections", async (context) => {
  const accept = "[Socket]\nListenStream=1\nAccept=yes\n";
  const units = await unitsOf(
    context,
    {
      [`${lib}/echo.socket`]: accept,
      [`${lib}/echo@.service`]: "[Service]\nExecStart=/bin/echo %i\n",
      [`${lib}/lonely.socket`]: accept,
    },
    { units: ["echo.socket", "lonely.socket"] },
  );
  const data = units.data("echo.socket");
  assert.ok(data.kind === "unit-socket");
  assert.equal(data.service, "echo@.service");
  assert.deepEqual(data.template && decode(data.template.service).ExecStart?.[0]?.argv, [
    "/bin/echo",
    "ConnectionInstance",
  ]);
  assert.equal(data.template?.unit, "echo@ConnectionInstance.service");
  assert.match(units.data("lonely.socket").refused ?? "", /lonely@/);
});

test("what the services of its connections need comes along, but for what each of them has of its own", async (context) => {
  const units = await unitsOf(
    context,
    {
      [`${lib}/echo.socket`]: "[Socket]\nListenStream=1\nAccept=yes\n",
      [`${lib}/echo@.service`]: service(
        "Requires=store.service own@%i.service\nWants=log.service gone.service",
        "StandardInput=socket",
      ),
      [`${lib}/store.service`]: service(),
      [`${lib}/log.service`]: service(),
      [`${lib}/own@.service`]: service(),
    },
    { units: ["echo.socket"] },
  );
  const data = units.data("echo.socket");
  assert.ok(data.kind === "unit-socket");
  assert.deepEqual(data.needs, { requires: ["store.service"], wants: ["log.service"] });
  assert.deepEqual(units.names, ["echo.socket", "log", "store"]);
});

test("what of a socket cannot be done is told with its place, or refused where the unit makes no sense", async (context) => {
  const units = await unitsOf(
    context,
    {
      [`${lib}/a.socket`]:
        "[Socket]\nListenStream=vsock:2:3\nListenFIFO=/run/f\nPipeSize=1M\nFlushPending=yes\nSocketProtocol=mptcp\nListenNetlink=route 1\n",
      [`${lib}/a.service`]: service(),
      [`${lib}/b.socket`]: "[Socket]\nListenStream=/run/b\nListenStream=/run/c\nSymlinks=/run/d\n",
      [`${lib}/b.service`]: service(),
    },
    { units: ["a.socket", "b.socket"] },
  );
  const told = units
    .data("a.socket")
    .notApplied.map(({ directive, extent, line }) => [directive, extent, line]);
  assert.deepEqual(told.sort(), [
    ["FlushPending", "not", 5],
    ["ListenNetlink", "not", 7],
    ["ListenStream", "not", 2],
    ["PipeSize", "not", 4],
  ]);
  assert.match(units.data("b.socket").refused ?? "", /Symlinks=/);
});

test("a timer has its settings, waits for the clock only where it goes by that, and names what it starts", async (context) => {
  const units = await unitsOf(
    context,
    {
      [`${lib}/daily.timer`]: "[Timer]\nOnCalendar=daily\nOnTimezoneChange=yes\n",
      [`${lib}/daily.service`]: service(),
      [`${lib}/later.timer`]: "[Timer]\nOnBootSec=5min\nUnit=some.target\n",
      [`${lib}/some.target`]: "[Unit]\n",
    },
    { units: ["daily.timer", "later.timer"] },
  );
  const daily = units.data("daily.timer");
  assert.ok(daily.kind === "unit-timer");
  assert.deepEqual(
    decode(daily.timer).Elapse?.map(({ base }) => base),
    ["calendar"],
  );
  assert.deepEqual(
    daily.notApplied.map(({ directive, line }) => [directive, line]),
    [["OnTimezoneChange", 3]],
  );
  const after = (name: string) => units.get(name).relations?.after ?? [];
  assert.ok(after("daily.timer").includes("time-sync.target"));
  assert.ok(!after("later.timer").includes("time-sync.target"));
  const later = units.data("later.timer");
  assert.equal(later.kind === "unit-timer" && later.starts, "some.target");
});

test("a path has what it watches, and systemd's limit of how often it starts its unit", async (context) => {
  const units = await unitsOf(
    context,
    {
      [`${lib}/p.path`]:
        "[Path]\nPathExists=/a\nDirectoryNotEmpty=/b\nMakeDirectory=yes\nDirectoryMode=0700\nUnit=q.service\n",
      [`${lib}/q.service`]: service(),
      [`${lib}/r.path`]: "[Path]\nPathChanged=/a\nTriggerLimitBurst=0\nUnit=q.service\n",
    },
    { units: ["p.path", "r.path"] },
  );
  const { kind: _kind, ...data } = units.data("p.path") as unknown as Record<string, unknown>;
  assert.deepEqual(
    ["watches", "makeDirectory", "directoryMode", "triggerLimit", "starts"].map((name) => data[name]),
    [
      [
        { kind: "PathExists", path: "/a" },
        { kind: "DirectoryNotEmpty", path: "/b" },
      ],
      true,
      0o700,
      { burst: 200, seconds: 2 },
      "q.service",
    ],
  );
  const changed = units.data("r.path");
  assert.ok(changed.kind === "unit-path");
  assert.equal(changed.triggerLimit, undefined);
  assert.deepEqual(
    changed.notApplied.map(({ directive, extent }) => [directive, extent]),
    [["PathChanged", "partly"]],
  );
});
