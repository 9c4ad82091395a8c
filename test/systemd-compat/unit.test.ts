// Units as records: dependencies, conditions, sockets, timers, drop-ins, and units without a file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic } from "../../systemd-compat/diagnostics.js";
import { buildUnit } from "../../systemd-compat/unit.js";
import { serviceType } from "../../systemd-compat/unit-checks.js";
import { environment, problemsOf, serviceOf, sourceOf, unitOf } from "./fixtures.js";

test("a service says its type, or shows it", () => {
  assert.equal(serviceType(serviceOf("").service), "simple");
  assert.equal(serviceType(serviceOf("BusName=a.b").service), "dbus");
  assert.equal(serviceType(serviceOf("ExecStart=\nRemainAfterExit=yes").service), "oneshot");
  assert.equal(serviceType(serviceOf("Type=notify-reload").service), "notify-reload");
});

test("dependencies name units, of templates the instance", () => {
  const text =
    "[Unit]\nAfter=a.service foo b@.service\nAfter=\nAfter=a.service c-%i.socket\nRequiresMountsFor=/a b\n[Service]\nExecStart=/x\n";
  const { unit } = unitOf("x@y.service", text);
  assert.deepEqual(unit.After, ["a.service", "b@y.service", "c-y.socket"]);
  assert.deepEqual(unit.RequiresMountsFor, ["/a"]);
  assert.deepEqual(unitOf("x.service", text).unit.After, ["a.service", "b@x.service", "c-.socket"]);
});

test("conditions keep their order, and an empty assignment of any of them takes all back", () => {
  const text =
    "[Unit]\nConditionPathExists=/a\nConditionHost=\nConditionPathExists=|!/b\nConditionVirtualization=! container\nAssertPathExists=/c\n";
  const { Conditions, Asserts } = unitOf("x.target", text).unit;
  assert.deepEqual(
    Conditions?.map(({ directive, trigger, negate, parameter, position }) => [
      directive,
      trigger,
      negate,
      parameter,
      position.line,
    ]),
    [
      ["ConditionPathExists", true, true, "/b", 4],
      ["ConditionVirtualization", false, true, "container", 5],
    ],
  );
  assert.deepEqual(
    Asserts?.map(({ kind }) => kind),
    ["PathExists"],
  );
});

test("sockets listen, in order, until an empty assignment", () => {
  const unit = unitOf(
    "x.socket",
    "[Socket]\nListenStream=1\nListenFIFO=\nListenStream=/var/run/x\nListenDatagram=[::1]:53\nListenNetlink=audit 1\nFileDescriptorName=a-b\nService=y.service\nBindIPv6Only=both\n",
  );
  assert.equal(unit.type, "socket");
  assert.deepEqual(unit.type === "socket" && unit.socket.Listen, [
    { kind: "stream", address: { family: "unix", path: "/run/x" } },
    { kind: "datagram", address: { family: "ipv6", host: "::1", port: 53 } },
    { kind: "netlink", family: "audit", group: 1 },
  ]);
  assert.equal(unitOf("x.socket", "[Socket]\n").state, "refused");
  assert.equal(unitOf("x.socket", "[Socket]\nListenDatagram=1\nAccept=yes\n").state, "refused");
});

test("timers and paths say when", () => {
  const timer = unitOf(
    "x.timer",
    "[Timer]\nOnCalendar=Mon *-*-* 06:00\nOnBootSec=5min\nOnCalendar=nonsense\nPersistent=yes\nRandomizedDelaySec=1h\n",
  );
  assert.ok(timer.type === "timer");
  assert.deepEqual(
    timer.timer.Elapse?.map((value) =>
      value.base === "calendar" ? value.text : [value.base, value.seconds],
    ),
    ["Mon *-*-* 06:00", ["boot", 300]],
  );
  assert.match(
    problemsOf(timer)[0] ?? "",
    /^x\.timer:4: OnCalendar=: calendar expression: weekdays: expected .*, the assignment is ignored$/,
  );
  assert.equal(unitOf("x.timer", "[Timer]\n").state, "refused");
  const path = unitOf("x.path", "[Path]\nPathExists=/a\nDirectoryNotEmpty=/b\nUnit=y.target\n");
  assert.ok(path.type === "path");
  assert.deepEqual(path.path.Watch, [
    { kind: "PathExists", path: "/a" },
    { kind: "DirectoryNotEmpty", path: "/b" },
  ]);
  assert.equal(unitOf("x.path", "[Path]\n").state, "refused");
});

test("[Install] keeps specifiers of a template", () => {
  const text = "[Install]\nWantedBy=multi-user.target\nAlias=%p-%i.target\nDefaultInstance=tty1\n";
  assert.deepEqual(unitOf("x@.target", text).install.Alias, ["%p-%i.target"]);
  assert.deepEqual(unitOf("x@y.target", text).install.Alias, ["x-y.target"]);
});

test("older names work and are told", () => {
  const unit = serviceOf("StartLimitInterval=30\nStartLimitBurst=3");
  assert.deepEqual([unit.unit.StartLimitIntervalSec, unit.unit.StartLimitBurst], [30, 3]);
  assert.deepEqual(unit.diagnostics.map(formatDiagnostic), [
    "x.service:2: StartLimitInterval= in [Service] is StartLimitIntervalSec= in [Unit] nowadays, it is taken for that",
    "x.service:3: StartLimitBurst= in [Service] is StartLimitBurst= in [Unit] nowadays, it is taken for that",
  ]);
});

test("drop-ins come after the main file", () => {
  const unit = unitOf(
    "x.service",
    "[Service]\nExecStart=/a\nNice=5\n",
    "[Service]\nExecStart=\nExecStart=/b\n",
    "[Unit]\nAfter=y.service\n",
  );
  assert.ok(unit.type === "service");
  assert.deepEqual(
    [unit.service.ExecStart?.[0]?.path, unit.service.Nice, unit.unit.After],
    ["/b", 5, ["y.service"]],
  );
  assert.deepEqual(
    unit.assignments.map(({ file, line, outcome }) => [file, line, outcome]),
    [
      ["x.service", 2, "used"],
      ["x.service", 3, "used"],
      ["1.conf", 2, "used"],
      ["1.conf", 3, "used"],
      ["2.conf", 2, "used"],
    ],
  );
  // What is wrong in one makes the whole unit unusable.
  assert.equal(unitOf("x.service", "[Service]\nExecStart=/a\n", "[Service]\nUser=a:b\n").state, "refused");
});

test("a unit that is masked or not there has no settings", () => {
  for (const state of ["masked", "not-found"] as const) {
    const unit = buildUnit({ ...sourceOf("x.service", "[Service]\nNice=5\n"), state }, environment);
    assert.equal(unit.state, state);
    assert.deepEqual(unit.assignments, []);
  }
});
