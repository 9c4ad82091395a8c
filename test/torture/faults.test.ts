// Whether the torture sees faults: each is seeded on purpose.

import assert from "node:assert/strict";
import { it } from "node:test";
import type { FaultName } from "./faults.js";
import { run } from "./run.js";
import type { PlanOptions } from "./workload.js";

/** Each with the kills by which it can be seen, and how it is seen. */
const faults: readonly (readonly [FaultName, PlanOptions & { readonly kills: number }, RegExp])[] = [
  ["spawn-before-note", { points: "after spawn service", kills: 10 }, /with 2 processes|lived 2 times/],
  ["dropped-acknowledgement", { points: "after acknowledge child-ended", kills: 1 }, /0 daemons were killed/],
  ["log-consumed-early", { writerOnly: true, kills: 6 }, /comes after line|torn line|has \d+ of \d+ lines/],
];
for (const [fault, where, sight] of faults) {
  it(`the fault ${fault} is seen, and nothing without it`, async () => {
    // What is wrong for good need not be waited for.
    const [faulty, sound] = await Promise.all([run({ ...where, fault, patience: 6_000 }), run(where)]);
    assert.match(faulty.text, sight);
    assert.equal(sound.violations, 0, sound.text);
  });
}
