// `systemdUnits`: which units come along, what becomes of those that are not there, and how they depend on each other.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DefinitionError } from "../../../src/daemon/definition/check.js";
import { checkGraph } from "../../../src/daemon/registry/graph.js";
import { decode } from "../../../src/daemon/units/encoded.js";
import { systemdUnits } from "../../../systemd-compat/index.js";
import { etc, lib, service, unitsOf } from "./support.js";

test("a unit is a service by its short name, its own and its aliases, with what it needs", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/web.service`]: service(
        "Description=Web\nDocumentation=man:web(8)\nRequires=db.service\nAfter=db.service network.target",
        "Restart=on-failure\nRestartSec=3\n",
      ),
      [`${lib}/db.service`]: service("StartLimitBurst=3\nStartLimitIntervalSec=1min", "Type=oneshot"),
      [`${etc}/www.service`]: `→ /${lib}/web.service`,
    },
    { units: ["web"] },
  );
  assert.deepEqual(units.names, ["db", "web"]);
  const web = units.get("web");
  assert.deepEqual(web.provision, ["web", "web.service", "www", "www.service"]);
  assert.deepEqual(web.requirement, ["db"]);
  assert.deepEqual(web.relations?.after, ["basic.target", "db", "network.target", "sysinit.target"]);
  assert.deepEqual([web.autoStart, web.respawn, web.respawnDelay, web.oneShot], [true, true, 3, false]);
  assert.deepEqual(web.respawnLimit, { times: 5, seconds: 10 });
  assert.equal(web.documentation, `Web\nman:web(8)\n/${lib}/web.service`);
  const db = units.get("db");
  assert.deepEqual([db.autoStart, db.respawn, db.oneShot], [false, false, true]);
  assert.deepEqual(db.respawnLimit, { times: 3, seconds: 60 });
  const data = units.data("web");
  assert.ok(data.kind === "unit");
  assert.equal(decode(data.service).ExecStart?.[0]?.path, "/usr/bin/true");
  assert.deepEqual(data.files, [`/${lib}/web.service`]);
});

test("wants and links are relations, absent ones nothing, and required ones services that fail", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/a.service`]: service(
        "Wants=b.service absent.service\nRequires=needed.service\nAfter=ntp.service",
      ),
      [`${lib}/b.service`]: service(),
      [`${lib}/linked.service`]: service(),
      [`${etc}/a.service.wants/linked.service`]: `→ /${lib}/linked.service`,
    },
    { units: ["a"] },
  );
  assert.deepEqual(units.get("a").relations?.wants, ["b", "linked"]);
  assert.deepEqual(units.get("a").requirement, ["needed"]);
  assert.equal(units.data("needed").refused, "Unit needed.service not found.");
  assert.ok(!units.names.includes("absent"));
});

test("masked and bad units are services whose start says why", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${etc}/masked.service`]: "→ /dev/null",
      [`${lib}/masked.service`]: service(),
      [`${lib}/bad.service`]: "[Service]\nExecStart=/bin/a\nUser=a:b\n",
      [`${lib}/odd.service`]: `[Unit]\nOnFailure=\n[Service]\nExecStart=/bin/a\nNonsense=1\nKillMode=maybe\n`,
      [`${lib}/tpl@.service`]: service(),
    },
    { units: ["masked", "bad", "odd", "tpl@", "gone"] },
  );
  assert.equal(units.data("masked").refused, "Unit masked.service is masked.");
  assert.match(units.data("bad").refused ?? "", /^\/usr\/lib\/systemd\/system\/bad\.service:3: User=/);
  assert.match(units.data("tpl@").refused ?? "", /is a template: name an instance/);
  assert.equal(units.data("gone").refused, "Unit gone.service not found.");
  assert.equal(units.data("odd").refused, undefined);
  assert.deepEqual(
    units.data("odd").notApplied.map(({ directive, line }) => [directive, line]),
    [
      ["Nonsense", 5],
      ["KillMode", 6],
    ],
  );
  assert.ok(units.notices.some((line) => line.includes("odd.service:5: unknown name")));
  assert.ok(units.services.every(({ autoStart }) => autoStart));
});

test("a circle of requirements is cut where there is no order, and said", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/a.service`]: service("Requires=b.service\nAfter=b.service"),
      [`${lib}/b.service`]: service("Requires=c.service"),
      [`${lib}/c.service`]: service("Requires=a.service\nAfter=a.service"),
    },
    { units: ["a"] },
  );
  checkGraph(units.services);
  assert.deepEqual(units.get("b").requirement, []);
  assert.deepEqual([units.get("b").relations?.wants, units.get("b").relations?.partOf], [["c"], ["c"]]);
  assert.ok(units.notices.some((line) => /a\.service -> b\.service -> c\.service -> a\.service/.test(line)));
});

