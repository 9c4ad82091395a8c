// The manual's syslogd example with the real program: a daemon that forks itself away and leaves a pid file.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { it } from "node:test";
import { configuration } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { run } from "../support/run.js";

const program = "/usr/sbin/syslogd";

it("syslogd is started with its configuration, logs, and is stopped", async (t) => {
  if (!existsSync(program)) return t.skip(`${program} is not installed (package inetutils-syslogd)`);
  const system = await bootSystem(t, {
    config: configuration([
      'service(["user-processes"], {})',
      `shepherdService({
         documentation: "Run the syslog daemon (syslogd).",
         provision: ["syslogd"],
         requirement: ["user-processes"],
         start: makeForkexecConstructor(
           ["${program}", "--rcfile={directory}/syslog.conf", "--socket={directory}/devlog", "--no-klog", "--pidfile={directory}/syslog.pid"],
           { pidFile: "{directory}/syslog.pid" },
         ),
         stop: makeKillDestructor(),
       })`,
    ]),
    files: { "syslog.conf": "*.*\t{directory}/messages\n" },
  });
  const pid = await system.untilProcess("syslogd");
  assert.equal(pid, Number(system.read("syslog.pid")));
  assert.equal(await system.ok("doc", "syslogd"), "Run the syslog daemon (syslogd).\n");

  await run("logger", ["--socket", system.path("devlog"), "-t", "tester", "a line to be found again"]);
  await system.waitForFile("messages", /tester: a line to be found again\n/);

  await system.ok("stop", "syslogd");
  assert.equal(system.isAlive(pid), false);
});
