// Secrets in commands: what stands for them wherever a command is shown.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandSucceeds } from "../../../src/daemon/core.js";
import {
  makeForkexecConstructor,
  makeInetdConstructor,
  makeSystemConstructor,
  makeSystemdConstructor,
} from "../../../src/daemon/definition/constructors.js";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import { masked, shownCommand } from "../../../src/daemon/definition/secrets.js";
import { service } from "../../../src/daemon/definition/service.js";
import { builtin } from "../../../src/daemon/definition/types.js";
import { probeText } from "../../../src/daemon/readiness/options.js";
import { command } from "../../../src/daemon/timers/builders.js";
import { mistake, untyped } from "./support.js";

const secret = "hunter2";

describe("masked", () => {
  const table: readonly [text: string, secrets: readonly string[], shown: string][] = [
    ["--password=hunter2", ["hunter2"], "--password=***"],
    ["hunter2hunter2 hunter2", ["hunter2"], "*** ***"],
    ["nothing in it", ["hunter2"], "nothing in it"],
    ["abcd", ["abc", "bcd"], "***"],
    ["aaaa", ["aa"], "***"],
    ["longer than long", ["long", "longer"], "*** than ***"],
    ["$&", ["$&"], "***"],
    ["any", [], "any"],
    ["any", [""], "any"],
  ];
  for (const [text, secrets, shown] of table)
    it(`${JSON.stringify(text)} without ${JSON.stringify(secrets)} is ${JSON.stringify(shown)}`, () =>
      assert.equal(masked(text, secrets), shown));
});

it("a command without secrets stays the same", () => {
  const words = ["a", "b"];
  assert.equal(shownCommand(words, {}), words);
});

it("constructors keep the true command, for the spawn", () => {
  const data = makeForkexecConstructor(["tool", `-p${secret}`], { secrets: [secret] })[builtin];
  assert.deepEqual(data, {
    kind: "forkexec",
    command: ["tool", `-p${secret}`],
    options: { secrets: [secret] },
  });
});

describe("no message shows a secret", () => {
  const wrong = [`-p${secret}`, untyped(42)];
  const listener = [endpoint("/run/test.socket")];
  const mistakes: readonly [what: string, body: () => unknown][] = [
    ["a forkexec command", () => makeForkexecConstructor(wrong, { secrets: [secret] })],
    ["a systemd command", () => makeSystemdConstructor(wrong, listener, { secrets: [secret] })],
    ["an inetd command", () => makeInetdConstructor(wrong, listener, { secrets: [secret] })],
    ["a shell command", () => makeSystemConstructor(secret, untyped(["x"]), { secrets: [secret] })],
    ["a timer's command", () => command(wrong, { secrets: [secret] })],
    [
      "an environment",
      () => makeForkexecConstructor(["x"], { environmentVariables: [secret], secrets: [secret] }),
    ],
    ["secrets that are no list", () => makeForkexecConstructor(["x"], { secrets: untyped(secret) })],
    [
      "a list of secrets with a hole",
      () => makeForkexecConstructor(["x"], { secrets: [secret, untyped(1)] }),
    ],
    ["an empty secret", () => makeForkexecConstructor(["x"], { secrets: [secret, ""] })],
    [
      "a constructor in the wrong place",
      () => service(["x"], { stop: untyped(makeForkexecConstructor([secret], { secrets: [secret] })) }),
    ],
    [
      "a shell command in the wrong place",
      () => service(["x"], { requirement: untyped(makeSystemConstructor(secret, { secrets: [secret] })) }),
    ],
  ];
  for (const [what, body] of mistakes)
    it(`about ${what}`, () => {
      const message = mistake(body);
      assert.doesNotMatch(message, new RegExp(secret));
      assert.match(message, /expected/);
    });

  it("about a value that refers to itself", () => {
    const circle: unknown[] = [secret];
    circle.push(circle);
    const message = mistake(() => makeForkexecConstructor(untyped(circle), { secrets: [secret] }));
    assert.match(message, /expected a list of strings, the program first, got \[ '\*\*\*'/);
  });

  it("about a probe", () =>
    assert.equal(
      probeText(commandSucceeds(["curl", `-u:${secret}`]), { secrets: [secret] }),
      'command "curl -u:***"',
    ));
});
