// Units that mean harm, or nothing: each is read in the time that its size allows, and none makes anything throw.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic } from "../../systemd-compat/diagnostics.js";
import { allDirectives } from "../../systemd-compat/directives.js";
import { parseEnvironmentFile } from "../../systemd-compat/parser/environment.js";
import { unitOf } from "./fixtures.js";
import { randomNumbers } from "./oracles/random.js";

const million = 1_000_000;
const service = (lines: string) => unitOf("x.service", `[Service]\nExecStart=/bin/true\n${lines}\n`);

/** With anything quadratic these would take hours. */
const long: readonly (readonly [about: string, lines: string])[] = [
  ["blanks in a value", `Environment=A=${" ".repeat(million)}b`],
  ["backslashes in a value", `Environment=A=${"\\".repeat(million)}b`],
  ["quotes in a value", `Environment=A=${"''".repeat(million / 2)}b`],
  ["unknown escape sequences", `ExecStartPre=/bin/true ${"\\q ".repeat(million / 4)}`],
  ["words", `ExecStartPre=/bin/true ${"a ".repeat(million / 2)}`],
  ["separators of commands", `ExecStartPre=/bin/true ${"; ".repeat(million / 2)}`],
  ["colons", `RuntimeDirectory=${":".repeat(million)}`],
  ["digits", `TimeoutStopSec=${"1".repeat(million)}`],
  ["numbers", `TimeoutStopSec=${"1 ".repeat(million / 2)}`],
  ["a size of many parts", `MemoryMax=${"1 ".repeat(million / 2)}`],
  ["slashes", `ReadWritePaths=${"/".repeat(million)}`],
  ["parts of a path", `ReadWritePaths=${"/a".repeat(million / 2)}`],
  ["commas", `CPUAffinity=${"1,".repeat(million / 2)}`],
  ["braces", `[Unit]\nConditionPathExistsGlob=/${"{".repeat(million)}`],
  ["a calendar expression", `[Unit]\nConditionHost=${"*a".repeat(million / 2)}`],
  ["dots", `BusName=${"a.".repeat(million / 2)}b`],
  ["names of units", `[Unit]\nAfter=${"a.service ".repeat(million / 10)}`],
  ["bytes of input", `StandardInputText=${"x".repeat(million)}`],
  ["digits of input", `StandardInputData=${"AAAA".repeat(million / 4)}`],
  ["an unknown name", `${"A".repeat(million)}=1`],
  ["a section's name", `[${"A".repeat(million)}]`],
  ["lines that are continued", `Environment=A=${"b\\\n".repeat(million / 4)}`],
];

for (const [about, lines] of long)
  test(`a million of ${about}`, () => {
    const unit = service(lines);
    for (const one of unit.diagnostics) assert.ok(formatDiagnostic(one).length < 2000);
  });

test("a list without end makes the unit refused", () => {
  const names = Array.from({ length: 50_000 }, (_, index) => `u${index}.service`).join(" ");
  const unit = service(`[Unit]\nAfter=${names}\n${"After=a.service\n".repeat(1000)}`);
  assert.equal(unit.state, "refused");
  assert.deepEqual(unit.unit.After, ["a.service"]);
  assert.match(
    unit.diagnostics.map(formatDiagnostic).join("\n"),
    /:4: After=: more than 4096 of them, the unit is refused/,
  );
});

test("assignments without end make the unit refused", () => {
  const unit = service("Nice=1\n".repeat(200_000));
  assert.equal(unit.state, "refused");
  assert.equal(unit.assignments.length, 4096);
  assert.match(
    unit.diagnostics.map(formatDiagnostic).join("\n"),
    /more than 4096 assignments, the unit is refused/,
  );
});

test("unknown names without end are told, up to a number", () => {
  const lines = Array.from({ length: 4000 }, (_, index) => `RestartSek${index}=1`).join("\n");
  assert.ok(service(lines).diagnostics.length < 500);
});

test("specifiers cannot make more than there is room for", () => {
  const name = `${"x".repeat(240)}.service`;
  const unit = unitOf(name, `[Service]\nExecStart=/bin/true ${"%n".repeat(million / 4)}\n`);
  assert.equal(unit.state, "refused");
  assert.match(
    unit.diagnostics.map(formatDiagnostic).join("\n"),
    /specifiers that make more than 2097152 characters/,
  );
});

test("a file of variables of any kind is read", () => {
  for (const text of [
    `A=${" ".repeat(million)}b`,
    `A=${"\\".repeat(million)}`,
    "A=1\n".repeat(million / 4),
    `A="${"x".repeat(million)}`,
  ])
    assert.ok(parseEnvironmentFile(Buffer.from(text)).variables.size <= 1);
});

test("2,000 units of random lines are read, and each is usable or says why it is not", () => {
  const next = randomNumbers(9);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item;
  const names = allDirectives();
  const pieces = [
    ...[
      "a",
      "5",
      "/",
      "-",
      "+",
      "~",
      ":",
      ";",
      ",",
      ".",
      "=",
      "@",
      "%",
      "%i",
      "%n",
      "%Z",
      "$A",
      "'",
      '"',
      "\\",
      " ",
      "\t",
    ],
    ...[
      "yes",
      "infinity",
      "5s",
      "64K",
      "50%",
      "CAP_CHOWN",
      "AF_INET",
      "@mount",
      "a.service",
      "x@.service",
      "/bin/true",
    ],
    ...[
      "file:",
      "fd:",
      "A=b",
      "root",
      "SIGTERM",
      "0755",
      "é",
      "\xff",
      "\x01",
      "man:x(1)",
      "daily",
      "*:0/5",
      "[::1]:80",
    ],
  ];
  const types = ["service", "socket", "timer", "path", "target", "mount", "swap", "slice", "automount"];
  let refused = 0;
  for (let round = 0; round < 2000; round += 1) {
    const lines = Array.from({ length: 12 }, () => {
      const { section, name } = pick(names);
      const value = Array.from({ length: Math.floor(next() * 6) }, () => pick(pieces)).join("");
      return next() < 0.05 ? value : `[${section}]\n${name}=${value}`;
    });
    const unit = unitOf(
      `x@${pick(["", "i", "a-b"])}.${pick(types)}`,
      Buffer.from(lines.join("\n"), "latin1"),
    );
    assert.ok(unit.state === "loaded" || unit.state === "refused");
    const errors = unit.diagnostics.filter(({ severity }) => severity === "error");
    assert.equal(unit.state === "refused", errors.length > 0);
    for (const { outcome, file, line } of unit.assignments)
      if (outcome !== "used")
        assert.ok(unit.diagnostics.some((one) => one.file === file && one.line === line));
    if (unit.state === "refused") refused += 1;
  }
  assert.ok(refused > 100 && refused < 1900, String(refused));
});
