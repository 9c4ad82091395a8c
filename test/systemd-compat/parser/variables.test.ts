// Variables in command lines, as they are replaced when a command runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expandArguments, expandWord, variablesIn } from "../../../systemd-compat/parser/variables.js";
import { ask, noLibrary, type Question } from "../oracles/libsystemd.js";
import { randomTexts } from "../oracles/random.js";

const environment = new Map([
  ["ONE", "1"],
  ["TWO", "2 'two words' \"x"],
  ["EMPTY", ""],
]);

/** A reference in braces, up to what ends it. */
const braces = (name: string, end = "}") => `\${${name}${end}`;

const rows: readonly (readonly [words: readonly string[], expanded: readonly string[]])[] = [
  [
    ["/bin/x", "$ONE", "y"],
    ["/bin/x", "1", "y"],
  ],
  [["$TWO"], ["2", "two words", "x"]],
  [[braces("TWO")], ["2 'two words' \"x"]],
  [["$EMPTY", "$UNSET", "a"], ["a"]],
  [
    [braces("EMPTY"), braces("UNSET")],
    ["", ""],
  ],
  [
    ["--x=$ONE", `--y=${braces("ONE")}`],
    ["--x=$ONE", "--y=1"],
  ],
  [
    ["$$ONE", "a$$", "$$$$"],
    ["$ONE", "a$", "$$"],
  ],
  [["$", "$1"], []],
  [
    [braces("ONE", ""), braces("ONE:-x")],
    [braces("ONE", ""), braces("ONE:-x")],
  ],
  [[braces("")], [""]],
];

for (const [words, expanded] of rows)
  test(JSON.stringify(words), () => assert.deepEqual(expandArguments(words, environment), expanded));

test("the variables that words refer to are known", () => {
  const words = ["$A", `x${braces("B")}y${braces("A")}`, "$$C", "--d=$D", braces("E:-f"), "$"];
  assert.deepEqual(variablesIn(words), ["A", "B"]);
  assert.equal(expandWord(braces("ONE").repeat(2), environment), "11");
});

test("2,000 command lines are expanded as systemd expands them", { skip: noLibrary }, () => {
  const plain = ["$", "{", "}", "ONE", "TWO", "EMPTY", "UNSET", "a", ":", " ", "-", "$$", "$TWO"];
  const pieces = [...plain, braces("ONE")];
  const words = randomTexts(2, 2000, pieces, 6).filter((word) => word !== "--");
  const assignments = Array.from(environment, ([name, value]) => `${name}=${value}`);
  const answers = ask(words.map((word): Question => ["expand", "/bin/x", word, "--", ...assignments]));
  for (const [index, word] of words.entries())
    assert.deepEqual(expandArguments(["/bin/x", word], environment), answers[index], JSON.stringify(word));
});
