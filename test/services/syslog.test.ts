// The system logger of its own program, and the supervisor's own in its place.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { baseServices } from "../../src/services/base.js";
import { service } from "../../src/services/composition/service-type.js";
import { filePath, plainFile } from "../../src/services/files/file-like.js";
import { operatingSystem } from "../../src/services/operating-system.js";
import { ShepherdGraphError } from "../../src/services/shepherd/graph.js";
import { defaultSyslogConf, syslogConfiguration, syslogServiceType } from "../../src/services/syslog.js";
import { operatingSystemShepherdServices } from "../../src/services/system-configuration.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { described, plainSteps, systemOf, temporaryDirectory, textOf, usualStop } from "./parts.js";

describe("syslogServiceType", () => {
  it("runs syslogd as the manual's example does", () => {
    const file = plainFile("syslog.conf", "*.* /var/log/messages\n");
    const configuration = syslogConfiguration({ configFile: file });
    const system = systemOf(service(syslogServiceType, configuration));
    assert.deepEqual(described(system.service("syslogd")), {
      provision: ["syslogd"],
      requirement: ["user-processes"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Run the syslog daemon (syslogd).",
      start: {
        kind: "forkexec",
        command: ["/usr/sbin/syslogd", "--rcfile", filePath(file)],
        options: { pidFile: "/var/run/syslog.pid" },
      },
      stop: usualStop,
      actions: ["configuration"],
      files: [filePath(file)],
    });
    assert.deepEqual(plainSteps(system.steps("syslog")), [{ step: "directory", path: "/var/log" }]);
  });

  it("takes another program", () => {
    const { start } = described(
      systemOf(service(syslogServiceType, syslogConfiguration({ syslogd: "/opt/syslogd" }))).service(
        "syslogd",
      ),
    );
    assert.equal(start?.kind === "forkexec" && start.command[0], "/opt/syslogd");
  });

  it("cannot be had beside the supervisor's own", () => {
    const both = operatingSystem({ services: [service(syslogServiceType), ...baseServices] });
    assert.throws(
      () => operatingSystemShepherdServices(both),
      (error: unknown) =>
        error instanceof ShepherdGraphError && /'syslogd' provided more than once/.test(error.message),
    );
  });

  it("has rules that syslogd takes, and by which it writes", async (t) => {
    if (!existsSync("/usr/sbin/syslogd"))
      return t.skip("syslogd is not installed (package inetutils-syslogd)");
    const directory = await temporaryDirectory(t);
    const file = join(directory, "syslog.conf");
    await writeFile(
      file,
      textOf(defaultSyslogConf)
        .replaceAll("/var/log", directory)
        .replaceAll("/dev/console", join(directory, "console")),
    );
    const [socket, pidFile] = [join(directory, "log"), join(directory, "pid")];
    const started = await run("/usr/sbin/syslogd", [
      ...[
        "--rcfile",
        file,
        "--no-klog",
        `--socket=${socket}`,
        `--pidfile=${pidFile}`,
        "--rcdir=/nonexistent",
      ],
    ]);
    assert.equal(started.status, 0, started.stderr);
    const pid = await waitFor("there is a pid file", () =>
      existsSync(pidFile) && Number(readFileSync(pidFile, "utf8")) > 0
        ? Number(readFileSync(pidFile, "utf8"))
        : false,
    );
    t.after(async () => {
      process.kill(pid, "SIGKILL");
      await waitFor("syslogd is gone", () => !existsSync(`/proc/${pid}`));
    });
    for (const [priority, name] of [
      ["auth.info", "secure"],
      ["mail.info", "maillog"],
      ["user.debug", "debug"],
      ["user.notice", "messages"],
      ["user.emerg", "console"],
    ] as const) {
      await run("logger", ["--socket", socket, "-p", priority, "-t", "tester", `to be found in ${name}`]);
      await waitFor(`there is a line in ${name}`, async () =>
        (await readFile(join(directory, name), "utf8").catch(() => "")).includes(
          `tester: to be found in ${name}`,
        ),
      );
    }
    const messages = await readFile(join(directory, "messages"), "utf8");
    assert.doesNotMatch(messages, /in (?:secure|maillog|debug)/);
  });
});

describe("syslogd's configuration refuses", () => {
  const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "a relative file",
      () => syslogConfiguration({ configFile: "syslog.conf" }),
      /syslogConfiguration: field "configFile": expected an absolute/,
    ],
    [
      "an unknown field",
      () => syslogConfiguration(untyped({ rcfile: "/etc/syslog.conf" })),
      /unknown field "rcfile"/,
    ],
  ];
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));
});
