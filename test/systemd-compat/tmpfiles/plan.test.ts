// The order in which lines of tmpfiles.d are carried out, and which of them are not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Diagnostics } from "../../../systemd-compat/diagnostics.js";
import { parseAge } from "../../../systemd-compat/tmpfiles/age.js";
import { matchesPath } from "../../../systemd-compat/tmpfiles/glob.js";
import { parseTmpfiles } from "../../../systemd-compat/tmpfiles/parse.js";
import { planOf, stepsOf } from "../../../systemd-compat/tmpfiles/plan.js";
import { expander, tmpfilesLetters } from "../../../systemd-compat/tmpfiles/specifiers.js";
import type { Operation } from "../../../systemd-compat/tmpfiles/types.js";
import { facts } from "../fixtures.js";

function stepsFor(text: string, ...operations: readonly Operation[]): readonly string[] {
  const diagnostics = new Diagnostics();
  const context = {
    expand: expander(tmpfilesLetters, facts),
    userId: () => undefined,
    groupId: () => undefined,
    boot: true,
    graceful: false,
  };
  const plan = planOf(parseTmpfiles("t.conf", text, context, diagnostics), diagnostics);
  return stepsOf(plan, new Set(operations)).map(
    ({ operation, line }) => `${operation} ${line.type} ${line.path}`,
  );
}

test("directories are made before what is in them, patterns come last", () => {
  assert.deepEqual(stepsFor("z /a/*\nf /a/b/c\nd /a/b\nd /a\nd /z\n", "create"), [
    "create d /a",
    "create d /a/b",
    "create f /a/b/c",
    "create d /z",
    "create z /a/*",
  ]);
});

test("removal comes before creation, and takes what is in a directory first", () => {
  assert.deepEqual(stepsFor("D /a\nD /a/b\nr /x*\n", "create", "remove"), [
    "remove D /a/b",
    "remove D /a",
    "remove r /x*",
    "create D /a",
    "create D /a/b",
    "create r /x*",
  ]);
});

test("of two lines for a place the first counts, but what only changes it is added", () => {
  assert.deepEqual(
    stepsFor("z /a 0700\nd /a 0711\nd /a 0722\nw+ /b - - - - x\nw+ /b - - - - y\n", "create"),
    ["create d /a", "create z /a", "create w /b", "create w /b"],
  );
});

test("specifiers are replaced, and those of units are unknown", () => {
  assert.deepEqual(stepsFor("d /run/%H/%%\nd /run/%i\n", "create"), ["create d /run/host.example.org/%"]);
});

test("ages", () => {
  assert.deepEqual(parseAge("~mM:1h 5s"), {
    seconds: 3605,
    keepsFirstLevel: true,
    files: ["m"],
    directories: ["m"],
  });
  assert.deepEqual(parseAge("10d")?.directories, ["a", "b", "m"]);
  for (const text of ["", "x", "q:1d", "1d~", ":1d"]) assert.equal(parseAge(text), undefined, text);
});

test("a star in a path stands for no slash, and for no dot at the beginning of a name", () => {
  assert.ok(matchesPath("/tmp/systemd-private-x", "/tmp/systemd-private-*"));
  assert.ok(!matchesPath("/tmp/a/b", "/tmp/*"));
  assert.ok(!matchesPath("/tmp/.a", "/tmp/*"));
  assert.ok(matchesPath("/tmp/b", "/tmp/{a,b}"));
});
