// Names of units: their parts, and text that is written into them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  escapeName,
  escapePath,
  isInstance,
  isTemplate,
  mangleName,
  parseUnitName,
  templateOf,
  unescapeName,
  unescapePath,
  unitName,
  withInstance,
} from "../../systemd-compat/names.js";
import { ask, noLibrary } from "./oracles/libsystemd.js";
import { randomTexts } from "./oracles/random.js";

test("a name has parts", () => {
  assert.deepEqual(parseUnitName("postgresql@15-main.service"), {
    full: "postgresql@15-main.service",
    prefix: "postgresql",
    instance: "15-main",
    type: "service",
  });
  assert.deepEqual(parseUnitName("dbus-org.freedesktop.login1.service"), {
    full: "dbus-org.freedesktop.login1.service",
    prefix: "dbus-org.freedesktop.login1",
    type: "service",
  });
  assert.ok(isTemplate(unitName("getty@.service")));
  assert.ok(isInstance(unitName("getty@tty1.service")));
  assert.equal(templateOf(unitName("getty@tty1.service"))?.full, "getty@.service");
  assert.equal(templateOf(unitName("getty@.service")), undefined);
  assert.equal(withInstance(unitName("getty@.service"), "tty2").full, "getty@tty2.service");
});

for (const text of [
  "",
  "x",
  "x.foo",
  ".service",
  "@.service",
  "@x.service",
  "a b.service",
  "a/b.service",
  `${"x".repeat(250)}.service`,
])
  test(`${JSON.stringify(text.slice(0, 20))} is no name`, () => {
    assert.equal(parseUnitName(text), undefined);
    assert.throws(() => unitName(text), /expected the name of a unit/);
  });

const pieces = [
  "a",
  "b",
  "-",
  "/",
  "\\",
  "\\x2d",
  "\\xzz",
  ".",
  "@",
  " ",
  "é",
  ":",
  "_",
  "..",
  "service",
  ".service",
  ".mount",
];
const texts = randomTexts(7, 1500, pieces, 6);

test("1,500 texts are names of units where they are for systemd", { skip: noLibrary }, () => {
  // Plain names, templates and instances.
  for (const [flag, matches] of [
    [1, (text: string) => parseUnitName(text)?.instance === undefined && parseUnitName(text) !== undefined],
    [2, (text: string) => parseUnitName(text)?.instance === ""],
    [4, (text: string) => (parseUnitName(text)?.instance ?? "") !== ""],
  ] as const) {
    const answers = ask(texts.map((text) => ["unit-name-valid", text, String(flag)]));
    for (const [index, text] of texts.entries())
      assert.deepEqual([matches(text) ? "1" : "0"], answers[index], `${text} as ${flag}`);
  }
});

for (const [question, ours] of [
  ["escape", escapeName],
  ["unescape", unescapeName],
  ["escape-path", escapePath],
  ["unescape-path", unescapePath],
  ["mangle", (text: string) => mangleName(text)],
] as const)
  test(`${question}: 1,500 texts become what systemd makes of them`, { skip: noLibrary }, () => {
    const answers = ask(texts.map((text) => [question, text]));
    for (const [index, text] of texts.entries()) {
      const answer = answers[index];
      const theirs = typeof answer === "number" ? undefined : answer?.[0];
      assert.equal(ours(text), theirs, JSON.stringify(text));
    }
  });

const noEscape = spawnSync("systemd-escape", ["--version"]).status !== 0 && "there is no systemd-escape";

test("systemd-escape agrees", { skip: noEscape }, () => {
  const paths = ["/", "/foo/bar", "/foo//bar/", "/dev/disk/by-uuid/1", "/with blank", "/.hidden", "/a-b"];
  const escaped = (options: readonly string[], given: readonly string[]) =>
    spawnSync("systemd-escape", [...options, "--", ...given], { encoding: "utf8" })
      .stdout.trim()
      .split(" ");
  assert.deepEqual(paths.map(escapePath), escaped(["--path"], paths));
  const names = ["foo", "a/b", "a-b", ".x", "ünï", "x@y"];
  assert.deepEqual(names.map(escapeName), escaped([], names));
});

test("what was escaped comes back", () => {
  for (const text of texts) assert.equal(unescapeName(escapeName(text)), text);
});
