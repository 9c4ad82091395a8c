// RuntimeDirectory=, StateDirectory= and so on, as systemd.exec(5) has them: made, owned, linked, moved and removed.

import assert from "node:assert/strict";
import {
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dynamicIds } from "../../../../src/daemon/units/execution/dynamic-user.js";
import { tidyUnit } from "../../../../src/daemon/units/execution/tidy.js";
import type { UnitData } from "../../../../src/daemon/units/types.js";
import { ada, type Bench, bench, isRoot, needsRoot, serviceName, unitData, variablesIn } from "./support.js";

function shown(path: string): string {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  return `${(status.mode & 0o7777).toString(8)} ${status.uid}:${status.gid}`;
}

const tidy = (b: Bench, data: UnitData, restarting = false): Promise<void> =>
  tidyUnit(b.host, serviceName(data), data, { restarting, places: b.places });

const adas = `${ada.uid}:${ada.gid}`;

test(
  "directories of all kinds are made with modes and owners, and the environment names them",
  needsRoot,
  async (t) => {
    const b = bench(t);
    const data = unitData(
      `User=ada
RuntimeDirectory=one two
RuntimeDirectoryMode=0750
StateDirectory=deep/er
CacheDirectory=c
LogsDirectory=l
LogsDirectoryMode=2750
ConfigurationDirectory=conf
ConfigurationDirectoryMode=0700`,
    );
    const variables = variablesIn(await b.command(data));
    const { runtime, state, cache, logs, configuration } = b.places;
    assert.equal(variables.RUNTIME_DIRECTORY, `${runtime}/one:${runtime}/two`);
    assert.equal(variables.STATE_DIRECTORY, `${state}/deep/er`);
    assert.equal(variables.CACHE_DIRECTORY, `${cache}/c`);
    assert.equal(variables.LOGS_DIRECTORY, `${logs}/l`);
    assert.equal(variables.CONFIGURATION_DIRECTORY, `${configuration}/conf`);
    assert.equal(shown(`${runtime}/one`), `750 ${adas}`);
    assert.equal(shown(`${runtime}/two`), `750 ${adas}`);
    assert.equal(shown(`${state}/deep`), "755 0:0");
    assert.equal(shown(`${state}/deep/er`), `755 ${adas}`);
    assert.equal(shown(`${cache}/c`), `755 ${adas}`);
    assert.equal(shown(`${logs}/l`), `2750 ${adas}`);
    assert.equal(shown(`${configuration}/conf`), `700 ${adas}`);
  },
);

test("only runtime directories go with the stop, and not where they are to stay", needsRoot, async (t) => {
  const b = bench(t);
  const { runtime, state } = b.places;
  const data = unitData("RuntimeDirectory=a/b:link\nStateDirectory=s");
  await b.prepare(data);
  writeFileSync(`${runtime}/a/b/file`, "x");
  assert.equal(shown(`${runtime}/link`), "-> a/b");
  await tidy(b, data);
  assert.equal(existsSync(`${runtime}/a/b`), false);
  assert.equal(existsSync(`${runtime}/a`), true);
  assert.deepEqual(
    readdirSync(runtime).sort(),
    ["a"],
    "neither the link nor anything of the supervisor's is left",
  );
  assert.equal(existsSync(`${state}/s`), true);

  const kept = unitData("RuntimeDirectory=k\nRuntimeDirectoryPreserve=yes");
  await b.prepare(kept);
  await tidy(b, kept);
  assert.equal(existsSync(`${runtime}/k`), true);
  const restart = unitData("RuntimeDirectory=r\nRuntimeDirectoryPreserve=restart");
  await b.prepare(restart);
  await tidy(b, restart, true);
  assert.equal(existsSync(`${runtime}/r`), true);
  await tidy(b, restart);
  assert.equal(existsSync(`${runtime}/r`), false);
  await tidy(b, restart);
});

test("what is removed leads nowhere else", needsRoot, async (t) => {
  const b = bench(t);
  const precious = join(b.directory, "precious");
  mkdirSync(precious);
  writeFileSync(join(precious, "file"), "x");
  const data = unitData("RuntimeDirectory=r");
  await b.prepare(data);
  symlinkSync(precious, `${b.places.runtime}/r/inside`);
  await tidy(b, data);
  assert.equal(existsSync(join(precious, "file")), true);
});

test(
  "what exists is given to the user with all that is in it, but nothing of others that is linked to",
  needsRoot,
  async (t) => {
    const b = bench(t);
    const { state } = b.places;
    mkdirSync(`${state}/s/deep`, { recursive: true });
    for (const file of ["s/deep/file", "s/file"]) writeFileSync(`${state}/${file}`, "x");
    symlinkSync("/etc/passwd", `${state}/s/link`);
    const secret = join(b.directory, "secret");
    writeFileSync(secret, "x", { mode: 0o600 });
    // As of an earlier user of the unit, who has linked to what is root's.
    linkSync(secret, `${state}/s/deep/hard`);
    for (const path of ["s", "s/deep", "s/deep/file", "s/file"]) chownSync(`${state}/${path}`, 5000, 5000);
    const passwd = shown("/etc/passwd");
    const data = unitData("User=ada\nStateDirectory=s\nStateDirectoryMode=0700");
    await b.prepare(data);
    assert.equal(shown(`${state}/s`), `700 ${adas}`);
    for (const path of ["s/deep", "s/deep/file", "s/file"])
      assert.match(shown(`${state}/${path}`), new RegExp(`${adas}$`));
    assert.match(shown(secret), / 0:0$/);
    assert.equal(lstatSync(`${state}/s/deep/hard`).uid, 0);
    assert.equal(shown("/etc/passwd"), passwd);
    assert.equal(lstatSync(`${state}/s/link`).uid, 0, "a link of root's is root's");
  },
);

