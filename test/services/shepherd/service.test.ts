// `shepherdService` of composed systems, with all fields of Guix's record, and what the daemon makes of it.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { makeForkexecConstructor, makeKillDestructor } from "../../../src/daemon/definition/constructors.js";
import { setRuntime } from "../../../src/daemon/definition/runtime.js";
import {
  service as defineService,
  isDefinition,
  shepherdAction,
} from "../../../src/daemon/definition/service.js";
import { builtin } from "../../../src/daemon/definition/types.js";
import { replService } from "../../../src/services/builtin/repl.js";
import { plainFile } from "../../../src/services/files/file-like.js";
import {
  canonicalName,
  isShepherdService,
  type ShepherdServiceFields,
  shepherdService,
  shepherdServiceFiles,
  shepherdServices,
} from "../../../src/services/shepherd/service.js";
import { toDefinition } from "../../../src/services/shepherd/to-definition.js";
import { idleRuntime, isFrozenThroughout, mistake, untyped } from "../../daemon/definition/support.js";

const start = makeForkexecConstructor(["/bin/true"]);
const stop = makeKillDestructor("INT");
const action = shepherdAction({ name: "greet", documentation: "Greet.", procedure: () => "hello" });
const file = plainFile("motd", "Welcome.\n");

describe("the defaults of shepherd-service", () => {
  const record = shepherdService({ provision: ["tor"] });
  const defaults: Readonly<Record<string, unknown>> = {
    documentation: "[No documentation.]",
    requirement: [],
    oneShot: false,
    respawn: true,
    respawnLimit: undefined,
    respawnDelay: undefined,
    freeForm: undefined,
    actions: [],
    autoStart: true,
    modules: [],
    files: [],
    transient: false,
    retryable: false,
    resume: undefined,
    terminationHandler: undefined,
    cgroup: undefined,
  };
  for (const [field, value] of Object.entries(defaults)) {
    it(`${field} is ${JSON.stringify(value) ?? "undefined"}`, () =>
      assert.deepEqual(Reflect.get(record, field), value));
  }
  it("start always succeeds", () => assert.equal(record.start(), true));
  it("stop ends the process", () =>
    assert.deepEqual(record.stop[builtin], { kind: "kill", signal: 15, gracePeriod: 5 }));
  it("provision has none", () =>
    assert.equal(
      mistake(() => shepherdService(untyped({}))),
      'shepherdService: field "provision" is missing',
    ));
  it("are the daemon's, where the daemon has the field", () => {
    const { start: starts, stop: stops, ...rest } = toDefinition(record);
    assert.equal(starts(), true);
    assert.deepEqual(stops[builtin], { kind: "kill", signal: 15, gracePeriod: 5 });
    assert.deepEqual(rest, {
      provision: ["tor"],
      requirement: [],
      oneShot: false,
      transient: false,
      respawn: true,
      respawnLimit: { times: 5, seconds: 7 },
      respawnDelay: 0.1,
      retryable: false,
      actions: [],
      autoStart: true,
      documentation: "[No documentation.]",
    });
  });
});

