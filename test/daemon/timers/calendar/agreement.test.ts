// Our next occurrences of many expressions, compared with what systemd and croner say, in several zones and at several times.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { occurrences } from "../../../../src/daemon/timers/calendar/occurrences.js";
import { type Row, rows } from "./expressions.js";
import { cronerOccurrences, noSystemd, systemdOccurrences } from "./oracles.js";

/** Far from the changes of the clock, over which systemd and croner go in ways of their own. */
const bases = [
  "2026-11-21T12:00:00Z",
  "2027-12-31T23:59:59Z",
  "2028-02-28T12:34:56Z",
  "1999-12-31T22:00:00Z",
];
const zones = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];

const count = 5;

/** The rows of which we say something else, with both answers. */
function differences(
  asked: readonly Row[],
  theirs: readonly (readonly number[])[],
  base: number,
  zone: string,
) {
  return asked.flatMap((row, index) => {
    const ours = dates(occurrences(row.event(zone), base, count));
    const others = dates(theirs[index] ?? []);
    return isDeepStrictEqual(ours, others) ? [] : { text: row.text, ours, others };
  });
}

const dates = (times: readonly number[]) => times.map((time) => new Date(time).toISOString());

for (const zone of zones)
  for (const baseText of bases) {
    const base = Date.parse(baseText);
    describe(`after ${baseText} in ${zone}`, () => {
      it("agrees with systemd", { skip: noSystemd }, () => {
        const asked = rows.filter(({ systemd }) => systemd !== undefined);
        const expressions = asked.map(({ systemd }) => systemd ?? "");
        const theirs = systemdOccurrences(expressions, base, zone, count);
        assert.deepEqual(differences(asked, theirs, base, zone), []);
      });

      it("agrees with croner", () => {
        const asked = rows.filter(({ croner }) => croner !== undefined);
        const theirs = asked.map(({ croner }) => cronerOccurrences(croner ?? "", base, zone, count));
        assert.deepEqual(differences(asked, theirs, base, zone), []);
      });
    });
  }
