// Records with defaults: the configurations of services.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fail } from "../../../src/daemon/definition/check.js";
import { fields } from "../../../src/daemon/definition/fields.js";
import { recordConstructor } from "../../../src/services/composition/record.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

interface Clock {
  readonly zone: string;
  readonly face: string;
  readonly alarm: boolean | undefined;
}

const clock = recordConstructor<Clock, "zone">(
  "clock",
  { zone: fields.text, face: fields.text, alarm: fields.flag },
  { face: "round", alarm: undefined },
  (of, { zone }) => {
    if (zone === "Nowhere") fail(of, 'field "zone": there is no such zone');
  },
);

describe("recordConstructor", () => {
  it("fills in defaults, and freezes", () => {
    const one = clock({ zone: "UTC" });
    assert.deepEqual(one, { zone: "UTC", face: "round", alarm: undefined });
    assert.ok(Object.isFrozen(one));
  });

  it("spreads another record where Guix inherits; undefined is the default again", () => {
    const one = clock({ zone: "UTC", face: "square", alarm: true });
    assert.deepEqual(clock({ ...one, zone: "CET" }), { zone: "CET", face: "square", alarm: true });
    assert.deepEqual(clock({ ...one, face: undefined }), { zone: "UTC", face: "round", alarm: true });
  });

  it("needs no argument where every field has a default", () => {
    const box = recordConstructor<{ readonly size: string }>("box", { size: fields.text }, { size: "small" });
    assert.deepEqual(box(), { size: "small" });
  });

  it("knows its own", () => {
    const one = clock({ zone: "UTC" });
    assert.ok(clock.isInstance(one) && clock.check.matches(one));
    for (const other of [{ ...one }, null, "clock", undefined]) assert.ok(!clock.isInstance(other));
    assert.equal(clock.check.expected, "a record made by clock(…)");
  });

  const mistakes: readonly (readonly [message: string, given: unknown])[] = [
    ['clock: field "zone" missing', {}],
    ['clock: field "zone" missing', { zone: undefined }],
    ['clock: unknown field "zones"; did you mean "zone"?', { zones: "UTC" }],
    ['clock: field "face": expected a string, got 5', { zone: "UTC", face: 5 }],
    ['clock: field "alarm": expected true or false, got null', { zone: "UTC", alarm: null }],
    ["clock: expected an object with options, got null", null],
    ['clock: field "zone": there is no such zone', { zone: "Nowhere" }],
  ];
  for (const [message, given] of mistakes) {
    it(message, () =>
      assert.equal(
        mistake(() => clock(untyped(given))),
        message,
      ),
    );
  }
});
