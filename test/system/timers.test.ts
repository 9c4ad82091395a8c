// Timers, driven by herd as their users do, with a daemon that dies.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { bootSystem, type System, suiteScope } from "../support/harness.js";

const secret = "xyzzy-the-secret";

const config = `
import { appendFileSync } from "node:fs";
import {
  calendarEvent, command, defineConfig, interval, makeTimerConstructor, service, timerService,
} from "shepherd-ts";

const always = calendarEvent({ seconds: Array.from({ length: 60 }, (_, second) => second) });
const never = calendarEvent({ hours: [4], minutes: [0], months: [2], daysOfMonth: [29] });
export default defineConfig({
  services: [
    service(["tick"], {
      documentation: "Runs every second.",
      start: makeTimerConstructor(always, command(["sh", "-c", "date +%s >> {directory}/ticks; echo tick; exit 3"], {
        extraEnvironmentVariables: ["SECRET=${secret}"],
      }), { logFile: "{directory}/tick.log" }),
    }),
    service(["long"], {
      start: makeTimerConstructor(never, command(["sh", "-c", "sleep 1000 & exec sleep 1000"])),
    }),
    service(["limited"], {
      start: makeTimerConstructor(never, command(["sh", "-c", "setsid sleep 1002 & exec sleep 1000"]), {
        maxDuration: 1,
      }),
    }),
    service(["thunk"], {
      start: makeTimerConstructor(interval({ days: 1 }), () => {
        appendFileSync("{directory}/thunk", "called\\n");
        if (process.env.PATH !== undefined) throw new Error("no luck");
      }),
    }),
    service(["missed"], {
      start: makeTimerConstructor(never, command(["sh", "-c", "echo ran >> {directory}/missed"]), { persistent: true }),
    }),
    service(["last"], {
      start: makeTimerConstructor(always, command(["sh", "-c", "echo ran >> {directory}/last"]), { occurrences: 1 }),
    }),
    timerService(),
  ],
});
`;

