// DynamicUser=: a uid of its own for a unit, the same until it stops, and nobody else's.

import assert from "node:assert/strict";
import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chooseId, dynamicIds, dynamicName } from "../../../../src/daemon/units/execution/dynamic-user.js";
import { tidyUnit } from "../../../../src/daemon/units/execution/tidy.js";
import type { UnitData } from "../../../../src/daemon/units/types.js";
import { ada, type Bench, bench, needsRoot, serviceName, unitData, variablesIn } from "./support.js";

const { least, most } = dynamicIds;

const uidOf = async (b: Bench, data: UnitData): Promise<number> => (await b.prepare(data)).identity.uid ?? -1;
const tidy = (b: Bench, data: UnitData, restarting = false): Promise<void> =>
  tidyUnit(b.host, serviceName(data), data, { restarting, places: b.places });

test("the name is that of User=, of the unit, or made from it", () => {
  assert.equal(dynamicName("stubby.service", undefined), "stubby");
  assert.equal(dynamicName("stubby@1.service", undefined), "stubby");
  assert.equal(dynamicName("stubby.service", "other"), "other");
  assert.match(dynamicName("a.b.service", undefined), /^_du[0-9a-f]{16}$/);
});

test("the uid comes from the name, and goes on to the next one that is free", () => {
  const first = chooseId("x", [], () => true) ?? 0;
  assert.equal(
    chooseId("x", [], () => true),
    first,
  );
  assert.notEqual(
    chooseId("y", [], () => true),
    first,
  );
  assert.equal(
    chooseId("x", [], (id) => id !== first),
    first === most ? least : first + 1,
  );
  // What the unit owned before comes first, where it can be had.
  assert.equal(
    chooseId("x", [0, 61_500], () => true),
    61_500,
  );
  assert.equal(
    chooseId("x", [61_500], (id) => id !== 61_500),
    first,
  );
  assert.equal(
    chooseId("x", [], () => false),
    undefined,
  );
  assert.equal(
    chooseId("x", [], (id) => id === least),
    least,
  );
  assert.equal(
    chooseId("x", [], (id) => id === most),
    most,
  );
});

test("a unit has the same uid until it stops, with the next daemon and over a restart too", async (t) => {
  const b = bench(t);
  const data = unitData("DynamicUser=yes");
  const { identity, invocation } = await b.prepare(data);
  const { uid = 0 } = identity;
  assert.ok(uid >= least && uid <= most);
  assert.deepEqual(identity, { uid, gid: uid, groups: [uid], name: "x", dynamic: true });
  const again = await b.prepare(data);
  assert.deepEqual(again.identity, identity);
  assert.equal(again.invocation, invocation);
  await tidy(b, data, true);
  assert.deepEqual(readdirSync(join(b.places.own, "dynamic-users")), [String(uid)]);
  assert.notEqual((await b.prepare(data)).invocation, invocation, "it is another start");
  assert.equal(await uidOf(b, data), uid);
  await tidy(b, data);
  assert.equal(existsSync(b.places.own), false);
});

test("a uid is nobody else's: no account's, no group's, no other unit's", async (t) => {
  const b = bench(t);
  const data = unitData("DynamicUser=yes");
  const first = await uidOf(b, data);
  await tidy(b, data);
  writeFileSync(b.places.passwd, `taken:x:${first}:${first}::/:/bin/sh\n`);
  writeFileSync(b.places.group, `taken:x:${first + 1}:\n`);
  const second = await uidOf(b, data);
  assert.equal(second, first + 2);
  // Many at a time.
  const units = Array.from({ length: 40 }, (_, index) =>
    unitData("DynamicUser=yes", { unit: `u${index}.service` }),
  );
  const ids = await Promise.all(units.map((unit) => uidOf(b, unit)));
  assert.equal(new Set([...ids, first, first + 1, second]).size, 43);
  await Promise.all(units.map((unit) => tidy(b, unit)));
  assert.deepEqual(readdirSync(join(b.places.own, "dynamic-users")), [String(second)]);
});

test("units of one User= share it, until the last of them stops", async (t) => {
  const b = bench(t);
  const one = unitData("DynamicUser=yes\nUser=shared", { unit: "one.service" });
  const two = unitData("DynamicUser=yes\nUser=shared", { unit: "two.service" });
  const uid = await uidOf(b, one);
  assert.equal(await uidOf(b, two), uid);
  await tidy(b, one);
  assert.deepEqual(readdirSync(join(b.places.own, "dynamic-users")), [String(uid)]);
  await tidy(b, two);
  assert.equal(existsSync(b.places.own), false);
});

test("a user that exists is taken instead, and groups that exist are", async (t) => {
  const b = bench(t);
  const fixed = await b.prepare(unitData("DynamicUser=yes\nUser=ada"));
  assert.equal(fixed.identity.uid, ada.uid);
  assert.equal(fixed.identity.dynamic, false);
  const { identity } = await b.prepare(
    unitData("DynamicUser=yes\nUser=none\nGroup=printers\nSupplementaryGroups=readers"),
  );
  const { uid } = identity;
  assert.deepEqual(identity, { uid, gid: 4802, groups: [4802, 4800], name: "none", dynamic: true });
  await assert.rejects(
    b.prepare(unitData("DynamicUser=yes\nUser=none2\nSupplementaryGroups=absent")),
    /x\.service: DynamicUser=: group "absent" does not exist/,
  );
});

test("the owner of what the unit had before is who it is again", needsRoot, async (t) => {
  const b = bench(t);
  const state = join(b.places.state, "private", "s");
  mkdirSync(state, { recursive: true });
  chownSync(state, 65_000, 65_000);
  assert.equal(await uidOf(b, unitData("DynamicUser=yes\nStateDirectory=s")), 65_000);
});

test("only the name is told to the processes, since there is no entry", async (t) => {
  const b = bench(t);
  const { USER, LOGNAME, HOME, SHELL } = variablesIn(await b.command(unitData("DynamicUser=yes")));
  assert.deepEqual(
    { USER, LOGNAME, HOME, SHELL },
    { USER: "x", LOGNAME: "x", HOME: undefined, SHELL: undefined },
  );
});

test("a note that is none keeps its uid from others, and is reported", async (t) => {
  const b = bench(t);
  const data = unitData("DynamicUser=yes");
  const uid = await uidOf(b, data);
  await tidy(b, data);
  const directory = join(b.places.own, "dynamic-users");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, String(uid)), "{broken");
  assert.equal(await uidOf(b, data), uid + 1);
  assert.ok(b.lines.some((line) => line.includes("it says of no dynamic user")));
  rmSync(join(directory, String(uid)));
});
