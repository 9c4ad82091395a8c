// The built-in constructors and destructors as data, and as functions that the daemon runs.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import {
  makeForkexecConstructor,
  makeKillDestructor,
  makeSystemConstructor,
  makeSystemDestructor,
} from "../../../src/daemon/definition/constructors.js";
import { setRuntime } from "../../../src/daemon/definition/runtime.js";
import { type BuiltinStart, type BuiltinStop, builtin } from "../../../src/daemon/definition/types.js";
import { idleRuntime, isFrozenThroughout, mistake, untyped } from "./support.js";

// First, since the others install one.
it("outside a daemon they can be made, and not called", () => {
  const start = makeForkexecConstructor(["/bin/true"]);
  assert.throws(
    () => start(),
    /^Error: this can only be called inside shepherd, not by a program of its own$/,
  );
});

it("called, they delegate to the daemon with their data", async () => {
  const calls: unknown[] = [];
  setRuntime({
    ...idleRuntime,
    runStart: async (data: BuiltinStart) => {
      calls.push(data);
      return "started";
    },
    runStop: async (data: BuiltinStop, value) => {
      calls.push([data, value]);
      return false;
    },
  });
  const start = makeForkexecConstructor(["/bin/true"]);
  const stop = makeKillDestructor();
  assert.equal(await start("ignored"), "started");
  assert.equal(await stop("value"), false);
  assert.deepEqual(calls, [start[builtin], [stop[builtin], "value"]]);
});

describe("makeForkexecConstructor", () => {
  it("keeps every option, frozen, however the user's objects change", () => {
    const options = {
      user: "tor",
      group: 5,
      supplementaryGroups: ["a", 0],
      logFile: "/var/log/tor.log",
      directory: "/",
      fileCreationMask: 0o077,
      createSession: false,
      environmentVariables: ["A=1", "B=a=b", "C="],
      resourceLimits: { nofile: { soft: 10, hard: "unlimited" as const }, core: 0, as: "unlimited" as const },
      pidFile: "/run/tor.pid",
      pidFileTimeout: 30,
    };
    const command = ["tor", "-f", "/etc/torrc"];
    const start = makeForkexecConstructor(command, options);
    const expected = structuredClone({ kind: "forkexec", command, options });
    command.push("x");
    options.environmentVariables.push("x");
    options.resourceLimits.nofile.soft = 99;
    assert.deepEqual(start[builtin], expected);
    assert.ok(Object.isFrozen(start) && isFrozenThroughout(start[builtin]));
  });

  const commands = [undefined, "/bin/true", [], [""], ["/bin/true", 5], ["a\0b"], new Array(1)];
  for (const command of commands) {
    it(`${JSON.stringify(command) ?? "undefined"} is no command`, () => {
      assert.match(
        mistake(() => makeForkexecConstructor(untyped(command))),
        /^makeForkexecConstructor: expected a list of strings, the program first, got /,
      );
    });
  }

  const environment = '"NAME=VALUE" strings, or an object of strings';
  const limits =
    "an object of limits by name (cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, as, locks, sigpending, " +
    'msgqueue, nice, rtprio, rttime), each a number, "unlimited" or {soft, hard} with soft not above hard';
  const mistakes: readonly (readonly [message: string, options: unknown])[] = [
    ['unknown field "pidfile"; did you mean "pidFile"?', { pidfile: "/x" }],
    ['unknown field "env"; did you mean "environmentVariables"?', { env: {} }],
    ['field "user": expected a name or a number, got ""', { user: "" }],
    ['field "user": expected a name or a number, got -1', { user: -1 }],
    ['field "group": expected a name or a number, got 4294967295', { group: 4294967295 }],
    [
      "field \"supplementaryGroups\": expected a list of names or numbers of groups, got [ 'a', null ]",
      { supplementaryGroups: ["a", null] },
    ],
    ['field "logFile": expected an absolute file name, got "log"', { logFile: "log" }],
    ['field "pidFile": expected an absolute file name, got "/a\\u0000"', { pidFile: "/a\0" }],
    ['field "directory": expected an absolute directory name, got "."', { directory: "." }],
    ['field "fileCreationMask": expected a mask from 0 to 0o777, got 512', { fileCreationMask: 0o1000 }],
    ['field "fileCreationMask": expected a mask from 0 to 0o777, got "077"', { fileCreationMask: "077" }],
    [
      'field "pidFileTimeout": expected a number of seconds from 0 to 2147483, got Infinity',
      { pidFileTimeout: Number.POSITIVE_INFINITY },
    ],
    [`field "environmentVariables": expected ${environment}, got [ 'A' ]`, { environmentVariables: ["A"] }],
    [`field "environmentVariables": expected ${environment}, got [ '=A' ]`, { environmentVariables: ["=A"] }],
    [
      `field "environmentVariables": expected ${environment}, got { A: 1 }`,
      { environmentVariables: { A: 1 } },
    ],
    [
      `field "environmentVariables": expected ${environment}, got { 'A=B': 'c' }`,
      { environmentVariables: { "A=B": "c" } },
    ],
    [`field "resourceLimits": expected ${limits}, got { files: 1 }`, { resourceLimits: { files: 1 } }],
    [`field "resourceLimits": expected ${limits}, got { core: -1 }`, { resourceLimits: { core: -1 } }],
    [`field "resourceLimits": expected ${limits}, got { core: 1e+21 }`, { resourceLimits: { core: 1e21 } }],
    [
      `field "resourceLimits": expected ${limits}, got { core: { soft: 2, hard: 1 } }`,
      { resourceLimits: { core: { soft: 2, hard: 1 } } },
    ],
    [
      `field "resourceLimits": expected ${limits}, got { core: { soft: 'unlimited', hard: 1 } }`,
      { resourceLimits: { core: { soft: "unlimited", hard: 1 } } },
    ],
    [
      `field "resourceLimits": expected ${limits}, got { core: { soft: 2 } }`,
      { resourceLimits: { core: { soft: 2 } } },
    ],
  ];
  for (const [message, options] of mistakes) {
    it(message, () =>
      assert.equal(
        mistake(() => makeForkexecConstructor(["/bin/true"], untyped(options))),
        `makeForkexecConstructor: ${message}`,
      ),
    );
  }
});

