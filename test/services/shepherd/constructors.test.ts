// Constructors and actions with files among their words.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import { service as defineService } from "../../../src/daemon/definition/service.js";
import { builtin } from "../../../src/daemon/definition/types.js";
import { calendarEvent } from "../../../src/daemon/timers/calendar/event.js";
import { fileAppend, filePath, plainFile, softwarePackage } from "../../../src/services/files/file-like.js";
import {
  type CommandWord,
  command,
  makeForkexecConstructor,
  makeInetdConstructor,
  makeSystemConstructor,
  makeSystemDestructor,
  makeSystemdConstructor,
  makeTimerConstructor,
  shepherdConfigurationAction,
} from "../../../src/services/shepherd/constructors.js";
import { filesOf } from "../../../src/services/shepherd/files-of.js";
import { shepherdService, shepherdServiceFiles } from "../../../src/services/shepherd/service.js";
import { shepherdTimer, shepherdTriggerAction } from "../../../src/services/shepherd/timer.js";
import { toDefinition } from "../../../src/services/shepherd/to-definition.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

const torrc = plainFile("torrc", "SocksPort 9050\n");
const program = fileAppend(softwarePackage({ name: "tor" }), "/bin/tor");
const words: readonly CommandWord[] = [program, "-f", torrc];
const lowered = ["/usr/bin/tor", "-f", filePath(torrc)];
const files = [program, torrc];
const listener = endpoint("127.0.0.1:9050");

/** What each makes of the words above: the command, as data, and the files. */
const makers: readonly (readonly [name: string, made: object, command: unknown])[] = [
  ["makeForkexecConstructor", makeForkexecConstructor(words, { user: "tor" }), lowered],
  ["makeSystemdConstructor", makeSystemdConstructor(words, [listener]), lowered],
  ["makeInetdConstructor", makeInetdConstructor(words, [listener]), lowered],
  [
    "makeSystemConstructor",
    makeSystemConstructor(program, " -f ", torrc, { user: "tor" }),
    `/usr/bin/tor -f ${filePath(torrc)}`,
  ],
  [
    "makeSystemDestructor",
    makeSystemDestructor(program, " -f ", torrc),
    `/usr/bin/tor -f ${filePath(torrc)}`,
  ],
];

describe("files among the words of a command", () => {
  for (const [name, made, text] of makers) {
    it(`${name} puts in their names, and remembers them`, () => {
      const data: unknown = Reflect.get(made, builtin);
      assert.ok(typeof data === "object" && data !== null && "command" in data);
      assert.deepEqual(data.command, text);
      assert.deepEqual(filesOf(made), files);
    });
  }

  it("options are kept", () => {
    const data = makeForkexecConstructor(words, { user: "tor", pidFile: "/run/tor.pid" })[builtin];
    assert.ok(data?.kind === "forkexec");
    assert.deepEqual(data.options, { user: "tor", pidFile: "/run/tor.pid" });
    const system = makeSystemConstructor("mount -a", { directory: "/srv" })[builtin];
    assert.ok(system?.kind === "system");
    assert.deepEqual([system.command, system.options], ["mount -a", { directory: "/srv" }]);
  });

  it("makeTimerConstructor takes over those of its command", () => {
    const timer = makeTimerConstructor(calendarEvent({ hours: [4] }), command(words));
    assert.deepEqual(filesOf(timer), files);
    const data = timer[builtin];
    assert.ok(data?.kind === "timer" && data.action.kind === "command");
    assert.deepEqual(data.action.command, lowered);
  });

  it("strings are words and no files", () => {
    assert.deepEqual(filesOf(makeForkexecConstructor(["/bin/sleep", "5"])), []);
  });

  it("a package stands for its prefix", () => {
    const data = makeForkexecConstructor(["ls", softwarePackage({ name: "tor", prefix: "/opt/tor" })])[
      builtin
    ];
    assert.ok(data?.kind === "forkexec");
    assert.deepEqual(data.command, ["ls", "/opt/tor"]);
  });

  const mistakes: readonly (readonly [message: string, body: () => unknown])[] = [
    [
      "makeForkexecConstructor: expected a list of strings and files, the program first, got [ 'ls', 5 ]",
      () => makeForkexecConstructor(untyped(["ls", 5])),
    ],
    [
      "makeForkexecConstructor: expected a list of strings and files, the program first, got []",
      () => makeForkexecConstructor([]),
    ],
    [
      'makeForkexecConstructor: unknown field "usr"; did you mean "user"?',
      () => makeForkexecConstructor(words, untyped({ usr: "tor" })),
    ],
    [
      "makeForkexecConstructor: expected a list of strings and files, the program first, got [ 'login', '--password=***', 5 ]",
      () => makeForkexecConstructor(untyped(["login", "--password=xyzzy", 5]), { secrets: ["xyzzy"] }),
    ],
    [
      "makeSystemConstructor: expected strings that make a command, got 5 as item 2",
      () => makeSystemConstructor("a", untyped(5), "b", "c", "d", "e", "f"),
    ],
    [
      'shepherdConfigurationAction: expected an absolute file name, or a file made by plainFile(…), localFile(…), fileAppend(…) or softwarePackage(…), got "torrc"',
      () => shepherdConfigurationAction("torrc"),
    ],
  ];
  for (const [message, body] of mistakes) it(message, () => assert.equal(mistake(body), message));
});

