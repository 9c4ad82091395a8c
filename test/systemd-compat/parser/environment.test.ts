// Files of variables, as EnvironmentFile= reads them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEnvironmentFile, parseVariable } from "../../../systemd-compat/parser/environment.js";
import { ask, noLibrary } from "../oracles/libsystemd.js";
import { randomTexts } from "../oracles/random.js";

function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(parseEnvironmentFile(Buffer.from(text)).variables);
}

const rows: readonly (readonly [text: string, variables: Readonly<Record<string, string>>])[] = [
  ["A=b\nC=d", { A: "b", C: "d" }],
  ["# no=1\n; no=2\n\n  A = b \n", { A: "b" }],
  ["A='b c'\nB=\"d e\" f\nC=g'h'", { A: "b c", B: "d ef", C: "g'h'" }],
  ['A="x\\"y\\\\z\\$w\\q"', { A: 'x"y\\z$w\\q' }],
  ["A=b\\\nc\nD='e\nf'", { A: "bc", D: "e\nf" }],
  ["A=b # c", { A: "b # c" }],
  ["A=1\nA=2", { A: "2" }],
  ["A=\nB", { A: "" }],
  ["A=$B\nB=`x`", { A: "$B", B: "`x`" }],
  ["#x\\\nA=1\nB=2", { B: "2" }],
  ["A=b\r\nC=d\r\n", { A: "b", C: "d" }],
  ["A=b\\ \n", { A: "b " }],
];

for (const [text, variables] of rows)
  test(JSON.stringify(text), () => assert.deepEqual(variablesOf(text), variables));

test("what is no variable is left out, and said with its line", () => {
  const { variables, problems } = parseEnvironmentFile(Buffer.from("A=1\nexport B=2\n\nC='\x07'\n"));
  assert.deepEqual([...variables], [["A", "1"]]);
  assert.deepEqual(
    problems.map(({ line }) => line),
    [2, 4],
  );
});

test("a file that is no text is refused", () => {
  assert.throws(() => parseEnvironmentFile(Buffer.from("A=\0")), /NUL/);
  assert.throws(() => parseEnvironmentFile(Buffer.from([0x41, 0x3d, 0xff])), /UTF-8/);
});

test("an assignment needs a name of letters and a value without control characters", () => {
  assert.deepEqual(parseVariable("A_1=b=c"), ["A_1", "b=c"]);
  assert.deepEqual(parseVariable("A=\t\n"), ["A", "\t\n"]);
  for (const text of ["A", "=b", "1A=b", "A B=c", "A=\x01", "é=1"])
    assert.equal(parseVariable(text), undefined, text);
});

test("3,000 files are read as systemd reads them", { skip: noLibrary }, () => {
  const pieces = ["A", "B", "=", "'", '"', "\\", "\n", "\n", "\r", " ", "#", ";", "x", "$", "\t", "é"];
  const texts = randomTexts(3, 3000, pieces, 24);
  const answers = ask(texts.map((text) => ["environment-file", text]));
  for (const [index, text] of texts.entries()) {
    const answer = answers[index];
    const theirs =
      typeof answer === "number" ? answer : (answer ?? []).filter((one) => parseVariable(one) !== undefined);
    const ours = Object.entries(variablesOf(text)).map(([name, value]) => `${name}=${value}`);
    assert.deepEqual(
      ours.sort(),
      typeof theirs === "number" ? theirs : [...theirs].sort(),
      JSON.stringify(text),
    );
  }
});