describe("makeKillDestructor", () => {
  const { SIGTERM, SIGINT, SIGQUIT } = constants.signals;
  const accepted: readonly (readonly [readonly unknown[], signal: number, gracePeriod: number])[] = [
    [[], SIGTERM, 5],
    [["SIGINT"], SIGINT, 5],
    [["int"], SIGINT, 5],
    [[SIGQUIT], SIGQUIT, 5],
    [[37], 37, 5],
    [["QUIT", { gracePeriod: 0 }], SIGQUIT, 0],
    [[undefined, { gracePeriod: 30 }], SIGTERM, 30],
    [[{ gracePeriod: 2.5 }], SIGTERM, 2.5],
    [[{ signal: "INT", gracePeriod: 1 }], SIGINT, 1],
    [[{}], SIGTERM, 5],
  ];
  for (const [args, signal, gracePeriod] of accepted) {
    it(JSON.stringify(args), () => {
      const stop = Reflect.apply(makeKillDestructor, undefined, args) as ReturnType<
        typeof makeKillDestructor
      >;
      assert.deepEqual(stop[builtin], { kind: "kill", signal, gracePeriod });
      assert.ok(isFrozenThroughout(stop[builtin]));
    });
  }

  const signal = 'expected a signal\'s number, or its name such as "SIGTERM"';
  const refused: readonly (readonly [message: string, args: readonly unknown[]])[] = [
    [`${signal}, got "SIGNOPE"`, ["SIGNOPE"]],
    [`${signal}, got ""`, [""]],
    [`${signal}, got 0`, [0]],
    [`${signal}, got 65`, [65]],
    [`${signal}, got null`, [null]],
    [`field "signal": ${signal}, got 1.5`, [{ signal: 1.5 }]],
    ['field "gracePeriod": expected a number of seconds from 0 to 2147483, got -1', [{ gracePeriod: -1 }]],
    ['unknown field "grace"; did you mean "gracePeriod"?', ["TERM", { grace: 1 }]],
    ['unknown field "signal"', ["TERM", { signal: "INT" }]],
    ["expected one object with options, got two", [{ signal: "INT" }, { gracePeriod: 1 }]],
  ];
  for (const [message, args] of refused) {
    it(message, () =>
      assert.equal(
        mistake(() => Reflect.apply(makeKillDestructor, undefined, args)),
        `makeKillDestructor: ${message}`,
      ),
    );
  }
});

describe("makeSystemConstructor and makeSystemDestructor", () => {
  it("put the command together; a last object has options", () => {
    assert.deepEqual(makeSystemConstructor("mount ", "/x")[builtin], {
      kind: "system",
      command: "mount /x",
      options: {},
    });
    assert.deepEqual(makeSystemDestructor("umount /x", { user: "ada" })[builtin], {
      kind: "system",
      command: "umount /x",
      options: { user: "ada" },
    });
  });

  const refused: readonly (readonly [message: string, args: readonly unknown[]])[] = [
    ["expected strings that make a command, got []", []],
    ["expected strings that make a command, got nothing", ["", ""]],
    ["expected strings that make a command, got []", [{ user: "ada" }]],
    ["expected strings that make a command, got [ 'a', 5 ]", ["a", 5]],
    ["expected strings that make a command, got [ Symbol(x) ]", [Symbol("x")]],
    ["expected strings that make a command, got [ 'a\\x00b' ]", ["a\0b"]],
    ['unknown field "pidFile"', ["a", { pidFile: "/x" }]],
  ];
  for (const [message, args] of refused) {
    it(message, () => {
      assert.equal(
        mistake(() => Reflect.apply(makeSystemConstructor, undefined, args)),
        `makeSystemConstructor: ${message}`,
      );
      assert.equal(
        mistake(() => Reflect.apply(makeSystemDestructor, undefined, args)),
        `makeSystemDestructor: ${message}`,
      );
    });
  }
});
