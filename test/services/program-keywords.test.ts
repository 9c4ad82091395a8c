// From a client's arguments to the program that it wants to have run.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientCommand } from "../../src/daemon/control/arguments.js";
import { Request } from "../../src/daemon/request.js";
import { keyword, type Sexp, sym } from "../../src/protocol/sexp.js";
import { parseProgramKeywords } from "../../src/services/builtin/program-keywords.js";

function given(...args: readonly Sexp[]) {
  const command = clientCommand(
    new Request(
      () => undefined,
      () => undefined,
      "/home",
      args,
    ),
  );
  assert.ok(command !== undefined);
  return command;
}

describe("a client's arguments", () => {
  it("are words up to the first keyword, whatever the words look like", () => {
    const { words, keywords, directory } = given("at", "#:name", "x", sym("y"), 5, keyword("name"), "job");
    assert.deepEqual(words, ["at", "#:name", "x", "y", "5"]);
    assert.deepEqual([...keywords], [["name", "job"]]);
    assert.equal(directory, "/home");
  });

  it("are nobody's where no client asked", () => {
    assert.equal(clientCommand(undefined), undefined);
    assert.equal(clientCommand(new Request(() => undefined)), undefined);
  });

  const mistakes: readonly (readonly [text: RegExp, args: readonly Sexp[]])[] = [
    [/'#:name' has no value/, [keyword("name")]],
    [/'#:name' has no value/, [keyword("name"), keyword("user"), "x"]],
    [/'#:name' is given twice/, [keyword("name"), "x", keyword("name"), "y"]],
    [/expected a keyword among the options/, [keyword("name"), "x", "y"]],
  ];
  for (const [text, args] of mistakes) it(`${text}`, () => assert.throws(() => given("a", ...args), text));
});

describe("the options of a program", () => {
  it("are all of herd's", () => {
    const options = parseProgramKeywords(
      given(
        ...[keyword("name"), "job", keyword("directory"), "/srv", keyword("log-file"), "/tmp/log"],
        ...[keyword("extra-environment-variables"), ["A=1", "B="], keyword("user"), "u"],
        ...[keyword("group"), "g"],
      ),
    );
    assert.deepEqual(options, {
      name: "job",
      directory: "/srv",
      logFile: "/tmp/log",
      extraEnvironmentVariables: ["A=1", "B="],
      user: "u",
      group: "g",
    });
    assert.deepEqual(parseProgramKeywords(given("a")), {});
    assert.deepEqual(
      parseProgramKeywords(given(keyword("directory"), "../srv", keyword("log-file"), "log")),
      {
        directory: "/srv",
        logFile: "/home/log",
      },
    );
  });

  const mistakes: readonly (readonly [text: RegExp, name: string, value: Sexp])[] = [
    [/^unknown keyword '#:nice'$/, "nice", "5"],
    [/^unknown keyword '#:toString'$/, "toString", "5"],
    [/^keyword '#:name': expected a string that is not empty$/, "name", ""],
    [/^keyword '#:name': expected a string that is not empty$/, "name", ["a"]],
    [/^keyword '#:user': expected a string that is not empty$/, "user", "a\0b"],
    [/expected a list of NAME=VALUE strings$/, "extra-environment-variables", "SECRET"],
    [
      /expected a list of NAME=VALUE strings; variable 2 is none$/,
      "extra-environment-variables",
      ["A=1", "SECRET"],
    ],
    [
      /expected a list of NAME=VALUE strings; variable 1 is none$/,
      "extra-environment-variables",
      ["=SECRET"],
    ],
    [
      /expected a list of NAME=VALUE strings; variable 1 is none$/,
      "extra-environment-variables",
      ["A=SECRET\0"],
    ],
  ];
  for (const [text, name, value] of mistakes) {
    it(`#:${name} ${JSON.stringify(value)} is refused, without a secret`, () => {
      assert.throws(
        () => parseProgramKeywords(given(keyword(name), value)),
        ({ message }: Error) => text.test(message) && !message.includes("SECRET"),
      );
    });
  }
});
