// What a command of a unit becomes: rights, arguments, programs, directories, sockets, as systemd.service(5) has it.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { StartFailure } from "../../../../src/daemon/constructors/host.js";
import { prepareUnit } from "../../../../src/daemon/units/execution/prepare.js";
import { tidyUnit } from "../../../../src/daemon/units/execution/tidy.js";
import { fakeKeeper } from "../../../support/system.js";
import { ada, bench, commandsOf, needsRoot, serviceName, unitData, variablesIn } from "./support.js";

test("a plain unit runs as the supervisor, in a session of its own, with systemd's defaults", async (t) => {
  const { command } = bench(t);
  const { spec, argv, step, label } = await command(unitData("ExecStart=/bin/echo one 'two three'"));
  const { environment, descriptors, mark, directory, ...rest } = spec;
  assert.deepEqual(rest, {
    program: "/bin/echo",
    arguments: ["/bin/echo", "one", "two three"],
    umask: 0o022,
    ignoredSignals: [13],
    session: "session",
    pidVariable: "SYSTEMD_EXEC_PID",
  });
  assert.equal(directory, "/");
  assert.match(mark ?? "", /\.x%230\.1$/);
  assert.deepEqual(argv, ["/bin/echo", "one", "two three"]);
  assert.deepEqual(step, { before: [], after: [] });
  assert.equal(label, "echo");
});

test("the service's log belongs to its user, who may open it again", needsRoot, async (t) => {
  const keeper = fakeKeeper();
  const { command, host } = bench(t, { keeper });
  await command(unitData("User=ada"));
  await host.outbox.settled();
  assert.deepEqual(
    keeper.requests.filter(({ op }) => op === "pipe"),
    [{ op: "pipe", name: "output/x", uid: ada.uid, gid: ada.gid }],
  );
});

test("prefixes say with what rights a command runs", needsRoot, async (t) => {
  const { command } = bench(t);
  const groups = [ada.gid, 4800];
  const own = { uid: ada.uid, gid: ada.gid, groups };
  const nobody = { uid: undefined, gid: undefined, groups: undefined };
  for (const [prefix, expected] of [
    ["", own],
    ["-", own],
    ["!!", own],
    ["!", nobody],
    ["+", nobody],
  ] as const) {
    const { spec } = await command(unitData(`User=ada\nExecStart=${prefix}/bin/true`));
    assert.deepEqual({ uid: spec.uid, gid: spec.gid, groups: spec.groups }, expected, prefix);
  }
  const named = await command(unitData("ExecStart=@/bin/sh -sh -c true"));
  assert.equal(named.spec.program, "/bin/sh");
  assert.deepEqual(named.argv, ["-sh", "-c", "true"]);
});

test("PermissionsStartOnly= leaves only the start without rights", needsRoot, async (t) => {
  const { command } = bench(t);
  const data = unitData("User=ada\nPermissionsStartOnly=yes\nNoNewPrivileges=yes");
  assert.equal((await command(data)).spec.uid, ada.uid);
  for (const phase of ["condition", "start-pre", "start-post", "reload", "stop", "stop-post"] as const) {
    const { spec } = await command(data, { phase });
    assert.equal(spec.uid, undefined);
    assert.equal(spec.noNewPrivileges, undefined);
  }
  const usual = unitData("User=ada");
  assert.equal((await command(usual, { phase: "start-pre" })).spec.uid, ada.uid);
});

test("users and groups by name and number, and one that there is not", needsRoot, async (t) => {
  const { command } = bench(t);
  const ids = async (lines: string) => {
    const { spec } = await command(unitData(lines));
    return { uid: spec.uid, gid: spec.gid, groups: spec.groups };
  };
  assert.deepEqual(await ids("User=4711\nGroup=readers"), { uid: 4711, gid: 4800, groups: [4800] });
  assert.deepEqual(await ids("User=ada\nSupplementaryGroups=printers 99"), {
    uid: ada.uid,
    gid: ada.gid,
    groups: [ada.gid, 4800, 4802, 99],
  });
  assert.deepEqual(await ids("Group=readers"), { uid: undefined, gid: 4800, groups: [4800] });
  await assert.rejects(command(unitData("User=absent")), (error: unknown) => {
    assert.ok(error instanceof StartFailure);
    assert.match(error.message, /^\/etc\/systemd\/system\/x\.service: User=: user "absent" does not exist/);
    return true;
  });
  await assert.rejects(
    command(unitData("Group=absent")),
    /x\.service: Group=: group "absent" does not exist/,
  );
});

const braces = (name: string): string => `\${${name}}`;

