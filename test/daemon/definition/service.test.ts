// What `service` and its kin accept, which defaults they give, and how they tell what is wrong.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeForkexecConstructor, makeKillDestructor } from "../../../src/daemon/definition/constructors.js";
import {
  defineConfig,
  isDefinition,
  service,
  shepherdAction,
  shepherdConfigurationAction,
  shepherdService,
} from "../../../src/daemon/definition/service.js";
import { builtin } from "../../../src/daemon/definition/types.js";
import { isFrozenThroughout, mistake, untyped } from "./support.js";

const nameRule = "up to 200 bytes, without spaces, slashes, quotes, parentheses or any of #;|\\,";

describe("service", () => {
  it("has the manual's defaults, and ends its process when it is stopped", () => {
    const { start, stop, ...rest } = service(["web", "http"]);
    assert.deepEqual(rest, {
      provision: ["web", "http"],
      requirement: [],
      oneShot: false,
      transient: false,
      respawn: false,
      respawnLimit: { times: 5, seconds: 7 },
      respawnDelay: 0.1,
      retryable: false,
      actions: [],
      autoStart: true,
      documentation: "[No description].",
    });
    assert.equal(start(), true);
    assert.deepEqual(stop[builtin], { kind: "kill", signal: 15, gracePeriod: 5 });
  });

  it("keeps what it is told", () => {
    const action = shepherdAction({ name: "greet", documentation: "Greet.", procedure: () => "hello" });
    const terminationHandler = () => "respawn" as const;
    const start = makeForkexecConstructor(["/bin/true"]);
    const stop = () => false;
    const given = {
      requirement: ["db"],
      oneShot: true,
      transient: true,
      respawn: true,
      respawnLimit: { times: 100, seconds: 0.5 },
      respawnDelay: 0,
      start,
      stop,
      retryable: true,
      resume: () => true,
      actions: [action],
      autoStart: false,
      documentation: "Serve.",
      terminationHandler,
    };
    assert.deepEqual(service(["web"], given), { provision: ["web"], ...given });
  });

  it("takes its respawn limit as a record, as a pair or as none", () => {
    const limitOf = (respawnLimit: false | readonly [number, number]) =>
      service(["web"], { respawnLimit }).respawnLimit;
    assert.deepEqual(limitOf([3, 60]), { times: 3, seconds: 60 });
    assert.equal(limitOf(false), false);
  });

  it("keeps its relations together, each name once, and is bound to what it requires", () => {
    assert.equal("relations" in service(["web"], { wants: [], stopWhenUnneeded: false }), false);
    const made = service(["web"], {
      requirement: ["db"],
      bindsTo: ["disk", "db"],
      wants: ["cache", "cache"],
      after: ["cache"],
      stopWhenUnneeded: true,
    });
    assert.deepEqual(made.requirement, ["db", "disk"]);
    assert.deepEqual(made.relations, {
      wants: ["cache"],
      after: ["cache"],
      bindsTo: ["disk", "db"],
      stopWhenUnneeded: true,
    });
    assert.ok(isFrozenThroughout(made.relations));
  });

  it("takes undefined for absent", () => {
    assert.equal(service(["web"], untyped({ respawn: undefined })).respawn, false);
  });

  it("cannot be changed, neither itself nor through what it was made of", () => {
    const provision = ["web"];
    const requirement = ["db"];
    const respawnLimit = { times: 1, seconds: 1 };
    const action = { name: "a", documentation: "", procedure: () => true };
    const made = service(provision, { requirement, respawnLimit, actions: [action] });
    provision.push("x");
    requirement.push("x");
    respawnLimit.times = 100;
    action.name = "x y";
    assert.ok(isFrozenThroughout(made));
    assert.deepEqual(made.provision, ["web"]);
    assert.deepEqual(made.requirement, ["db"]);
    assert.deepEqual(made.respawnLimit, { times: 1, seconds: 1 });
    assert.equal(made.actions[0]?.name, "a");
  });

  it("is known from what only looks like it", () => {
    const made = service(["web"]);
    assert.ok(isDefinition(made));
    assert.ok(!isDefinition(Object.freeze({ ...made })));
    assert.ok(!isDefinition(null));
  });

  const mistakes: readonly (readonly [message: string, options: unknown])[] = [
    ["expected an object with options, got 5", 5],
    ["expected an object with options, got null", null],
    ["expected an object with options, got []", []],
    ['unknown field "respwan"; did you mean "respawn"?', { respwan: true }],
    ['unknown field "doc"; did you mean "documentation"?', { doc: "" }],
    ['unknown field "x\\u001b[2J"', { "x\u001b[2J": true }],
    ['unknown field "toString"', { toString: 5 }],
    ['field "oneShot": expected true or false, got "yes"', { oneShot: "yes" }],
    ['field "respawn": expected true or false, got null', { respawn: null }],
    ['field "transient": expected true or false, got 1', { transient: 1 }],
    ['field "autoStart": expected true or false, got 0', { autoStart: 0 }],
    [`field "wants": expected a list of names, each of ${nameRule}, got "db"`, { wants: "db" }],
    ['unknown field "conflict"; did you mean "conflicts"?', { conflict: ["db"] }],
    ['field "stopWhenUnneeded": expected true or false, got 1', { stopWhenUnneeded: 1 }],
    [`field "requirement": expected a list of names, each of ${nameRule}, got "db"`, { requirement: "db" }],
    [
      `field "requirement": expected a list of names, each of ${nameRule}, got [ 'db', 'a b' ]`,
      { requirement: ["db", "a b"] },
    ],
    [
      `field "requirement": expected a list of names, each of ${nameRule}, got "-x" as item 7`,
      { requirement: ["a", "b", "c", "d", "e", "f", "-x", "h"] },
    ],
    [
      'field "respawnLimit": expected {times, seconds}, [times, seconds] or false, got "5"',
      { respawnLimit: "5" },
    ],
    [
      'field "respawnLimit": expected {times, seconds}, [times, seconds] or false, got [ 5 ]',
      { respawnLimit: [5] },
    ],
    [
      'field "respawnLimit": expected {times, seconds}, [times, seconds] or false, got { times: 1.5, seconds: 1 }',
      { respawnLimit: { times: 1.5, seconds: 1 } },
    ],
    [
      'field "respawnLimit": expected at most 100 times, or false for no limit, got 101',
      { respawnLimit: [101, 5] },
    ],
    ['field "respawnDelay": expected a number of seconds from 0 to 2147483, got -1', { respawnDelay: -1 }],
    ['field "respawnDelay": expected a number of seconds from 0 to 2147483, got NaN', { respawnDelay: NaN }],
    [
      'field "respawnDelay": expected a number of seconds from 0 to 2147483, got 2147484',
      { respawnDelay: 2147484 },
    ],
    ["field \"start\": expected a constructor or a function, got [ '/bin/true' ]", { start: ["/bin/true"] }],
    ['field "documentation": expected a string, got 7', { documentation: 7 }],
    ['field "terminationHandler": expected a function, got "respawn"', { terminationHandler: "respawn" }],
    [
      "field \"actions\": expected a list of actions made by shepherdAction(…), got [ { name: 'a' } ]",
      { actions: [{ name: "a" }] },
    ],
  ];
  for (const [message, options] of mistakes) {
    it(message, () => {
      assert.equal(
        mistake(() => service(["web"], untyped(options))),
        `service "web": ${message}`,
      );
    });
  }

  it("does not take a destructor for a constructor, nor the other way round", () => {
    assert.match(
      mistake(() => service(["web"], { start: untyped(makeKillDestructor()) })),
      /^service "web": field "start": expected a constructor or a function, got /,
    );
    assert.match(
      mistake(() => service(["web"], { stop: untyped(makeForkexecConstructor(["/bin/true"])) })),
      /^service "web": field "stop": expected a destructor or a function, got /,
    );
  });

  it("has each name and each action once, and none of ours", () => {
    const action = shepherdAction({ name: "a", procedure: () => true });
    assert.equal(
      mistake(() => service(["web", "x", "x"])),
      'service "web": field "provision": "x" is there twice',
    );
    assert.equal(
      mistake(() => service(["web", "root"])),
      'service "web": field "provision": the name "root" is the supervisor\'s own',
    );
    assert.equal(
      mistake(() => service(["web"], { actions: [action, action] })),
      'service "web": field "actions": the action "a" is there twice',
    );
  });
});