describe("shepherd-configuration-action", () => {
  it("prints the file's name and gives it, and the file is known", async (t) => {
    const log = t.mock.method(console, "log", () => undefined);
    const action = shepherdConfigurationAction(torrc);
    assert.equal(action.name, "configuration");
    assert.equal(await action.procedure(false), filePath(torrc));
    assert.deepEqual(
      log.mock.calls.map((call) => call.arguments),
      [[filePath(torrc)]],
    );
    assert.deepEqual(filesOf(action.procedure), [torrc]);
  });
});

describe("the files of a service", () => {
  it("are those of its fields, its start, its stop and its actions, each once", () => {
    const [own, other] = [plainFile("own", ""), plainFile("other", "")];
    const service = shepherdService({
      provision: ["tor"],
      files: [own, torrc],
      start: makeForkexecConstructor(words),
      stop: makeSystemDestructor("kill-by ", other),
      actions: [shepherdConfigurationAction(torrc)],
    });
    assert.deepEqual(shepherdServiceFiles(service), [own, torrc, program, other]);
  });
});

describe("the files of a free form", () => {
  const form = defineService(["tor"], {
    start: makeForkexecConstructor(words),
    stop: makeSystemDestructor("kill-by ", torrc),
    actions: [shepherdConfigurationAction(torrc)],
  });

  it("are known where it is a definition", () => {
    const service = shepherdService({ provision: ["tor"], freeForm: form });
    assert.deepEqual(shepherdServiceFiles(service), [program, torrc]);
  });

  it("are those of the field where it is a function", () => {
    const service = shepherdService({ provision: ["tor"], freeForm: () => form, files: [torrc] });
    assert.deepEqual(shepherdServiceFiles(service), [torrc]);
  });
});

describe("shepherd-timer", () => {
  const timer = shepherdTimer(["guix-gc"], "0 3 * * *", words);

  it("has Guix's defaults", () => {
    assert.deepEqual(timer.provision, ["guix-gc"]);
    assert.deepEqual(timer.requirement, []);
    assert.equal(timer.documentation, "Periodically run a command.");
    assert.deepEqual(timer.actions, [shepherdTriggerAction]);
    assert.equal(shepherdTriggerAction.name, "trigger");
  });

  it("runs its command by cron's line, and knows its files", () => {
    const definition = toDefinition(timer);
    const data = definition.start[builtin];
    assert.ok(data?.kind === "timer" && data.schedule.kind === "calendar" && data.action.kind === "command");
    assert.deepEqual([data.schedule.hours, data.schedule.minutes], [[3], [0]]);
    assert.deepEqual(data.action.command, lowered);
    assert.deepEqual(shepherdServiceFiles(timer), files);
    assert.equal(definition.respawn, false);
  });

  it("takes events, commands with options, functions, and options", () => {
    const procedure = (): void => undefined;
    const event = calendarEvent({ minutes: [5] });
    const made = shepherdTimer(["a"], event, command(["b"], { user: "c" }), {
      requirement: ["d"],
      documentation: "E.",
      occurrences: 3,
    });
    assert.deepEqual([made.requirement, made.documentation], [["d"], "E."]);
    const data = made.start[builtin];
    assert.ok(data?.kind === "timer" && data.action.kind === "command");
    assert.equal(data.occurrences, 3);
    assert.deepEqual(data.action.options, { user: "c" });
    const calling = shepherdTimer(["a"], event, procedure).start[builtin];
    assert.ok(calling?.kind === "timer" && calling.action.kind === "procedure");
  });

  it("refuses what is no schedule", () => {
    assert.match(
      mistake(() => shepherdTimer(["a"], "0 3 * *", ["b"])),
      /^cronStringToCalendarEvent\("0 3 \* \*"\): expected 5 fields/,
    );
    assert.match(
      mistake(() => shepherdTimer(["a"], untyped(5), ["b"])),
      /^makeTimerConstructor: the schedule: expected a calendar event/,
    );
  });
});
