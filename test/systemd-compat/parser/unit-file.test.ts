// The syntax of unit files: what is read, and what is said of all that is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic } from "../../../systemd-compat/diagnostics.js";
import { parseUnitFile } from "../../../systemd-compat/parser/unit-file.js";
import { randomNumbers } from "../oracles/random.js";

const sections = ["Unit", "Service", "Install"];
const parse = (text: string | Uint8Array) =>
  parseUnitFile("x.service", typeof text === "string" ? Buffer.from(text) : text, sections);

/** What is assigned, as `LINE [SECTION] NAME=VALUE`. */
function assigned(text: string): string[] {
  return parse(text).assignments.map(
    ({ line, section, name, value }) => `${line} [${section}] ${name}=${value}`,
  );
}

function said(text: string | Uint8Array): string[] {
  return parse(text).diagnostics.list.map(formatDiagnostic);
}

const good: readonly (readonly [about: string, text: string, assignments: readonly string[]])[] = [
  ["assignments", "[Unit]\nA=b\n [Service] \n C = d e \n", ["2 [Unit] A=b", "4 [Service] C=d e"]],
  ["comments", "# x=1\n[Unit]\n;y=2\n  # z=3\nA=b # c\n", ["5 [Unit] A=b # c"]],
  ["continued lines", "[Unit]\nA=b \\\n  c\\\n\td\nE=f\n", ["2 [Unit] A=b    c \td", "5 [Unit] E=f"]],
  ["comments in continued lines", "[Unit]\nA=b\\\n# no\n; no\n c\n", ["2 [Unit] A=b  c"]],
  ["an empty line ends what is continued", "[Unit]\nA=b\\\n\nC=d\n", ["2 [Unit] A=b", "4 [Unit] C=d"]],
  ["two backslashes continue nothing", "[Unit]\nA=b\\\\\nC=d\n", ["2 [Unit] A=b\\\\", "3 [Unit] C=d"]],
  ["the last line may ask to be continued", "[Unit]\nA=b\\", ["2 [Unit] A=b"]],
  ["an empty value", "[Unit]\nA=\n", ["2 [Unit] A="]],
  ["an equals sign in a value", "[Unit]\nA=b=c\n", ["2 [Unit] A=b=c"]],
  [
    "line ends of other systems",
    "[Unit]\r\nA=b\r\nC=d\rE=f\n\rG=h",
    ["2 [Unit] A=b", "3 [Unit] C=d", "4 [Unit] E=f", "5 [Unit] G=h"],
  ],
  ["a byte order mark", "\ufeff[Unit]\nA=b\n", ["2 [Unit] A=b"]],
  ["sections and names of others", "[Unit]\nX-A=b\n[X-Foo]\nC=d\n[Unit]\nE=f\n", ["6 [Unit] E=f"]],
  [
    "the same section twice",
    "[Unit]\nA=b\n[Service]\nC=d\n[Unit]\nE=f\n",
    ["2 [Unit] A=b", "4 [Service] C=d", "6 [Unit] E=f"],
  ],
];

for (const [about, text, assignments] of good)
  test(about, () => {
    assert.deepEqual(assigned(text), assignments);
    assert.deepEqual(said(text), []);
  });

test("the last line of an assignment is known", () => {
  const [one] = parse("[Unit]\nA=b\\\n# c\n d\n").assignments;
  assert.deepEqual([one?.line, one?.lastLine], [2, 4]);
});

const ignored: readonly (readonly [text: string, diagnostics: readonly string[]])[] = [
  ["[Unit]\nfoo\n", ['x.service:2: no "=" in "foo", the line is ignored']],
  ["[Unit]\n=foo\n", ['x.service:2: no name before "=" in "=foo", the line is ignored']],
  ["A=b\n", ['x.service:1: an assignment outside of any section: "A=b", the line is ignored']],
  [
    "[Foo]\nA=b\n",
    [
      "x.service:1: unknown section [Foo], expected one of [Unit], [Service], [Install], it is ignored with all that is in it",
    ],
  ],
];