test("variables in arguments: words, texts, dollars, and none after a colon", async (t) => {
  const { command } = bench(t);
  const lines = "Environment=ONE=1 \"MANY=a 'b c'\" EMPTY=\n";
  const argv = async (line: string, variables = {}) =>
    (await command(unitData(`${lines}ExecStart=${line}`), { variables })).argv.slice(1);
  const all = `/bin/echo $ONE ${braces("ONE")}x $MANY ${braces("MANY")} $EMPTY ${braces("EMPTY")}`;
  assert.deepEqual(await argv(all), ["1", "1x", "a", "b c", "a 'b c'", ""]);
  assert.deepEqual(await argv("/bin/echo --x=$ONE $$ONE"), ["--x=$ONE", "$ONE"]);
  assert.deepEqual(await argv(`:/bin/echo $ONE ${braces("ONE")} $$`), ["$ONE", braces("ONE"), "$$"]);
  assert.deepEqual(await argv("/bin/kill -HUP $MAINPID", { MAINPID: "42" }), ["-HUP", "42"]);
});

test("a program without a directory is looked for in ExecSearchPath=, or where programs are", async (t) => {
  const { command, directory } = bench(t);
  const first = join(directory, "first");
  const second = join(directory, "second");
  for (const one of [first, second]) mkdirSync(one);
  writeFileSync(join(first, "tool"), "", { mode: 0o644 });
  writeFileSync(join(second, "tool"), "", { mode: 0o755 });
  const lines = `ExecSearchPath=${first}:${second}\nExecStart=`;
  assert.equal((await command(unitData(`${lines}tool`))).spec.program, join(second, "tool"));
  // One that is nowhere is left to the kernel, which says so.
  assert.equal((await command(unitData(`${lines}absent`))).spec.program, join(first, "absent"));
  const { spec } = await command(unitData("ExecStart=sh -c true"));
  assert.ok(existsSync(spec.program ?? ""));
  assert.deepEqual(spec.arguments, ["sh", "-c", "true"]);
});

test("the directory: as given, the user's home, one that need not be there", needsRoot, async (t) => {
  const { command, directory } = bench(t);
  const at = async (lines: string) => (await command(unitData(lines))).spec.directory;
  assert.equal(await at("WorkingDirectory=/var/lib/absent"), "/var/lib/absent");
  assert.equal(await at("WorkingDirectory=-/var/lib/absent"), "/");
  assert.equal(await at(`WorkingDirectory=-${directory}`), directory);
  assert.equal(await at("WorkingDirectory=~\nUser=ada"), ada.home);
  assert.equal(await at("WorkingDirectory=~"), "/root");
  assert.equal(await at("User=ada"), "/");
});

test("masks, signals, limits and priorities are set whatever the rights are", async (t) => {
  const { command } = bench(t);
  const { spec } = await command(
    unitData("UMask=0077\nIgnoreSIGPIPE=no\nNice=3\nLimitCORE=0\nExecStart=+/bin/true"),
  );
  assert.equal(spec.umask, 0o077);
  assert.equal(spec.ignoredSignals, undefined);
  assert.equal(spec.nice, 3);
  assert.deepEqual(spec.limits, [{ resource: 4, soft: 0, hard: 0 }]);
});

test("sockets are passed from descriptor 3 on; NonBlocking= leaves them as they are", async (t) => {
  const { command } = bench(t);
  const listen = [
    { name: "socket/x/1", as: "web" },
    { name: "socket/x/2", as: "admin" },
  ];
  assert.deepEqual((await command(unitData(""), { listen })).spec.listen, listen);
  const made = await command(unitData("NonBlocking=yes"), { listen });
  assert.equal(made.spec.listen, undefined);
  assert.equal(made.spec.pidVariable, "LISTEN_PID");
  const { LISTEN_FDS, LISTEN_FDNAMES } = variablesIn(made);
  assert.deepEqual({ LISTEN_FDS, LISTEN_FDNAMES }, { LISTEN_FDS: "2", LISTEN_FDNAMES: "web:admin" });
  assert.deepEqual(made.spec.descriptors?.slice(-2), [
    { target: 3, source: { name: "socket/x/1" } },
    { target: 4, source: { name: "socket/x/2" } },
  ]);
});

test("SyslogIdentifier= is what stands before the lines", async (t) => {
  const { command } = bench(t);
  assert.equal((await command(unitData("SyslogIdentifier=own"))).label, "own");
});