describe("timers", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, {
      config,
      keeperOptions: ["--deaths=50"],
      files: { "state/shepherd/timers/missed.stamp": "2024-01-01T00:00:00.000Z\n" },
    });
    await system.untilStatus("tick", "running");
  });
  after(() => scope.close());

  const ticks = (): number[] => system.read("ticks").split("\n").slice(0, -1).map(Number);

  it("run each second once, whenever the daemon is killed", async () => {
    await system.waitFor("it has run", () => ticks().length >= 1);
    for (const _ of [1, 2, 3]) {
      const before = ticks().length;
      await system.killDaemon();
      await system.waitFor("it runs on", () => ticks().length > before);
    }
    const seconds = ticks();
    const elapsed = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0) + 1;
    // The last run may have been late, and belong to the second before.
    assert.ok(seconds.length <= elapsed + 1, `${seconds.join(" ")}: some have run twice`);
    // A machine under load may be without a daemon for some seconds, which are made up for by one run.
    assert.ok(seconds.length >= elapsed - 9, `${seconds.join(" ")}: too many are missing`);
  });

  it("tell what they run, how it went and what is to come", async () => {
    const status = await system.ok("status", "tick");
    assert.match(
      status,
      /^● Status of tick:\n {2}Timed service\.\n {2}(Awaiting next timer alarm; service active|Executing timer action) since /,
    );
    assert.match(status, / {2}Periodically running: sh -c "date /);
    assert.match(
      status,
      / {2}Custom action: trigger\n {2}Will not be respawned\.\n {2}Log file: .*tick\.log\n/,
    );
    assert.match(status, /Recent runs:\n {2}\S+ \S+ Process exited with code 3 after [01] seconds?\./);
    assert.match(status, /Recent messages .*\n.* tick\n/);
    assert.match(status, /Upcoming timer alarms:\n( {2}\d\d:\d\d:\d\d \(in \d seconds?\)\n){5}/);
    assert.match(await system.ok("status"), /Running timers:\n(?: \+ \w+\n)* \+ tick\n/);
    assert.match(await system.ok("graph"), /"tick" \[shape = diamond, color = green/);
  });

  it("have GNU's form on the wire, without the environment", async () => {
    const { text } = await system.service("tick");
    const seconds = Array.from({ length: 60 }, (_, second) => second).join(" ");
    assert.ok(
      text.includes(`(running (timer (version 0) (event (calendar-event (version 0) (seconds (${seconds}))`),
    );
    assert.match(
      text,
      /\(months \(1 2 3 4 5 6 7 8 9 10 11 12\)\)\)\) \(action \(command \(version 0\) \(arguments \("sh" /,
    );
    assert.match(
      text,
      /\(user #f\) \(group #f\) \(supplementary-groups \(\)\) \(environment-variables \(\)\) \(directory "\/"\) \(resource-limits \(\)\)\)\)/,
    );
    assert.match(
      text,
      /\(processes \((\(\d+ \. \d+\))?\)\) \(remaining-occurrences \+inf\.0\) \(past-runs \(\(768 \d+ \d+\)/,
    );
    assert.match(text, /\(upcoming-alarms \(\d+ \d+ \d+ \d+ \d+\)\)/);
    for (const shown of [text, await system.ok("status", "tick", "--json"), system.log(), system.stdout])
      assert.ok(!shown.includes(secret));
  });

  it("are triggered, and end with all they run when they are stopped", async () => {
    assert.equal(await system.ok("trigger", "long"), "Triggering timer.\n");
    const { pid } = await system.waitFor("it runs", async () => {
      const [, found] = /\(processes \(\((\d+) \. /.exec((await system.service("long")).text) ?? [];
      return found === undefined ? undefined : { pid: Number(found) };
    });
    assert.match(await system.ok("trigger", "long"), /is being executed/);
    await system.killDaemon();
    assert.match(await system.ok("status", "long"), new RegExp(`Child process: ${pid}\n`));
    await system.ok("stop", "long");
    assert.deepEqual(
      system.processes().filter(({ command }) => command.includes("1000")),
      [],
    );
    assert.equal(
      await system.ok("trigger", "long"),
      "Attempted to trigger a timer that is not running; doing nothing.\n",
    );
  });

  it("end a run that takes too long, also without a daemon", async () => {
    await system.ok("trigger", "limited");
    await system.waitForLog(/Timer 'limited' spawned process/);
    await system.killDaemon();
    await system.waitForLog(/Process \d+ of timer 'limited' took longer than 1 s, and is ended\./);
    const { text } = await system.until("limited", "has a past run", (one) =>
      /\(past-runs \(\(/.test(one.text),
    );
    assert.match(text, /\(past-runs \(\(15 /);
    await system.waitFor("what it left behind is ended", () =>
      system.processes().every(({ command }) => !command.includes("1002")),
    );
    assert.match(
      await system.ok("status", "limited"),
      /signal 15 .*\n {4}\(It took too long, and was ended\.\)\n/,
    );
  });

  it("call functions, and keep what they throw", async () => {
    await system.ok("trigger", "thunk");
    await system.waitForFile("thunk");
    const status = await system.waitFor("the run is over", async () => {
      const shown = await system.ok("status", "thunk");
      return shown.includes("Recent runs:") && shown;
    });
    assert.match(status, /Exception thrown after 0 seconds: .*no luck/);
    assert.match(status, /Upcoming timer alarms:\n/);
  });

  it("make up for what was missed since a former boot, once", async () => {
    await system.waitForFile("missed");
    const stamp = await system.waitForFile("state/shepherd/timers/missed.stamp", /^20(?!24)/);
    assert.ok(Math.abs(Date.parse(stamp.trim()) - Date.now()) < 120_000, stamp);
    await system.ok("restart", "missed");
    const { text } = await system.service("missed");
    assert.match(text, /\(past-runs \(\)\)/);
    assert.equal(system.read("missed"), "ran\n");
  });

  it("stop after their last occurrence", async () => {
    await system.untilStatus("last", "stopped");
    assert.equal(system.read("last"), "ran\n");
  });

  it("are scheduled by clients, once", async () => {
    const at = new Date(Date.now() + 2000).toTimeString().slice(0, 8);
    const output = await system.ok(
      ...[
        "schedule",
        "timer",
        "at",
        at,
        "-N",
        "later",
        "-E",
        `A=${secret}`,
        `--log-file=${system.path("later.log")}`,
      ],
      ...["--", "sh", "-c", "echo later $A | wc -c"],
    );
    assert.match(output, /Service later has been started\.\n$/);
    assert.match(await system.ok("status", "later"), /Requires: timer\n {2}Custom action: trigger\n/);
    await system.killDaemon();
    await system.waitForFile("later.log", / 23\n/);
    await system.waitFor("it is gone", async () => (await system.herd("status", "later")).status === 1);
    assert.ok(!system.log().includes(secret));
    assert.equal(readFileSync(system.path("later.log"), "utf8").split("\n").length, 2);
  });

  it("say what is wrong with a time", async () => {
    const wrong = async (...args: readonly string[]): Promise<string> => {
      const { status, stdout, stderr } = await system.herd("schedule", "timer", ...args);
      assert.equal(status, 1);
      return stdout + stderr;
    };
    const prefix = "herd: error: exception caught while executing 'schedule' on service 'timer':\n";
    assert.equal(
      await wrong("at", "25:00", "--", "true"),
      `${prefix}25:00: invalid calendar time specification\n`,
    );
    assert.equal(await wrong("true"), `${prefix}Timer spec lacks 'at TIME'.\n`);
    assert.equal(await wrong("at", "10:00"), `${prefix}Timer spec lacks a command to run.\n`);
    assert.match(await wrong("in", "soon", "--", "true"), /soon: invalid duration/);
  });
});