for (const [text, diagnostics] of ignored)
  test(`${JSON.stringify(text)} is said and passed over`, () => {
    assert.deepEqual(said(text), diagnostics);
    assert.equal(parse(text).diagnostics.refused, false);
    assert.deepEqual(assigned(text), []);
  });

const long = "x".repeat(2 ** 20);
const refused: readonly (readonly [about: string, text: string | Uint8Array, diagnostic: string])[] = [
  [
    "a section header that is none",
    "[Unit\nA=b\n",
    'x.service:1: expected a section header such as "[Unit]", got "[Unit", the unit is refused',
  ],
  ["a NUL", "[Unit]\n\nA=b\0c\n", "x.service:3: a NUL byte, the unit is refused"],
  [
    "a line of 1 MiB",
    `[Unit]\nA=${long}\n`,
    "x.service:2: a line of 1048576 bytes or more, the unit is refused",
  ],
  [
    "a line of 1 MiB in parts",
    `[Unit]\nB=c\n${"A=xxxxxxx\\\n".repeat(2 ** 17)}`,
    "x.service:3: a line of 1048576 bytes or more, the unit is refused",
  ],
  [
    "invalid UTF-8",
    Buffer.from([0x5b, 0x55, 0x6e, 0x69, 0x74, 0x5d, 0x0a, 0x41, 0x3d, 0xff]),
    "x.service:2: text that is not UTF-8, the unit is refused",
  ],
  [
    "an included file",
    "[Unit]\n.include /etc/x\n",
    "x.service:2: `.include`, which no longer exists, the unit is refused",
  ],
];

for (const [about, text, diagnostic] of refused)
  test(`${about} makes the unit refused`, () => {
    assert.deepEqual(said(text), [diagnostic]);
    assert.equal(parse(text).diagnostics.refused, true);
  });

test("a line of nearly 1 MiB is read", () => {
  const [one] = parse(`[Unit]\nA=${"x".repeat(2 ** 20 - 3)}\n`).assignments;
  assert.equal(one?.value.length, 2 ** 20 - 3);
});

test("diagnostics are bounded, and what refuses the unit is among them", () => {
  const found = said(`[Unit]\n${"foo\n".repeat(100_000)}[Bar`);
  assert.ok(found.length < 500);
  assert.match(found.at(-1) ?? "", /more of these, not shown$/);
  assert.ok(found.some((one) => one.endsWith("the unit is refused")));
});

test("a file's name cannot write to the terminal", () => {
  const { diagnostics } = parseUnitFile("\x1b[2Jx", Buffer.from("foo"), sections);
  assert.match(formatDiagnostic(diagnostics.list[0] ?? assert.fail()), /^\\x1b\[2Jx:1: /);
});

test("bytes at random never make it throw, and every line of it is accounted for", () => {
  const next = randomNumbers(6);
  const pieces = [
    "[",
    "]",
    "[Unit]\n",
    "[Service]\n",
    "=",
    "\n",
    "\r",
    "\\",
    "\\\n",
    "#",
    ";",
    " ",
    "A",
    "\0",
    "é",
    "\xff",
    ".include ",
  ];
  for (let round = 0; round < 2000; round += 1) {
    const length = Math.floor(next() * 200);
    const bytes = Buffer.concat(
      Array.from({ length }, () =>
        next() < 0.1
          ? Buffer.from([Math.floor(next() * 256)])
          : Buffer.from(pieces[Math.floor(next() * pieces.length)] ?? "", "latin1"),
      ),
    );
    const lines = bytes.toString("latin1").split(/\r\n|\n\r|\n|\r/).length;
    const { assignments, diagnostics } = parse(bytes);
    for (const { line, lastLine, section, name, value } of assignments) {
      assert.ok(line >= 1 && line <= lastLine && lastLine <= lines);
      assert.ok(sections.includes(section) && name !== "");
      assert.ok(!/[\0\n\r]/.test(value));
    }
    for (const { line } of diagnostics.list) assert.ok(line >= 1 && line <= lines);
  }
});