test("its own /tmp is made once, cannot be guessed, and goes with the stop", needsRoot, async (t) => {
  const b = bench(t);
  const data = unitData("PrivateTmp=yes");
  await Promise.all([b.prepare(data), b.prepare(data)]);
  for (const place of [b.places.temporary, b.places.persistentTemporary]) {
    const [name = "", ...more] = readdirSync(place);
    assert.deepEqual(more, []);
    assert.match(name, /^shepherd-private-x\.service-[0-9a-f]{16}$/);
    assert.equal(statSync(join(place, name)).mode & 0o7777, 0o700);
    assert.equal(statSync(join(place, name, "tmp")).mode & 0o7777, 0o1777);
    writeFileSync(join(place, name, "tmp", "file"), "x");
  }
  await tidyUnit(b.host, "x", data, { restarting: true, places: b.places });
  assert.deepEqual(readdirSync(b.places.temporary), []);
  assert.deepEqual(readdirSync(b.places.persistentTemporary), []);
});

test("what is not applied is told once for a start, and refused where everything is to be", async (t) => {
  const b = bench(t);
  const lines = "TTYReset=yes\nMemoryLow=1M";
  const data = unitData(lines);
  const { notApplied } = await b.prepare(data);
  assert.deepEqual(
    notApplied.map(({ directive, extent, file }) => [directive, extent, file]),
    [
      ["MemoryLow", "not", "/etc/systemd/system/x.service"],
      ["TTYReset", "not", "/etc/systemd/system/x.service"],
    ],
  );
  await b.prepare(data);
  assert.deepEqual(b.said, [
    "x.service: MemoryLow= is not applied: services' cgroups do not have it.",
    "x.service: TTYReset= is not applied: terminals are neither reset nor hung up.",
  ]);
  await assert.rejects(
    b.prepare(unitData(lines, { strict: true })),
    /x\.service: MemoryLow= is not applied: .*; TTYReset= is not applied/,
  );
});

test("files that a daemon had opened for a process that never was are closed", async (t) => {
  const keeper = fakeKeeper();
  await keeper.send([
    { op: "open", name: "stream/x#0.1/1", path: "/dev/null", flags: 0 },
    { op: "open", name: "stream/xy#0.1/1", path: "/dev/null", flags: 0 },
  ]);
  const b = bench(t, { keeper: keeper.successor() });
  const data = unitData("");
  await tidyUnit(b.host, serviceName(data), data, { restarting: false, places: b.places });
  await b.host.outbox.settled();
  assert.deepEqual([...keeper.descriptors.keys()], ["stream/xy#0.1/1"]);
});

test(
  "what units had under an earlier keeper is removed, but not what they have again",
  needsRoot,
  async (t) => {
    const b = bench(t);
    const { own, temporary, persistentTemporary, runtime } = b.places;
    const left = unitData("PrivateTmp=yes\nSetCredential=a:b", { unit: "left.service" });
    const again = unitData("SetCredential=a:b", { unit: "again.service" });
    const former = { ...b.places, own: join(dirname(own), "before"), ownIsAlone: false };
    for (const data of [left, again])
      await prepareUnit(b.host, serviceName(data), data, () => undefined, former);
    assert.equal(readdirSync(temporary).length, 1);
    await b.prepare(again);
    assert.deepEqual(readdirSync(dirname(own)), ["now"]);
    assert.deepEqual([readdirSync(temporary), readdirSync(persistentTemporary)], [[], []]);
    assert.deepEqual(readdirSync(join(runtime, "credentials")), ["again.service"]);
    assert.deepEqual(b.lines, []);
  },
);

test("a record that is none of ours is replaced", async (t) => {
  const b = bench(t);
  const file = join(b.places.own, "x.unit", "record");
  mkdirSync(join(b.places.own, "x.unit"), { recursive: true });
  for (const text of ["", "{", "[]", '{"invocation":"no"}']) {
    writeFileSync(file, text);
    assert.match((await b.prepare(unitData(""))).invocation, /^[0-9a-f]{32}$/);
  }
  const hostile = { invocation: "0".repeat(32), privateTmp: "../../etc" };
  writeFileSync(file, JSON.stringify(hostile));
  const data = unitData("");
  assert.equal((await b.prepare(data)).invocation, hostile.invocation);
  await tidyUnit(b.host, "x", data, { restarting: false, places: b.places });
  assert.ok(existsSync(b.places.configuration));
});

test("commands of all phases can be asked for", async (t) => {
  const b = bench(t);
  const data = unitData("ExecStartPre=/bin/a\nExecReload=/bin/b $MAINPID\nExecStop=/bin/c");
  for (const [directive, phase, expected] of [
    ["ExecStartPre", "start-pre", ["/bin/a"]],
    ["ExecReload", "reload", ["/bin/b", "7"]],
    ["ExecStop", "stop", ["/bin/c"]],
  ] as const) {
    const [command] = commandsOf(data, directive);
    assert.ok(command !== undefined);
    const { argv } = await b.command(data, { command, phase, variables: { MAINPID: "7" } });
    assert.deepEqual(argv, expected);
  }
});
