// Presets: rules, and what systemctl makes of the same ones.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { formatDiagnostic } from "../../systemd-compat/diagnostics.js";
import { unitName } from "../../systemd-compat/names.js";
import { matchesFileName, matchesPattern } from "../../systemd-compat/pattern.js";
import { parsePresets, presetOf, readPresets } from "../../systemd-compat/presets.js";
import { RootedFiles } from "../../systemd-compat/rooted-files.js";
import { systemPresetPath } from "../../systemd-compat/search-path.js";
import { makeTree } from "./trees.js";

test("the first rule that matches counts", () => {
  const { rules, diagnostics } = parsePresets(
    "x.preset",
    "# no\nenable a*.service\n\ndisable ab.service\nenable t@.service x y\nfoo\ndisable *\n",
  );
  const actionOf = (name: string) => presetOf(rules, unitName(name));
  assert.deepEqual(actionOf("ab.service"), { action: "enable", instances: [] });
  assert.deepEqual(actionOf("b.service"), { action: "disable", instances: [] });
  assert.deepEqual(actionOf("t@.service"), { action: "enable", instances: ["x", "y"] });
  assert.deepEqual(actionOf("t@x.service"), { action: "enable", instances: [] });
  assert.deepEqual(actionOf("t@z.service"), { action: "disable", instances: [] });
  assert.deepEqual(presetOf([], unitName("b.service")), { action: "enable", instances: [] });
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    'x.preset:6: expected "enable" or "disable" and a unit, got "foo", the line is ignored',
  ]);
});

const patterns: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ["a*", "abc", true],
  ["a*c", "abcd", false],
  ["a?c", "abc", true],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[]a]", "]", true],
  ["[a", "[a", true],
  ["a\\*", "a*", true],
  ["a\\*", "ab", false],
  ["*", "", true],
  ["**a**", "bab", true],
  ["a.b", "axb", false],
];

for (const [pattern, text, matches] of patterns)
  test(`${pattern} ${matches ? "matches" : "does not match"} ${JSON.stringify(text)}`, () =>
    assert.equal(matchesPattern(text, pattern), matches));

test("a pattern with many stars takes no longer than others", () => {
  assert.equal(matchesPattern("a".repeat(2000), `${"a*".repeat(500)}b`), false);
});

test("wildcards match no hidden file", () => {
  assert.equal(matchesFileName(".a", "*"), false);
  assert.equal(matchesFileName(".a", ".*"), true);
});

const noSystemctl = spawnSync("systemctl", ["--version"]).status !== 0 && "there is no systemctl";

test("systemctl presets the same units", { skip: noSystemctl }, async (t) => {
  const names = ["a.service", "ab.service", "b.service", "c.timer", "d.service"];
  const unit =
    "[Unit]\nDescription=x\n[Service]\nExecStart=/x\n[Timer]\nOnBootSec=1\n[Install]\nWantedBy=multi-user.target\n";
  const root = makeTree(t, {
    ...Object.fromEntries(names.map((name) => [`usr/lib/systemd/system/${name}`, unit])),
    "usr/lib/systemd/system-preset/50-a.preset": "disable a.service\nenable c*\n",
    "etc/systemd/system-preset/50-a.preset": "enable a.service\ndisable c.timer\n",
    "usr/lib/systemd/system-preset/40-b.preset": "disable [b-c].*\n",
    "usr/lib/systemd/system-preset/99-default.preset": "disable *\n",
    "usr/lib/systemd/system-preset/60-d.preset": "enable d.service\n",
  });
  const { rules } = await readPresets(new RootedFiles(root), systemPresetPath);
  const { status, stderr } = spawnSync("systemctl", [`--root=${root}`, "preset", ...names], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  const links = readdirSync(`${root}/etc/systemd/system/multi-user.target.wants`);
  for (const name of names) {
    const enabled = links.includes(name);
    const theirs = spawnSync("systemctl", [`--root=${root}`, "is-enabled", name], {
      encoding: "utf8",
    }).stdout.trim();
    assert.equal(theirs, enabled ? "enabled" : "disabled");
    assert.equal(presetOf(rules, unitName(name)).action, enabled ? "enable" : "disable", name);
  }
});