test("configuration that exists stays as it is", needsRoot, async (t) => {
  const b = bench(t);
  mkdirSync(`${b.places.configuration}/conf`, { mode: 0o711 });
  await b.prepare(unitData("User=ada\nConfigurationDirectory=conf\nConfigurationDirectoryMode=0700"));
  assert.equal(shown(`${b.places.configuration}/conf`), "711 0:0");
});

test("an administrator's link is followed, and a user's is not", needsRoot, async (t) => {
  const b = bench(t);
  const { state, runtime } = b.places;
  const elsewhere = join(b.directory, "elsewhere");
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, `${state}/s`);
  await b.prepare(unitData("User=ada\nStateDirectory=s"));
  assert.equal(shown(elsewhere), `755 ${adas}`);

  mkdirSync(`${runtime}/mine`);
  chownSync(`${runtime}/mine`, ada.uid, ada.gid);
  symlinkSync(join(b.directory, "etc"), `${runtime}/mine/trap`);
  await assert.rejects(
    b.prepare(unitData("User=ada\nRuntimeDirectory=mine/trap")),
    /x\.service: RuntimeDirectory=mine\/trap: .*mine\/trap: it is a link that somebody else has made/,
  );
  assert.equal(shown(join(b.directory, "etc")), "755 0:0");
});

test("a file in the way, and a link that leads elsewhere, are told", needsRoot, async (t) => {
  const b = bench(t);
  writeFileSync(`${b.places.state}/s`, "x");
  await assert.rejects(b.prepare(unitData("StateDirectory=s")), /StateDirectory=s: .*\/s: not a directory/i);
  symlinkSync("/nowhere", `${b.places.runtime}/l`);
  await assert.rejects(
    b.prepare(unitData("RuntimeDirectory=r:l")),
    /RuntimeDirectory=r: .*\/l: a link to .*\/r is to be here, but it leads to \/nowhere/,
  );
});

test("a dynamic user's directories are out of others' reach, with links to them", needsRoot, async (t) => {
  const b = bench(t);
  const { state, runtime, cache } = b.places;
  const data = unitData(
    "DynamicUser=yes\nStateDirectory=s/t\nCacheDirectory=c\nRuntimeDirectory=r\nConfigurationDirectory=f",
  );
  const { identity } = await b.prepare(data);
  const { uid = 0 } = identity;
  assert.ok(uid >= dynamicIds.least && uid <= dynamicIds.most);
  assert.equal(shown(`${state}/private`), "711 0:0");
  assert.equal(shown(`${state}/private/s/t`), `700 ${uid}:${uid}`);
  assert.equal(shown(`${state}/s/t`), "-> ../private/s/t");
  assert.equal(shown(`${cache}/c`), "-> private/c");
  // What others reach the service by is where they look for it.
  assert.equal(shown(`${runtime}/r`), `755 ${uid}:${uid}`);
  assert.equal(shown(`${b.places.configuration}/f`), `755 ${uid}:${uid}`);
  assert.equal(variablesIn(await b.command(data)).STATE_DIRECTORY, `${state}/s/t`);
  await tidy(b, data);
  assert.equal(existsSync(`${runtime}/r`), false);
  assert.equal(existsSync(`${state}/private/s/t`), true);

  const kept = unitData("DynamicUser=yes\nRuntimeDirectory=p\nRuntimeDirectoryPreserve=restart");
  await b.prepare(kept);
  assert.equal(shown(`${runtime}/p`), "-> private/p");
  await tidy(b, kept);
  assert.equal(existsSync(`${runtime}/private/p`), false);
  assert.throws(() => lstatSync(`${runtime}/p`));
});

test("a user that exists has its runtime directory in reach, and that goes too", needsRoot, async (t) => {
  const b = bench(t);
  const data = unitData(
    "DynamicUser=yes\nUser=ada\nRuntimeDirectory=r:l\nRuntimeDirectoryPreserve=restart\nStateDirectory=s",
  );
  await b.prepare(data);
  assert.equal(shown(`${b.places.runtime}/r`), `755 ${adas}`);
  assert.equal(shown(`${b.places.state}/s`), `755 ${adas}`);
  await tidy(b, data);
  assert.deepEqual(readdirSync(b.places.runtime), []);
});

test("directories move when a unit's user becomes dynamic, and back", needsRoot, async (t) => {
  const b = bench(t);
  const { state } = b.places;
  const fixed = unitData("User=ada\nStateDirectory=s");
  await b.prepare(fixed);
  writeFileSync(`${state}/s/file`, "kept");
  chownSync(`${state}/s/file`, ada.uid, ada.gid);
  await tidy(b, fixed);
  const dynamic = unitData("DynamicUser=yes\nStateDirectory=s");
  const { identity } = await b.prepare(dynamic);
  assert.equal(shown(`${state}/s`), "-> private/s");
  assert.equal(readFileSync(`${state}/private/s/file`, "utf8"), "kept");
  assert.equal(lstatSync(`${state}/private/s/file`).uid, identity.uid);
  await tidy(b, dynamic);
  await b.prepare(fixed);
  assert.equal(shown(`${state}/s`), `755 ${adas}`);
  assert.equal(lstatSync(`${state}/s/file`).uid, ada.uid);
});

test("who is no root owns what is made", { skip: isRoot ? "it needs to be no root" : false }, async (t) => {
  const b = bench(t);
  await b.prepare(unitData("RuntimeDirectory=r\nRuntimeDirectoryMode=0700"));
  assert.equal(shown(`${b.places.runtime}/r`), `700 ${process.getuid?.()}:${process.getgid?.()}`);
});
