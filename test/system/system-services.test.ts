// examples/system-services.ts: Shepherd's own services side by side, as herd shows them and as they are on the wire.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { project } from "../support/project.js";

const example = readFileSync(join(project.examples, "system-services.ts"), "utf8");
const names = ["system-log", "log-rotation", "timer", "transient", "monitoring", "repl", "web", "date"];

describe("Shepherd's own services", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, {
      config: example.replaceAll("/tmp/shepherd-example", "{directory}/example"),
    });
    for (const name of names) await system.untilStatus(name, "running");
  });
  after(() => scope.close());

  it("run side by side, with what they make, and outlive the daemon", async () => {
    await system.ok("spawn", "transient", "-N", "job", "-E", "SECRET=xyzzy", "--", "sleep", "1000");
    await system.ok("schedule", "timer", "at", "03:00", "-N", "alarm", "-E", "SECRET=xyzzy", "--", "true");
    const client = createConnection({ path: system.path("run/repl") });
    client.on("error", () => undefined);
    scope.after(() => {
      client.destroy();
    });
    await system.untilStatus("repl-client-1", "running");

    const expected =
      /^Started:\n \+ date\n \+ job\n \+ monitoring\n \+ repl\n \+ repl-client-1\n \+ root\n \+ system-log\n \+ timer\n \+ transient\n \+ web\nRunning timers:\n \+ alarm\n \+ log-rotation\n$/;
    assert.match(await system.ok("status"), expected);
    await system.killDaemon();
    assert.match(await system.ok("status"), expected);
  });

  const shown: Readonly<Record<string, RegExp>> = {
    "system-log": /System log listening on 1 endpoint:[\s\S]*Provides: system-log syslogd/,
    "log-rotation": /Timed service\.[\s\S]*Custom actions:.* files[\s\S]*Upcoming timer alarms:/,
    timer: /Running value is #t\.[\s\S]*Custom action: schedule/,
    transient: /Running value is #t\.[\s\S]*Custom action: spawn/,
    monitoring: /Custom actions: period log/,
    repl: /Inetd-style service listening on 1 endpoint:/,
    date: /Inetd-style service listening on 1 endpoint:/,
    job: /It is transient, running since[\s\S]*Command: sleep 1000[\s\S]*Requires: transient/,
    alarm:
      /Timed service\.[\s\S]*Periodically running: true[\s\S]*Requires: timer[\s\S]*Upcoming timer alarm:/,
    "repl-client-1": /It is transient, running since[\s\S]*repl\.cjs/,
  };
  for (const [name, pattern] of Object.entries(shown)) {
    it(`herd status ${name}`, async () => {
      const text = await system.ok("status", name);
      assert.match(text, pattern);
      const json = await system.ok("status", name, "--json");
      for (const one of [text, json, system.log()]) assert.doesNotMatch(one, /xyzzy/);
    });
  }

  it("have the forms on the wire that GNU's have", async () => {
    const running = async (name: string): Promise<string> =>
      /\(running (.*?)\) \(conflicts/.exec((await system.rawRequest(statusOf(name))).text)?.[1] ?? "";
    assert.equal(await running("transient"), "#t");
    assert.match(
      await running("job"),
      /^\(process \(version 0\) \(id \d+\) \(command \("sleep" "1000"\)\)\)$/,
    );
    assert.match(
      await running("date"),
      /^\(inetd-service \(version 0\) \(endpoints \(\(endpoint \(version 0\)/,
    );
    assert.match(await running("alarm"), /^\(timer \(version 0\) \(event \(calendar-event \(version 0\)/);
    assert.match(await running("system-log"), /^\(system-log \(version 0\) \(endpoints/);
  });
});

function statusOf(name: string): string {
  return `(shepherd-command (version 0) (action status) (service ${name}) (arguments ()) (directory "/"))`;
}
