// Every unit of the corpus, converted: it compiles, is formatted as our code is, loads, and means what the unit means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtin, type ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { decode } from "../../../src/daemon/units/encoded.js";
import { unitOf } from "../../../src/daemon/units/of-definition.js";
import type { UnitData } from "../../../src/daemon/units/types.js";
import { ConversionError, convertIn, unitPlaces } from "../../../systemd-compat/convert.js";
import { parseUnitName } from "../../../systemd-compat/names.js";
import { UnitLoader } from "../../../systemd-compat/translate/loader.js";
import { reservedNames } from "../../../systemd-compat/translate/service-names.js";
import { translateUnits } from "../../../systemd-compat/translate/translate.js";
import { noCorpus, unpackCorpus } from "../corpus/corpus.js";
import { withSomeInstance } from "../fixtures.js";
import { makeTree } from "../trees.js";
import { modulesIn } from "./modules.js";

/** All that the unit says of itself, in an order of its own. */
function meaning({ service, conditions, asserts }: UnitData): unknown {
  const { Sockets: _sockets, ...settings } = decode(service);
  const plain = (list: UnitData["conditions"]) =>
    list.map(({ position: _position, ...rest }) => JSON.stringify(rest)).sort();
  return { settings, conditions: plain(conditions), asserts: plain(asserts) };
}

function compareNative(
  data: UnitData,
  { start, respawn, respawnDelay }: ServiceDefinition,
  name: string,
): void {
  const native = start[builtin];
  assert.ok(native?.kind === "forkexec", name);
  const settings = decode(data.service);
  assert.deepEqual(native.command, settings.ExecStart?.[0]?.argv, name);
  const { user, group, extraEnvironmentVariables = {}, pidFile } = native.options;
  assert.deepEqual(
    [user, group, pidFile].map((one) => (one === undefined ? undefined : String(one))),
    [settings.User, settings.Group, settings.PIDFile],
    name,
  );
  assert.deepEqual(extraEnvironmentVariables, Object.fromEntries(settings.Environment ?? []), name);
  assert.equal(respawn, (settings.Restart ?? "no") !== "no", name);
  if (respawn) assert.equal(respawnDelay, settings.RestartSec ?? 0.1, name);
}

test("each unit of the corpus is converted", { skip: noCorpus }, async (t) => {
  const files = unpackCorpus(t).filter(({ name }) => /\.(?:service|socket|timer|path)$/.test(name));
  const root = makeTree(
    t,
    Object.fromEntries(
      files.map(({ name, contents }) => [`lib/systemd/system/${name}`, contents.toString()]),
    ),
  );
  const places = await unitPlaces(root);
  const modules = modulesIn(t);
  const counts = { native: 0, unitService: 0, unit: 0, refused: 0 };
  for (const file of new Set(files.map(({ name }) => name))) {
    const name = parseUnitName(withSomeInstance(file));
    assert.ok(name !== undefined);
    let text: string;
    try {
      text = await convertIn(places, [name]);
    } catch (error) {
      assert.ok(error instanceof ConversionError, file);
      counts.refused += 1;
      continue;
    }
    const module = file.replace(/\W/g, "_");
    modules.add(module, text);
    if (!/(?: |\n)(?:service|unitService)\(\[?"/.test(text)) {
      counts.unit += 1;
      continue;
    }
    const { definitions } = await translateUnits(new UnitLoader(places), {
      asked: [name.full],
      boots: false,
      strict: false,
      known: new Map(),
      reserved: reservedNames,
    });
    const original = definitions.get(name.full);
    const data = original === undefined ? undefined : unitOf(original);
    assert.ok(data?.kind === "unit", file);
    const [made] = await modules.load(module);
    assert.ok(made !== undefined && original !== undefined, file);
    const again = unitOf(made);
    if (again === undefined) {
      compareNative(data, made, file);
      counts.native += 1;
    } else {
      assert.ok(again.kind === "unit", file);
      assert.deepEqual(meaning(again), meaning(data), file);
      assert.deepEqual(
        [made.provision[0], made.oneShot, made.respawn, made.respawnDelay, made.respawnLimit, made.cgroup],
        [
          ...[original.provision[0], original.oneShot, original.respawn, original.respawnDelay],
          ...[original.respawnLimit, original.cgroup],
        ],
        file,
      );
      counts.unitService += 1;
    }
  }
  t.diagnostic(JSON.stringify(counts));
  // A few have a specifier that only files have.
  assert.ok(counts.native > 50 && counts.unitService > 500, JSON.stringify(counts));
  assert.equal(modules.check(), "");
});
