// LoadCredential= and SetCredential=, as systemd.exec(5) has them under "Credentials".

import assert from "node:assert/strict";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { tidyUnit } from "../../../../src/daemon/units/execution/tidy.js";
import type { UnitData } from "../../../../src/daemon/units/types.js";
import { ada, type Bench, bench, isRoot, serviceName, unitData, variablesIn } from "./support.js";

const tidy = (b: Bench, data: UnitData): Promise<void> =>
  tidyUnit(b.host, serviceName(data), data, { restarting: false, places: b.places });

/** The unit's credentials by their names. */
async function credentials(b: Bench, data: UnitData): Promise<Readonly<Record<string, string>>> {
  const { CREDENTIALS_DIRECTORY: directory = "" } = variablesIn(await b.command(data));
  assert.equal(directory, join(b.places.runtime, "credentials", data.unit));
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]),
  );
}

test("credentials are files that only the unit's user can read, and go with the stop", async (t) => {
  const b = bench(t);
  const source = join(b.directory, "source");
  writeFileSync(source, "loaded");
  const data = unitData(`${isRoot ? "User=ada\n" : ""}LoadCredential=one:${source}\nSetCredential=two:a\\nb`);
  assert.deepEqual(await credentials(b, data), { one: "loaded", two: "a\\nb" });
  const directory = join(b.places.runtime, "credentials", "x.service");
  const uid = isRoot ? ada.uid : process.getuid?.();
  assert.equal(statSync(directory).mode & 0o7777, isRoot ? 0o500 : 0o700);
  assert.equal(statSync(directory).uid, uid);
  assert.equal(statSync(join(directory, "one")).mode & 0o7777, 0o400);
  assert.equal(statSync(join(directory, "one")).uid, uid);

  // They are those of the start, whatever the source is now; a next start has the new ones.
  writeFileSync(source, "changed");
  assert.equal((await credentials(b, data)).one, "loaded");
  await tidy(b, data);
  assert.equal(existsSync(directory), false);
  assert.equal((await credentials(b, data)).one, "changed");
});

test("what an earlier start has left without an end is not this start's", async (t) => {
  const b = bench(t);
  const left = join(b.places.runtime, "credentials", "x.service");
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, "stale"), "x");
  assert.deepEqual(await credentials(b, unitData("SetCredential=new:y")), { new: "y" });
});

test("a text stands in where there is nothing to load", async (t) => {
  const b = bench(t);
  const absent = join(b.directory, "absent");
  const lines = `LoadCredential=a:${absent}\nSetCredential=a:otherwise`;
  assert.deepEqual(await credentials(b, unitData(lines)), { a: "otherwise" });
  const bad = unitData(`LoadCredential=a:${absent}`, { unit: "bad.service" });
  await assert.rejects(
    b.prepare(bad),
    /bad\.service: LoadCredential=: credential "a" from .*\/absent: ENOENT/,
  );
});

test("a name without a path is looked for where the system has credentials", async (t) => {
  const b = bench(t, { environment: ["CREDENTIALS_DIRECTORY=/nowhere/there"] });
  const store = join(b.places.configuration, "credstore");
  const system = join(b.places.runtime, "credentials", "@system");
  mkdirSync(store, { recursive: true });
  mkdirSync(system, { recursive: true });
  writeFileSync(join(store, "a"), "store");
  writeFileSync(join(store, "b"), "store");
  writeFileSync(join(system, "b"), "system");
  const data = unitData("LoadCredential=a\nLoadCredential=mine:b\nLoadCredential=absent");
  assert.deepEqual(await credentials(b, data), { a: "store", mine: "system" });
});

test("a directory gives one for each file, a socket what it has to say", async (t) => {
  const b = bench(t);
  const folder = join(b.directory, "folder");
  mkdirSync(join(folder, "deeper"), { recursive: true });
  writeFileSync(join(folder, "one"), "1");
  writeFileSync(join(folder, "two"), "2");
  const socket = join(b.directory, "socket");
  const server = createServer((client) => client.end("spoken")).listen(socket);
  t.after(() => server.close());
  await once(server, "listening");
  const data = unitData(`LoadCredential=f:${folder}\nLoadCredential=s:${socket}`);
  assert.deepEqual(await credentials(b, data), { f_one: "1", f_two: "2", s: "spoken" });
});

test("too much is refused, and nothing is left of it", async (t) => {
  const b = bench(t);
  await assert.rejects(
    b.prepare(unitData("LoadCredential=a:/dev/zero")),
    /"a" from \/dev\/zero: .*1048576 bytes/,
  );
  const big = join(b.directory, "big");
  writeFileSync(big, Buffer.alloc(700_000));
  await assert.rejects(
    b.prepare(unitData(`LoadCredential=a:${big}\nLoadCredential=b:${big}`)),
    /more than 1048576 bytes/,
  );
  const parent = join(b.places.runtime, "credentials");
  assert.deepEqual(existsSync(parent) ? readdirSync(parent) : [], []);
  assert.throws(() => lstatSync(join(parent, "x.service")));
});