describe("names", () => {
  const good = ["a", "user-processes", "term.tty1", "a:b@c+d=e%f", "12", "grüße", "😀", "x".repeat(200)];
  for (const name of good) {
    it(`${name.slice(0, 20)} is one`, () => assert.equal(service([name]).provision[0], name));
  }

  const bad = [
    "",
    ".",
    "..",
    "-x",
    "a b",
    "a\tb",
    "a\n",
    "a\u2028b",
    "a\0b",
    "a\u007fb",
    "a\u009bb",
    "a/b",
    "(a",
    "a)",
    "[a]",
    "a'b",
    'a"b',
    "`a`",
    "a#b",
    "a;b",
    "a|b",
    "a\\b",
    "a,b",
    "\ud800",
    "x".repeat(201),
    "ü".repeat(101),
  ];
  for (const name of bad) {
    it(`${JSON.stringify(name.slice(0, 20))} (${name.length} long) is none`, () => {
      const rule = /field "provision": expected a list of at least one name, each of /;
      assert.match(
        mistake(() => service([name])),
        rule,
      );
      assert.match(
        mistake(() => shepherdAction({ name, procedure: () => true })),
        /^shepherdAction: field "name": expected a name of /,
      );
    });
  }

  for (const provision of ["web", [], [5], undefined, null, new Array(2)]) {
    it(`${JSON.stringify(provision) ?? "undefined"} is no list of them`, () => {
      assert.match(
        mistake(() => service(untyped(provision))),
        /^service: field "provision": expected a list of at least one name, each of .*, got /,
      );
    });
  }
});

