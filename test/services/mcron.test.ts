// Jobs at times: each a timer, under a name of its own.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { interval } from "../../src/daemon/timers/builders.js";
import { calendarEvent } from "../../src/daemon/timers/calendar/event.js";
import type { TimerData } from "../../src/daemon/timers/types.js";
import { service, simpleService } from "../../src/services/composition/service-type.js";
import { fileAppend, filePath, plainFile } from "../../src/services/files/file-like.js";
import { guix } from "../../src/services/files/packages.js";
import {
  job,
  jobNames,
  mcronConfiguration,
  mcronServiceType,
  nextDay,
  nextHour,
  nextMinute,
  nextSecond,
} from "../../src/services/mcron.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { described, systemOf } from "./parts.js";

function timerOf(start: ReturnType<typeof described>["start"]): TimerData {
  assert.equal(start?.kind, "timer");
  return start as TimerData;
}

describe("mcronServiceType", () => {
  it("runs the manual's job at three", () => {
    // (simple-service 'my-mcron-job mcron-service-type #~(job '(next-hour (3)) "guix gc -F 2G"))
    const system = systemOf(
      simpleService("my-mcron-job", mcronServiceType, job(nextHour([3]), "guix gc -F 2G")),
    );
    const mcron = described(system.service("mcron"));
    assert.deepEqual(
      [mcron.provision, mcron.requirement, mcron.respawn, mcron.actions],
      [["mcron"], ["user-processes"], false, ["schedule"]],
    );
    const { start, ...rest } = described(system.service("mcron-guix-gc-f-2g"));
    assert.deepEqual(
      [rest.provision, rest.requirement, rest.actions, rest.autoStart, rest.documentation],
      [["mcron-guix-gc-f-2g"], ["mcron"], ["trigger"], true, 'Run "guix gc -F 2G" at its times.'],
    );
    const { schedule, action, logFile, overlap, persistent } = timerOf(start);
    assert.deepEqual(schedule, calendarEvent({ hours: [3], minutes: [0], seconds: [0] }));
    assert.deepEqual(action, { kind: "command", command: ["/bin/sh", "-c", "guix gc -F 2G"], options: {} });
    assert.deepEqual([logFile, overlap, persistent], ["/var/log/mcron.log", "skip", false]);
  });

  it("is nothing where there are no jobs", () => {
    assert.ok(
      !systemOf(service(mcronServiceType))
        .names()
        .some((name) => name.startsWith("mcron")),
    );
  });

  it("has jobs of its own first, then those of extensions, single ones and lists", () => {
    const system = systemOf(
      simpleService("later", mcronServiceType, [job("0 4 * * *", "c"), job("0 5 * * *", "d")]),
      simpleService("sooner", mcronServiceType, job("0 3 * * *", "b")),
      service(mcronServiceType, mcronConfiguration({ jobs: [job("@daily", "a")] })),
    );
    const names = system.names().filter((name) => name.startsWith("mcron"));
    assert.deepEqual(names, ["mcron", "mcron-a", "mcron-b", "mcron-c", "mcron-d"]);
  });

  it("gives a job its options, and its program's", () => {
    const script = plainFile("backup", "#!/bin/sh\n", { mode: 0o555 });
    const one = job(interval({ minutes: 10 }), [script, "/srv"], {
      name: "backup",
      user: "nobody",
      directory: "/tmp",
      environmentVariables: { LANG: "C" },
      maxDuration: 60,
      overlap: "queue",
      logFile: "/var/log/backup.log",
    });
    const { start, provision, files } = described(
      systemOf(service(mcronServiceType, mcronConfiguration({ jobs: [one] }))).service("backup"),
    );
    const { schedule, action, logFile, overlap, maxDuration } = timerOf(start);
    assert.deepEqual(provision, ["backup"]);
    assert.deepEqual(schedule, { kind: "interval", period: 600, from: "start" });
    assert.deepEqual(action, {
      kind: "command",
      command: [filePath(script), "/srv"],
      options: { user: "nobody", directory: "/tmp", environmentVariables: { LANG: "C" } },
    });
    assert.deepEqual([logFile, overlap, maxDuration], ["/var/log/backup.log", "queue", 60]);
    assert.deepEqual(files, [filePath(script)]);
  });

  it("has no log of its own where none is wanted", () => {
    const configuration = mcronConfiguration({ jobs: [job("@hourly", "true")], log: false });
    const { start } = described(systemOf(service(mcronServiceType, configuration)).service("mcron-true"));
    assert.equal(timerOf(start).logFile, undefined);
  });
});

