// The builders of activation steps: what they make, and what they refuse.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lowered } from "../../../src/services/activation/lowering.js";
import {
  checkSnippets,
  directoryStep,
  fileStep,
  isActivationStep,
  removeStep,
  runStep,
  symlinkStep,
} from "../../../src/services/activation/steps.js";
import { fileAppend, filePath, plainFile, softwarePackage } from "../../../src/services/files/file-like.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

describe("activation steps", () => {
  it("are data", () => {
    assert.deepEqual(directoryStep("/var/lib/tor", { mode: 0o700, owner: "tor", group: 1 }), {
      step: "directory",
      path: "/var/lib/tor",
      mode: 0o700,
      owner: "tor",
      group: 1,
    });
    assert.deepEqual(directoryStep("/a", { mode: undefined }), { step: "directory", path: "/a" });
    assert.deepEqual(fileStep("/a", "text"), { step: "file", path: "/a", contents: "text" });
    assert.deepEqual(fileStep("/a", { source: "/b" }, { mode: 0o600 }), {
      step: "file",
      path: "/a",
      source: "/b",
      mode: 0o600,
    });
    assert.deepEqual(symlinkStep("/a", "../b"), { step: "symlink", path: "/a", target: "../b" });
    assert.deepEqual(removeStep("/a"), { step: "remove", path: "/a" });
    assert.deepEqual(runStep(["/bin/true", "x"], { unless: "/done", user: "a", timeout: 0.5 }), {
      step: "run",
      command: ["/bin/true", "x"],
      unless: "/done",
      user: "a",
      timeout: 0.5,
    });
    assert.equal(isActivationStep(removeStep("/a")), true);
    assert.equal(isActivationStep({ step: "remove", path: "/a" }), false);
  });

  it("are kept as JSON, with names in the place of files", () => {
    const file = plainFile("f", "contents");
    const postgresql = softwarePackage({ name: "postgresql", prefix: "/usr/lib/postgresql/15" });
    const text = lowered([
      {
        name: "a",
        steps: [
          fileStep("/a", { source: file }),
          symlinkStep("/b", file),
          runStep([fileAppend(postgresql, "/bin/initdb"), file, "word"]),
        ],
      },
    ]);
    assert.deepEqual(JSON.parse(text), {
      version: 1,
      snippets: [
        {
          name: "a",
          steps: [
            { step: "file", path: "/a", source: filePath(file) },
            { step: "symlink", path: "/b", target: filePath(file) },
            { step: "run", command: ["/usr/lib/postgresql/15/bin/initdb", filePath(file), "word"] },
          ],
        },
      ],
    });
  });

  const mistakes: readonly (readonly [what: string, make: () => unknown, message: string])[] = [
    [
      "a relative directory",
      () => directoryStep("var/lib"),
      "directoryStep: the path: expected an absolute file name",
    ],
    ["a path with ..", () => directoryStep("/var/../etc"), "without `.` and `..`"],
    ["a path that is none", () => directoryStep(untyped(5)), "directoryStep: the path: expected"],
    [
      "an unknown field",
      () => directoryStep("/a", untyped({ ownr: "tor" })),
      'unknown field "ownr"; did you mean "owner"?',
    ],
    [
      "a mode that is a string",
      () => directoryStep("/a", untyped({ mode: "0700" })),
      'field "mode": expected permissions',
    ],
    [
      "a mode that is too large",
      () => directoryStep("/a", { mode: 0o10000 }),
      'field "mode": expected permissions from 0 to 0o7777',
    ],
    [
      "an owner that is none",
      () => directoryStep("/a", { owner: "" }),
      'field "owner": expected a name or a number',
    ],
    ["a file without contents", () => fileStep("/a", untyped({})), 'fileStep: field "source" is missing'],
    [
      "a source that is no file",
      () => fileStep("/a", { source: "b" }),
      'field "source": expected an absolute file name, or a file',
    ],
    [
      "contents that are none",
      () => fileStep("/a", untyped(7)),
      "fileStep: expected an object with options, got 7",
    ],
    [
      "a link to nothing",
      () => symlinkStep("/a", ""),
      "symlinkStep: the target: expected the name of a file",
    ],
    ["a link to an object", () => symlinkStep("/a", untyped({})), "symlinkStep: the target: expected"],
    ["the removal of everything", () => removeStep("//"), "expected another one than the root directory"],
    ["an empty command", () => runStep(untyped([])), "runStep: the command: expected a list"],
    [
      "a command that is a string",
      () => runStep(untyped("/bin/true")),
      "runStep: the command: expected a list",
    ],
    ["a relative program", () => runStep(["true"]), "runStep: the program: expected an absolute file name"],
    ["a word with NUL", () => runStep(["/bin/true", "a\0b"]), "runStep: the command: expected"],
    [
      "no time",
      () => runStep(["/bin/true"], { timeout: 0 }),
      'field "timeout": expected a number of seconds above 0',
    ],
    [
      "an environment that is a list",
      () => runStep(["/bin/true"], untyped({ environment: ["A=b"] })),
      'field "environment": expected a record of strings',
    ],
    [
      "a variable with =",
      () => runStep(["/bin/true"], { environment: { "A=": "b" } }),
      'field "environment": expected',
    ],
  ];
  for (const [what, make, message] of mistakes)
    it(`refuse ${what}`, () => {
      const got = mistake(make);
      assert.ok(got.includes(message), got);
    });
});

describe("activation snippets", () => {
  const of = { what: "service 'activate'" };
  const refused: readonly (readonly [what: string, value: unknown, message: string])[] = [
    ["what is no list", { name: "a", steps: [] }, "service 'activate': expected a list of {name, steps}"],
    ["one without a name", [{ steps: [] }], "expected {name, steps} with a name"],
    ["one without steps", [{ name: "a" }], `activation snippet "a": field "steps" is missing`],
    ["one with more", [{ name: "a", steps: [], step: 1 }], `activation snippet "a": unknown field "step"`],
    [
      "a step that was made by hand",
      [{ name: "a", steps: [{ step: "remove", path: "/a" }] }],
      `activation snippet "a": field "steps": expected a list of steps made by`,
    ],
  ];
  for (const [what, value, message] of refused)
    it(`refuse ${what}`, () => {
      const got = mistake(() => checkSnippets(of, value));
      assert.ok(got.includes(message), got);
    });
});
