// The service of Redis: what it runs, as whom, with which files; and the real server with the file that is generated.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { service } from "../../src/services/composition/service-type.js";
import { filePath } from "../../src/services/files/file-like.js";
import { redisConf, redisConfiguration, redisServiceType } from "../../src/services/redis.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { freePorts } from "../support/ports.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { accountFields, described, plainSteps, systemOf, temporaryDirectory, textOf } from "./parts.js";

describe("redisServiceType", () => {
  it("runs Redis as the user redis, until it says that it is ready", () => {
    const file = filePath(redisConf(redisConfiguration()));
    assert.deepEqual(described(systemOf(service(redisServiceType)).service("redis")), {
      provision: ["redis"],
      requirement: ["user-processes", "syslogd"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Run the Redis daemon.",
      start: {
        kind: "forkexec",
        command: ["/usr/bin/redis-server", file, "--daemonize", "no", "--supervised", "systemd"],
        options: {
          ...{ user: "redis", group: "redis", directory: "/var/lib/redis", fileCreationMask: 0o077 },
          ...{ readiness: { type: "notify" }, readinessTimeout: 600 },
        },
      },
      stop: { kind: "kill", signal: 15, gracePeriod: 60 },
      actions: ["configuration"],
      files: [file],
    });
  });

  it("has Debian's account and its directory", () => {
    const system = systemOf(
      service(redisServiceType, redisConfiguration({ workingDirectory: "/srv/redis" })),
    );
    assert.deepEqual(accountFields(system.user("redis")), {
      group: "redis",
      system: true,
      comment: "Redis server.",
      homeDirectory: "/var/lib/redis",
      createHomeDirectory: false,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    assert.deepEqual(plainSteps(system.steps("redis")), [
      { step: "directory", path: "/srv/redis", mode: 0o750, owner: "redis", group: "redis" },
    ]);
    assert.ok(system.packages().includes("redis"));
  });

  it("takes a file of one's own", () => {
    const configuration = redisConfiguration({ configFile: "/etc/redis/redis.conf" });
    const { start } = described(systemOf(service(redisServiceType, configuration)).service("redis"));
    assert.equal(start?.kind === "forkexec" && start.command[1], "/etc/redis/redis.conf");
  });

  it("is what Redis takes", async (t) => {
    if (!existsSync("/usr/bin/redis-server"))
      return t.skip("redis-server is not installed (package redis-server)");
    const directory = await temporaryDirectory(t);
    const [port = 0] = await freePorts(1);
    const file = join(directory, "redis.conf");
    await writeFile(file, textOf(redisConf(redisConfiguration({ port, workingDirectory: directory }))));
    const server = spawn("/usr/bin/redis-server", [file, "--daemonize", "no"]);
    const ended = new Promise((resolve) => server.on("close", resolve));
    t.after(async () => {
      server.kill("SIGKILL");
      await ended;
    });
    const ask = async (...words: readonly string[]) =>
      (await run("/usr/bin/redis-cli", ["-p", String(port), ...words])).stdout;
    await waitFor("Redis answers", async () => (await ask("ping")) === "PONG\n");
    assert.equal(await ask("config", "get", "dir"), `dir\n${directory}\n`);
    assert.equal(await ask("config", "get", "bind"), "bind\n127.0.0.1\n");
  });
});

describe("Redis's configuration refuses", () => {
  const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "an impossible port",
      () => redisConfiguration({ port: 70_000 }),
      /redisConfiguration: field "port": expected a port from 1 to 65535, got 70000/,
    ],
    [
      "an address with another line",
      () => redisConfiguration({ bind: "127.0.0.1\nrequirepass x" }),
      /field "bind"/,
    ],
    [
      "a relative directory",
      () => redisConfiguration({ workingDirectory: "data" }),
      /field "workingDirectory"/,
    ],
    [
      "an unknown field",
      () => redisConfiguration(untyped({ ports: 1 })),
      /unknown field "ports"; did you mean "port"\?/,
    ],
  ];
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));
});