describe("shepherdService", () => {
  const all: ShepherdServiceFields = {
    provision: ["web", "http"],
    requirement: ["db"],
    oneShot: true,
    respawn: false,
    respawnLimit: { times: 3, seconds: 60 },
    respawnDelay: 2,
    start,
    stop,
    actions: [action],
    autoStart: false,
    documentation: "Serve.",
    modules: ["node:fs"],
    files: [file],
    transient: true,
    retryable: true,
    resume: () => true,
    terminationHandler: () => "stop",
    cgroup: { pidsMax: 10 },
  };

  it("keeps every field, and the definition does too", () => {
    const record = shepherdService(all);
    assert.deepEqual(record, { ...all, freeForm: undefined });
    const { modules: _modules, files: _files, ...ofDaemon } = all;
    assert.deepEqual(toDefinition(record), ofDaemon);
  });

  it("cannot be changed, neither itself nor through what it was made of", () => {
    const provision = ["web"];
    const modules = ["node:fs"];
    const respawnLimit: [number, number] = [3, 60];
    const record = shepherdService({ provision, modules, respawnLimit });
    respawnLimit[0] = 7;
    provision.push("x");
    modules.push("node:x");
    assert.deepEqual(record.respawnLimit, [3, 60]);
    assert.deepEqual([record.provision, record.modules], [["web"], ["node:fs"]]);
    assert.ok(isFrozenThroughout(record));
  });

  it("inherits by spreading", () => {
    const record = shepherdService({
      ...shepherdService(all),
      provision: ["other"],
      respawnLimit: undefined,
    });
    assert.deepEqual(record, { ...all, provision: ["other"], respawnLimit: undefined, freeForm: undefined });
    assert.ok(isShepherdService(record));
  });

  it("knows its own", () => {
    const record = shepherdService(all);
    assert.ok(shepherdServices.matches([record]) && isDefinition(toDefinition(record)));
    assert.ok(!isShepherdService({ ...record }) && !isShepherdService(null));
    assert.match(
      mistake(() => toDefinition({ ...record })),
      /^service: expected one made by shepherdService\(…\), got \{/,
    );
  });

  it("is called by its first name", () => assert.equal(canonicalName(shepherdService(all)), "web"));

  it("knows the files that it is given", () =>
    assert.deepEqual(shepherdServiceFiles(shepherdService(all)), [file]));

  const limits: readonly (readonly [given: unknown, means: unknown])[] = [
    [undefined, { times: 5, seconds: 7 }],
    [false, { times: 5, seconds: 7 }],
    ["unlimited", false],
    [[3, 60], { times: 3, seconds: 60 }],
    [
      { times: 0, seconds: 1 },
      { times: 0, seconds: 1 },
    ],
  ];
  for (const [given, means] of limits) {
    it(`respawnLimit ${JSON.stringify(given) ?? "undefined"} means ${JSON.stringify(means)}`, () => {
      const record = shepherdService({ provision: ["web"], respawnLimit: untyped(given) });
      assert.deepEqual(toDefinition(record).respawnLimit, means);
    });
  }
  for (const [given, means] of [
    [undefined, 0.1],
    [false, 0.1],
    [0, 0],
    [2, 2],
  ] as const) {
    it(`respawnDelay ${given} means ${means}`, () => {
      const record = shepherdService({ provision: ["web"], respawnDelay: given });
      assert.equal(toDefinition(record).respawnDelay, means);
    });
  }

  const mistakes: readonly (readonly [message: string, given: unknown])[] = [
    ['service "web": unknown field "respwan"; did you mean "respawn"?', { respwan: true }],
    ['service "web": unknown field "freeform"; did you mean "freeForm"?', { freeform: start }],
    ['service "web": field "oneShot": expected true or false, got 1', { oneShot: 1 }],
    [
      'service "web": field "respawnLimit": expected {times, seconds} or [times, seconds] with at most 100 times, "unlimited", or false for the default, got 5',
      { respawnLimit: 5 },
    ],
    [
      'service "web": field "respawnLimit": expected {times, seconds} or [times, seconds] with at most 100 times, "unlimited", or false for the default, got [ 101, 5 ]',
      { respawnLimit: [101, 5] },
    ],
    [
      'service "web": field "respawnDelay": expected a number of seconds from 0 to 2147483, or false for the default, got -1',
      { respawnDelay: -1 },
    ],
    [
      'service "web": field "freeForm": expected a service as shepherd-ts defines them, such as timerService(), or a function that gives one, got "repl"',
      { freeForm: "repl" },
    ],
    [
      'service "web": field "modules": expected a list of ES modules, each an absolute file name, a file: URL or one of ' +
        "Node's such as \"node:sqlite\", got [ './lib.js' ]",
      { modules: ["./lib.js"] },
    ],
    [
      'service "web": field "files": expected a list of files, each an absolute name or made by plainFile(…) and the like, ' +
        "got [ 'motd' ]",
      { files: ["motd"] },
    ],
    ['service "web": field "actions": the action "greet" is there twice', { actions: [action, action] }],
    ['service "web": field "provision": "web" is there twice', { provision: ["web", "web"] }],
    ['service "root": field "provision": the name "root" is the supervisor\'s own', { provision: ["root"] }],
  ];
  for (const [message, given] of mistakes) {
    it(message, () =>
      assert.equal(
        mistake(() => shepherdService(untyped({ provision: ["web"], ...(given as object) }))),
        message,
      ),
    );
  }

  it("needs names", () => {
    for (const provision of [[], "web", [1], undefined])
      assert.match(
        mistake(() => shepherdService(untyped({ provision }))),
        /^shepherdService: field "provision"(: expected a list of at least one name, each of .*| is missing)/,
      );
  });
});

describe("a free form", () => {
  const form = defineService(["repl", "console"], {
    start,
    stop,
    actions: [action],
    documentation: "Evaluate.",
    requirement: ["loopback"],
    respawnDelay: 7,
    cgroup: false,
  });

  it("replaces start, stop and actions, and every field that is not given", () => {
    const record = shepherdService({ provision: ["repl", "console"], freeForm: form });
    assert.deepEqual(toDefinition(record), form);
    assert.deepEqual(record.requirement, ["loopback"]);
  });

  it("leaves the other fields to the record, where they are given", () => {
    const record = shepherdService({
      provision: ["repl", "console"],
      freeForm: form,
      start: () => false,
      stop: () => false,
      actions: [],
      autoStart: false,
      requirement: [],
      respawn: true,
      documentation: "A prompt.",
    });
    assert.deepEqual(toDefinition(record), {
      ...form,
      autoStart: false,
      requirement: [],
      respawn: true,
      documentation: "A prompt.",
    });
  });

  it("that is a function is called when the definition is asked for, and not before", () => {
    let calls = 0;
    const freeForm = () => {
      calls += 1;
      return form;
    };
    const record = shepherdService({ provision: ["repl", "console"], freeForm });
    assert.equal(calls, 0);
    assert.deepEqual(toDefinition(record), form);
    assert.equal(calls, 1);
  });

  it("may need the supervisor: the REPL, as in Guix's manual", () => {
    const record = shepherdService({ provision: ["repl"], freeForm: () => replService() });
    const files = () => ({ controlSocket: "/run/shepherd/socket", node: "/bin/node", programs: "/dist" });
    setRuntime({ ...idleRuntime, files });
    const definition = toDefinition(record);
    const data = definition.start[builtin];
    assert.ok(data?.kind === "inetd");
    assert.deepEqual(data.command, ["/bin/node", "/dist/repl.cjs", "/run/shepherd/socket"]);
    assert.equal(definition.documentation, replService().documentation);
  });

  it("must provide what the record says, at once or when it is asked for", () => {
    const message =
      'service "repl": field "freeForm": it provides repl, console, and the field "provision" says repl';
    assert.equal(
      mistake(() => shepherdService({ provision: ["repl"], freeForm: form })),
      message,
    );
    const record = shepherdService({ provision: ["repl"], freeForm: () => form });
    assert.equal(
      mistake(() => toDefinition(record)),
      message,
    );
  });

  it("must give a service", () => {
    const record = shepherdService({
      provision: ["repl"],
      freeForm: untyped(() => ({ provision: ["repl"] })),
    });
    assert.match(
      mistake(() => toDefinition(record)),
      /^service "repl": field "freeForm": expected a function that gives a service as shepherd-ts defines them, and it gave \{/,
    );
  });

  it("is checked like any other in the fields that are given for it", () => {
    assert.equal(
      mistake(() => shepherdService({ provision: ["repl"], freeForm: () => form, cgroup: { pidsMax: 0 } })),
      'service "repl": field "cgroup": field "pidsMax": expected an integer from 1 to 4194304, got 0',
    );
  });
});
