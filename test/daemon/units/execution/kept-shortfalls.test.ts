// What a start has found not to be applied is there for whoever asks, until the unit is down.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { keepShortfalls, readShortfalls } from "../../../../src/daemon/units/execution/kept-shortfalls.js";
import { ownDirectory } from "../../../../src/daemon/units/execution/record.js";
import { tidyUnit } from "../../../../src/daemon/units/execution/tidy.js";
import { bench, unitData } from "./support.js";

test("it is kept from the start to the end, and what was known before is not told again", async (t) => {
  const b = bench(t);
  const known = { directive: "MemoryLow", extent: "not", why: "x", file: "/x", line: 3 } as const;
  const data = unitData("TTYReset=yes\nMemoryLow=1M", { notApplied: [known] });
  await b.prepare(data);
  assert.deepEqual(
    (await readShortfalls(b.places, "x")).map(({ directive, extent }) => [directive, extent]),
    [["TTYReset", "not"]],
  );
  assert.equal(b.said.length, 1);
  await tidyUnit(b.host, "x", data, { restarting: false, places: b.places });
  assert.deepEqual(await readShortfalls(b.places, "x"), []);
});

test("what is not ours is none", async (t) => {
  const { places } = bench(t);
  const file = join(ownDirectory(places, "x"), "not-applied");
  mkdirSync(dirname(file), { recursive: true });
  for (const text of ["", "{", "{}", '[1, null, {"directive": "A"}]']) {
    writeFileSync(file, text);
    assert.deepEqual(await readShortfalls(places, "x"), [], text);
  }
  const one = { directive: "A", extent: "partly", why: "b", file: "/c", line: 0 } as const;
  await keepShortfalls(places, "x", [one]);
  assert.deepEqual(await readShortfalls(places, "x"), [one]);
});
