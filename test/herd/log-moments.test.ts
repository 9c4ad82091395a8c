// The times of --since and --until, and the query that the options make.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMoment } from "../../src/herd/log/moments.js";
import { parseQuery } from "../../src/herd/log/query.js";

/** Saturday, 12:30 in Paris, where the clocks were set back on October 25. */
const now = Date.UTC(2026, 10, 21, 11, 30) / 1000;

test("times, in the local zone unless they name one", (t) => {
  const zone = process.env.TZ;
  process.env.TZ = "Europe/Paris";
  t.after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const iso = (text: string): string | undefined => {
    const moment = parseMoment(text, now);
    return moment === undefined ? undefined : new Date(moment * 1000).toISOString().replace(".000Z", "");
  };
  const cases: Readonly<Record<string, string>> = {
    now: "2026-11-21T11:30:00",
    today: "2026-11-20T23:00:00",
    Yesterday: "2026-11-19T23:00:00",
    "today 08:15": "2026-11-21T07:15:00",
    "yesterday 08:15:30": "2026-11-20T07:15:30",
    "06:30": "2026-11-21T05:30:00",
    "6:30:01": "2026-11-21T05:30:01",
    "2026-07-01": "2026-06-30T22:00:00",
    "2026-07-01 12:00": "2026-07-01T10:00:00",
    "2026-07-01T12:00:05.25": "2026-07-01T10:00:05",
    "2026-07-01T12:00Z": "2026-07-01T12:00:00",
    "2026-07-01 12:00 +0530": "2026-07-01T06:30:00",
    "2026-07-01T12:00:00-05:00": "2026-07-01T17:00:00",
    "-1h": "2026-11-21T10:30:00",
    "-1h30min": "2026-11-21T10:00:00",
    "1h ago": "2026-11-21T10:30:00",
    "10min ago": "2026-11-21T11:20:00",
    "2 days 3 hours ago": "2026-11-19T08:30:00",
    "1 week ago": "2026-11-14T11:30:00",
    "-90s": "2026-11-21T11:28:30",
    "@0": "1970-01-01T00:00:00",
    "@1795242600": "2026-11-21T06:30:00",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(iso(text), expected, text);
  for (const text of [
    "",
    "foo",
    "2026-02-30",
    "2026-13-01",
    "24:00",
    "12:60",
    "2026-07-01T",
    "12:00Z",
    "-1",
    "-1 lightyear",
    "1h",
    "ago",
    "- ",
    "@",
    "@x",
    "tomorrow",
    "2026-07-01 12:00 +5",
  ])
    assert.equal(iso(text), undefined, text);
});

test("the query: how many lines, and what does not go together", () => {
  assert.deepEqual(parseQuery({}, now), { follow: false, json: false, lines: 100 });
  assert.deepEqual(parseQuery({ follow: true }, now), { follow: true, json: false, lines: 10 });
  assert.deepEqual(parseQuery({ follow: true, logHistory: 0 }, now).lines, 0);
  assert.deepEqual(parseQuery({ since: "@5.5", until: "@7" }, now), {
    follow: false,
    json: false,
    since: 5,
    until: 7,
  });
  assert.equal(parseQuery({ grep: "x" }, now).lines, undefined);
  const wrong: readonly (readonly [options: Parameters<typeof parseQuery>[0], message: RegExp])[] = [
    [
      { since: "foo" },
      /^--since: foo: expected a time such as "2026-11-21", .*"10min ago" or "@1795242600"$/,
    ],
    [{ since: "today", until: "yesterday" }, /^--since: today is after --until: yesterday$/],
    [{ follow: true, until: "now" }, /^--until: it goes on for ever with --follow/],
    [{ grep: "[" }, /^--grep: Invalid regular expression: .*; expected a JavaScript regular expression$/],
  ];
  for (const [options, message] of wrong) assert.throws(() => parseQuery(options, now), { message });
});

test("a pattern is without regard to case unless it has a capital that is no escape's", () => {
  const matches = (grep: string, text: string) => parseQuery({ grep }, now).pattern?.test(text);
  assert.equal(matches("error", "ERROR"), true);
  assert.equal(matches("Error", "ERROR"), false);
  assert.equal(matches("\\Serror", "xERROR"), true);
  assert.equal(matches("é", "É"), true);
});