test("what is required but ordered after is wanted instead", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/a.service`]: service("Requires=b.service\nBefore=b.service"),
      [`${lib}/b.service`]: service(),
    },
    { units: ["a"] },
  );
  assert.deepEqual(units.get("a").requirement, []);
  assert.deepEqual(units.get("a").relations?.wants, ["b"]);
  assert.match(units.notices.join("\n"), /is to come before it/);
});

test("many circles at once are cut, each member there once", async (t) => {
  const size = 40;
  const names = Array.from({ length: size }, (_, index) => `u${index}.service`);
  const tree = Object.fromEntries(
    names.map((name) => [`${lib}/${name}`, service(`Requires=${names.join(" ")}`)]),
  );
  const units = await unitsOf(t, tree, { units: ["u0"] });
  checkGraph(units.services);
  assert.equal(units.services.length, size);
});

test("a target brings what it consists of, without the machine's own units", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/web.service`]: service(),
      [`${lib}/systemd-logind.service`]: "[Service]\nExecStart=/lib/systemd/systemd-logind\n",
      [`${lib}/udevish.service`]: "[Service]\nType=oneshot\nExecStart=/bin/udevadm trigger\n",
      [`${lib}/dev-hugepages.mount`]: "[Mount]\nWhat=hugetlbfs\nWhere=/dev/hugepages\n",
      [`${etc}/multi-user.target.wants/web.service`]: `→ /${lib}/web.service`,
      [`${etc}/multi-user.target.wants/systemd-logind.service`]: `→ /${lib}/systemd-logind.service`,
      [`${etc}/sysinit.target.wants/udevish.service`]: `→ /${lib}/udevish.service`,
      [`${etc}/sysinit.target.wants/dev-hugepages.mount`]: `→ /${lib}/dev-hugepages.mount`,
    },
    { target: "multi-user" },
  );
  const target = units.get("multi-user.target");
  assert.equal(units.get("systemd").retryable, true, "a crash during its start leaves it to the next daemon");
  assert.deepEqual([target.autoStart, target.requirement], [true, ["basic.target"]]);
  assert.deepEqual(target.relations?.wants, ["web"]);
  assert.ok(target.relations?.after?.includes("web"), "a target is reached after what it consists of");
  assert.deepEqual(units.get("web").requirement, ["sysinit.target"]);
  for (const name of ["systemd-logind", "udevish", "dev-hugepages.mount"])
    assert.ok(!units.names.includes(name), name);
  assert.match(units.notices.join("\n"), /left to the machine.*systemd-logind\.service, udevish\.service/);
  assert.deepEqual(
    units.get("systemd").actions.map(({ name }) => name),
    ["load", "daemon-reload", "list-units"],
  );
  checkGraph(units.services);
});

test("a machine's unit that is asked for by name is there, and a mount that is required is looked at", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/systemd-logind.service`]: "[Service]\nExecStart=/lib/systemd/systemd-logind\n",
      [`${lib}/a.service`]: service("Requires=srv.mount systemd-udevd.service"),
      [`${lib}/srv.mount`]: "[Mount]\nWhat=/dev/sdb\nWhere=/srv\n",
    },
    { units: ["systemd-logind", "a"] },
  );
  assert.deepEqual(units.names, ["a", "srv.mount", "systemd-logind"]);
  assert.deepEqual(
    units.data("srv.mount").asserts.map(({ kind, parameter }) => [kind, parameter]),
    [["PathIsMountPoint", "/srv"]],
  );
});

test("a socket and its service belong together, by Requires and by name", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/bus.service`]: service("Requires=bus.socket"),
      [`${lib}/bus.socket`]: "[Socket]\nListenStream=/run/bus\n",
      [`${lib}/user.service`]: service("", "Type=dbus\nBusName=org.example.User"),
    },
    { units: ["bus", "user"] },
  );
  assert.deepEqual(units.get("bus").requirement, ["bus.socket"]);
  const data = units.data("bus");
  assert.deepEqual(data.kind === "unit" ? data.sockets : undefined, ["bus.socket"]);
  assert.equal(units.data("bus.socket").kind, "unit-socket");
  assert.ok(units.get("bus.socket").relations?.before?.includes("bus"));
  // Without a bus at all, a name on it is no reason to fail.
  assert.deepEqual(units.get("user").requirement, []);
});

test("what propagates from one unit is a relation of the other", async (t) => {
  const units = await unitsOf(
    t,
    {
      [`${lib}/all.service`]: service("Wants=one@x.service"),
      [`${lib}/one@.service`]: service(
        "PartOf=all.service\nReloadPropagatedFrom=all.service\nStopPropagatedFrom=all.service",
      ),
    },
    { units: ["all"] },
  );
  assert.deepEqual(units.get("all").relations?.propagatesReloadTo, ["one@x"]);
  assert.deepEqual(units.get("all").relations?.propagatesStopTo, ["one@x"]);
  assert.deepEqual(units.get("one@x").relations?.partOf, ["all"]);
});

test("several calls in one configuration give the same services, and start what any of them asks for", async (t) => {
  const tree = {
    [`${lib}/a.service`]: service("Requires=shared.service"),
    [`${lib}/b.service`]: service("Requires=shared.service"),
    [`${lib}/shared.service`]: service(),
  };
  const units = await unitsOf(t, tree, { units: ["a"] }, { units: ["b"] }, { units: ["shared"] });
  assert.deepEqual(units.names, ["a", "b", "shared"]);
  assert.deepEqual(units.toStart, ["shared"]);
});

test("names that services cannot have are written otherwise", async (t) => {
  const units = await unitsOf(
    t,
    { [`${lib}/a\\x2db.service`]: service("Requires=-.mount"), [`${lib}/root.service`]: service() },
    { units: ["a\\x2db", "root"] },
  );
  assert.deepEqual(units.get("a%x2db").requirement, ["%-.mount"]);
  // The short name is the supervisor's own.
  assert.deepEqual(units.get("root.service").provision, ["root.service"]);
});

test("units that want new instances for ever are bounded", async (t) => {
  const units = await unitsOf(
    t,
    { [`${lib}/a@.service`]: service("Wants=a@%ix.service") },
    { units: ["a@x"] },
  );
  assert.ok(units.services.length < 300, String(units.services.length));
});

test("what is no name of a unit, and options that do not exist, are refused", async () => {
  await assert.rejects(systemdUnits(["/etc"]), DefinitionError);
  await assert.rejects(systemdUnits([""]), DefinitionError);
  await assert.rejects(systemdUnits({} as never), /"units" or "target"/);
  await assert.rejects(systemdUnits({ targett: "x" } as never), /did you mean|unknown field/);
});
