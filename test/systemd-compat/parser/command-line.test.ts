// Command lines: prefixes, words, separators, specifiers, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "../../../systemd-compat/parser/command-line.js";
import { problemsOf, serviceOf } from "../fixtures.js";

/** Commands as short texts: what is special of each, its program where that is another word, and its words. */
function shown(commands: readonly Command[] = []): string[] {
  return commands.map(({ path, argv, ignoreFailure, expandVariables, privileges }) => {
    const flags = [
      ...(ignoreFailure ? ["-"] : []),
      ...(expandVariables ? [] : [":"]),
      ...(privileges === "unit" ? [] : [privileges]),
    ].join(" ");
    return `${flags}${flags === "" ? "" : " "}${path === argv[0] ? "" : `${path}: `}${argv.map((word) => `<${word}>`).join("")}`;
  });
}

const pre = (text: string) => serviceOf(`ExecStartPre=${text}`, "x@i-j.service");

const rows: readonly (readonly [text: string, commands: readonly string[]])[] = [
  ["/bin/a", ["</bin/a>"]],
  ["/bin/a b  'c d' \"e'f\"", ["</bin/a><b><c d><e'f>"]],
  ["/bin/a ''", ["</bin/a><>"]],
  ["-/bin/a", ["- </bin/a>"]],
  ["- /bin/a", []],
  ["+/bin/a", ["full </bin/a>"]],
  ["!/bin/a", ["no-setuid </bin/a>"]],
  ["!!/bin/a", ["ambient </bin/a>"]],
  [":/bin/a $B", [": </bin/a><$B>"]],
  ["@/bin/a b c", ["/bin/a: <b><c>"]],
  ["-:!!@/bin/a b", ["- : ambient /bin/a: <b>"]],
  ["@-+/bin/a b", ["- full /bin/a: <b>"]],
  ["a b", ["<a><b>"]],
  ["/bin//a/../b", ["/bin/a/../b: </bin//a/../b>"]],
  ["/bin/a ; /bin/b c ; -/bin/d", ["</bin/a>", "</bin/b><c>", "- </bin/d>"]],
  ["/bin/a ; ; /bin/b", ["</bin/a>", "</bin/b>"]],
  ["/bin/a ;", ["</bin/a>"]],
  ["/bin/a \\; b ';' c;d", ["</bin/a><;><b><;><c;d>"]],
  [String.raw`/bin/a \x20b\t "\"" \s`, ['</bin/a>< b\t><">< >']],
  ["/bin/a %i %I %% %p", ["</bin/a><i-j><i/j><%><x>"]],
  ["/bin/%p", ["</bin/x>"]],
  ["/bin/a 'b;c' d ;e", ["</bin/a><b;c><d><;e>"]],
];

for (const [text, commands] of rows)
  test(text, () => assert.deepEqual(shown(pre(text).service.ExecStartPre), commands));

test("an unknown escape sequence stays as it is written", () => {
  const unit = pre(String.raw`/bin/a b\qc`);
  assert.deepEqual(shown(unit.service.ExecStartPre), ["</bin/a><b\\qc>"]);
  assert.deepEqual(problemsOf(unit), [
    'x@i-j.service:2: ExecStartPre=: an unknown escape sequence in "b\\\\qc", it is kept as it is written',
  ]);
});

const refused: readonly (readonly [text: string, why: RegExp])[] = [
  ["bin/a", /expected an absolute name of a program, or one without slashes, got "bin\/a"/],
  ["/bin/", /got a directory/],
  ["+", /expected a program, got none/],
  ["@/bin/a", /expected the name that the program is told after "@", got none/],
  ["/bin/a 'b", /a quote that is not closed in "'b"/],
  ["/bin/a %Z", /unknown specifier %Z/],
  [String.raw`/bin/a\\`, /without quotes, backslashes and control characters/],
  [String.raw`/bin/a \xff`, /invalid UTF-8/],
];

for (const [text, why] of refused)
  test(`${text} makes the unit refused`, () => {
    const unit = pre(text);
    assert.equal(unit.state, "refused");
    assert.match(problemsOf(unit)[0] ?? "", why);
    assert.match(problemsOf(unit)[0] ?? "", /^x@i-j\.service:2: ExecStartPre=: .*, the unit is refused$/);
  });

test("what may fail is left out where it cannot be understood, with what follows it", () => {
  const unit = pre("/bin/a ; -bin/b ; /bin/c");
  assert.equal(unit.state, "loaded");
  assert.deepEqual(shown(unit.service.ExecStartPre), ["</bin/a>"]);
  assert.match(problemsOf(unit)[0] ?? "", /the command is left out, since its failure would be ignored$/);
});

test("assignments add up, and an empty one takes them back", () => {
  const { service } = serviceOf(
    "Type=oneshot\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b\nExecStart=/bin/c",
  );
  assert.deepEqual(shown(service.ExecStart), ["</bin/b>", "</bin/c>"]);
});