describe("jobs", () => {
  it("are called by what they run, and told apart", () => {
    const one = (text: string) => job("@daily", text);
    assert.deepEqual(
      jobNames([
        one("guix gc"),
        one("guix gc"),
        one("/usr/bin/Find / -name '*.core' -mtime +30 -delete -and -more"),
        one("…"),
        job("@daily", "x", { name: "mcron-guix-gc-2" }),
      ]),
      [
        "mcron-guix-gc",
        "mcron-guix-gc-3",
        "mcron-usr-bin-find-name-core-mtime-30-delete",
        "mcron-job",
        "mcron-guix-gc-2",
      ],
    );
  });

  it("have mcron's schedules", () => {
    assert.deepEqual(nextSecond([10]), calendarEvent({ seconds: [10] }));
    assert.deepEqual(nextMinute([0, 30]), calendarEvent({ minutes: [0, 30] }));
    assert.deepEqual(nextHour(), calendarEvent({ minutes: [0] }));
    assert.deepEqual(nextDay([1, 15]), calendarEvent({ daysOfMonth: [1, 15], hours: [0], minutes: [0] }));
  });

  const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
    ["no command", () => job("@daily", " "), /job: the command: expected a command for a shell/],
    ["no words", () => job("@daily", []), /command: expected a list of strings and files/],
    ["a schedule that is none", () => job(untyped(3), "x"), /job: the schedule: expected a calendar event/],
    [
      "what only looks like a schedule",
      () => job(untyped({ kind: "interval", period: 1 }), "x"),
      /expected a calendar event, made by/,
    ],
    ["a line that is none of cron's", () => job("0 25 * * *", "x"), /cronStringToCalendarEvent/],
    ["an unknown option", () => job("@daily", "x", untyped({ uesr: "nobody" })), /job: unknown field "uesr"/],
    ["an impossible limit", () => job("@daily", "x", { maxDuration: 0 }), /field "maxDuration"/],
    ["a name with a space", () => job("@daily", "x", { name: "a b" }), /job: field "name"/],
    [
      "a job that is none",
      () => mcronConfiguration(untyped({ jobs: ["0 3 * * * x"] })),
      /mcronConfiguration: field "jobs": expected a list of jobs made by job/,
    ],
    [
      "an extension that is none",
      () => systemOf(simpleService("x", mcronServiceType, untyped("job"))).names(),
      /service 'mcron': an extension: expected a job made by job\(…\), or a list/,
    ],
    [
      "two jobs of one name",
      () => jobNames([job("@daily", "x", { name: "n" }), job("@daily", "y", { name: "n" })]),
      /mcron: two jobs are named "n"/,
    ],
  ];
  for (const [what, body, message] of mistakes)
    it(`refuse ${what}`, () => assert.match(mistake(body), message));

  it("show no secrets: neither in names nor in what is told of them", () => {
    const secrets = ["hunter2"];
    const jobs = [
      job("@daily", "curl -u me:hunter2 x", { secrets }),
      job("@daily", ["/bin/echo", "hunter2"], { secrets }),
    ];
    const system = systemOf(service(mcronServiceType, mcronConfiguration({ jobs })));
    assert.deepEqual(
      system.names().filter((name) => name.startsWith("mcron-")),
      ["mcron-curl-u-me-x", "mcron-bin-echo"],
    );
    const { documentation, start } = described(system.service("mcron-curl-u-me-x"));
    assert.equal(documentation, 'Run "curl -u me:*** x" at its times.');
    assert.deepEqual(timerOf(start).action, {
      kind: "command",
      command: ["/bin/sh", "-c", "curl -u me:hunter2 x"],
      options: { secrets },
    });
    assert.doesNotMatch(
      mistake(() => job("@daily", "curl hunter2 \0", { secrets })),
      /hunter2/,
    );
  });

  it("may be run by a package's program", () => {
    const { action, text } = job(nextHour([3]), [fileAppend(guix, "/bin/guix"), "gc"]);
    assert.deepEqual([action.command, text], [["/usr/bin/guix", "gc"], "/usr/bin/guix gc"]);
  });
});