describe("shepherdService", () => {
  it("respawns by default, as in Guix", () => {
    assert.equal(shepherdService({ provision: ["tor"] }).respawn, true);
    assert.equal(shepherdService({ provision: ["tor"], respawn: false }).respawn, false);
  });

  it("needs a provision", () => {
    assert.equal(
      mistake(() => shepherdService(untyped({}))),
      'shepherdService: field "provision" is missing',
    );
    assert.equal(
      mistake(() => shepherdService(untyped(undefined))),
      "shepherdService: expected an object with options, got undefined",
    );
    assert.equal(
      mistake(() => shepherdService(untyped({ provision: ["tor"], provides: ["x"] }))),
      'service "tor": unknown field "provides"',
    );
  });
});

describe("shepherdAction", () => {
  it("is frozen, and documented even if nobody did", () => {
    const procedure = () => true;
    const action = shepherdAction({ name: "a", procedure });
    assert.deepEqual(action, { name: "a", documentation: "[No documentation.]", procedure });
    assert.ok(Object.isFrozen(action));
  });

  const mistakes: readonly (readonly [message: string, action: unknown])[] = [
    ['shepherdAction: field "name" is missing', { procedure: () => true }],
    ['shepherdAction: action "a": field "procedure" is missing', { name: "a" }],
    [
      'shepherdAction: field "documentation": expected a string, got 1',
      { name: "a", documentation: 1, procedure: () => true },
    ],
    ['shepherdAction: field "procedure": expected a function, got "f"', { name: "a", procedure: "f" }],
    ['shepherdAction: unknown field "proc"; did you mean "procedure"?', { name: "a", proc: () => true }],
    ['shepherdAction: expected an object with options, got "a"', "a"],
  ];
  for (const [message, action] of mistakes) {
    it(message, () =>
      assert.equal(
        mistake(() => shepherdAction(untyped(action))),
        message,
      ),
    );
  }
});

describe("shepherdConfigurationAction", () => {
  it("prints the file's bare name, and gives it", async (t) => {
    const log = t.mock.method(console, "log", () => undefined);
    const action = shepherdConfigurationAction("/etc/tor/torrc");
    assert.equal(action.name, "configuration");
    assert.equal(await action.procedure(false), "/etc/tor/torrc");
    assert.deepEqual(
      log.mock.calls.map((call) => call.arguments),
      [["/etc/tor/torrc"]],
    );
  });

  it("needs a file", () => {
    assert.equal(
      mistake(() => shepherdConfigurationAction("")),
      'shepherdConfigurationAction: expected the name of a file, got ""',
    );
  });
});

describe("defineConfig", () => {
  const app = service(["app", "main"]);

  it("keeps a frozen copy", () => {
    const services = [app];
    const configuration = defineConfig({ services, exitWith: "app", shutdownTimeout: 8 });
    services.pop();
    assert.deepEqual(configuration, { services: [app], exitWith: "app", shutdownTimeout: 8 });
    assert.ok(isFrozenThroughout(configuration.services) && Object.isFrozen(configuration));
  });

  const rule = "a list of services made by service(…) or shepherdService(…)";
  const mistakes: readonly (readonly [message: string, configuration: unknown])[] = [
    ['field "services" is missing', {}],
    ["expected an object with options, got []", []],
    [`field "services": expected ${rule}, got { web: 1 }`, { services: { web: 1 } }],
    [
      `field "services": expected ${rule}, got { provision: [ 'x' ] } as item 2`,
      { services: [app, { provision: ["x"] }] },
    ],
    ['unknown field "servces"; did you mean "services"?', { servces: [] }],
    ['field "exitWith": no service\'s canonical name is "main"', { services: [app], exitWith: "main" }],
    [`field "exitWith": expected a name of ${nameRule}, got 1`, { services: [app], exitWith: 1 }],
    [
      'field "shutdownTimeout": expected a positive number of seconds, got 0',
      { services: [], shutdownTimeout: 0 },
    ],
    [
      'field "shutdownTimeout": expected a positive number of seconds, got Infinity',
      { services: [], shutdownTimeout: Number.POSITIVE_INFINITY },
    ],
  ];
  for (const [message, configuration] of mistakes) {
    it(message, () =>
      assert.equal(
        mistake(() => defineConfig(untyped(configuration))),
        `defineConfig: ${message}`,
      ),
    );
  }
});
