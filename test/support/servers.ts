// A system of real servers under their own accounts, and what must hold for it: run plainly, and once more under each
// of the checkers of the native programs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { account } from "./accounts.js";
import { configuration } from "./configuration.js";
import { bootSystem, type Scope, type System } from "./harness.js";
import { ask, freePorts } from "./ports.js";
import { processesOf, statusField } from "./processes.js";
import type { Variant } from "./project.js";
import { run } from "./run.js";

export interface Servers {
  readonly system: System;
  readonly ports: { readonly nginx: number; readonly redis: number; readonly tor: number };
}

/** Without a network: tor must not speak to anybody. */
const torrc = (port: number): string => `DataDirectory {directory}/tor
DisableNetwork 1
SocksPort 0
ControlPort 127.0.0.1:${port}
Log notice stderr
`;

/** Opens /dev/stderr by its name, as many programs do: that works only if the pipe belongs to the account. */
const nginxConf = (port: number): string => `daemon off;
worker_processes 1;
pid {directory}/nginx/nginx.pid;
error_log /dev/stderr notice;
events {}
http {
  access_log off;
  client_body_temp_path {directory}/nginx/body;
  proxy_temp_path {directory}/nginx/proxy;
  fastcgi_temp_path {directory}/nginx/fastcgi;
  uwsgi_temp_path {directory}/nginx/uwsgi;
  scgi_temp_path {directory}/nginx/scgi;
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "served by nginx\\n"; }
  }
}
`;

const redisConf = (port: number): string => `port ${port}
bind 127.0.0.1
dir {directory}/redis
save ""
daemonize no
`;

const services = [
  `service(["user-processes"], { oneShot: true, autoStart: false, documentation: "All user processes may run." })`,
  `service(["loopback"], { oneShot: true, autoStart: false })`,
  `service(["redis"], {
     requirement: ["loopback"],
     autoStart: false,
     respawn: true,
     start: makeForkexecConstructor(["redis-server", "{directory}/redis.conf"], { user: "redis", directory: "{directory}/redis" }),
     stop: makeKillDestructor(),
   })`,
  `service(["nginx", "web"], {
     documentation: "Serve one page.",
     start: makeForkexecConstructor(["nginx", "-e", "stderr", "-c", "{directory}/nginx.conf"], {
       user: "www-data",
       group: "www-data",
       directory: "{directory}/nginx",
     }),
     stop: makeKillDestructor("SIGQUIT"),
   })`,
  `shepherdService({
     provision: ["tor"],
     requirement: ["user-processes", "loopback", "redis"],
     autoStart: false,
     start: makeForkexecConstructor(["tor", "-f", torrc], {
       user: "debian-tor",
       group: "debian-tor",
       logFile: "{directory}/tor.log",
     }),
     stop: makeKillDestructor(),
     actions: [shepherdConfigurationAction(torrc)],
     documentation: "Run the Tor anonymous network overlay.",
   })`,
];

export async function bootServers(scope: Scope, variant: Variant = "none"): Promise<Servers> {
  const [nginx = 0, redis = 0, tor = 0] = await freePorts(3);
  const system = await bootSystem(scope, {
    config: configuration(services, 'const torrc = "{directory}/torrc";'),
    files: { torrc: torrc(tor), "nginx.conf": nginxConf(nginx), "redis.conf": redisConf(redis) },
    directories: { tor: account("debian-tor"), nginx: account("www-data"), redis: account("redis") },
    variant,
    // The servers live in sbin, which a user's PATH may lack.
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  return { system, ports: { nginx, redis, tor } };
}

/** The numeric user ids, real to file system, of a service's process. */
async function userOf(system: System, name: string): Promise<string | undefined> {
  const { pid } = await system.untilStatus(name, "running");
  const process = system.processes().find(({ inner }) => inner === pid);
  return process && statusField(process.pid, "Uid");
}

/** What must hold, in this order: the last one ends the system. */
export const steps: readonly (readonly [string, (servers: Servers) => Promise<void>])[] = [
  [
    "nginx, which the configuration starts, answers",
    async ({ system, ports }) => {
      const get = "GET / HTTP/1.0\r\n\r\n";
      const page = await system.waitFor("nginx answers", () => ask(ports.nginx, get, /served by/));
      assert.match(page, /served by nginx/);
    },
  ],
  [
    "herd start tor starts its requirements first",
    async ({ system, ports }) => {
      assert.match(await system.ok("start", "tor"), /^Service tor has been started\.$/m);
      const log = system.log();
      const tor = log.indexOf("Starting service tor...");
      for (const name of ["user-processes", "loopback", "redis"]) {
        const started = log.indexOf(`Service ${name} has been started.`);
        assert.ok(started >= 0 && started < tor, `${name} is up before tor is started:\n${log}`);
      }
      const control = await system.waitFor("tor answers", () =>
        ask(ports.tor, "PROTOCOLINFO 1\r\n", /250 OK/),
      );
      assert.match(control, /250-VERSION Tor=/);
    },
  ],
  [
    "herd configuration tor prints a file's name, for cat $(herd configuration tor)",
    async ({ system, ports }) => {
      const name = await system.ok("configuration", "tor");
      assert.equal(name, `${system.path("torrc")}\n`);
      const { stdout } = await run("sh", ["-c", `cat $(bin/herd -s '${system.socket}' configuration tor)`]);
      assert.match(stdout, new RegExp(`ControlPort 127.0.0.1:${ports.tor}`));
    },
  ],
  [
    "herd doc tor action configuration tells what the action does",
    async ({ system }) => {
      assert.match(
        await system.ok("doc", "tor", "action", "configuration"),
        /^configuration: .*configuration file/,
      );
    },
  ],
  [
    "herd status tor shows process, command and requirements",
    async ({ system }) => {
      const { pid } = await system.service("tor");
      const status = await system.ok("status", "tor");
      assert.match(status, /Status of tor:\n {2}It is running since/);
      assert.match(status, new RegExp(`Main PID: ${pid}$`, "m"));
      assert.match(status, /Command: tor -f \S+\/torrc$/m);
      assert.match(status, /Requires: user-processes loopback redis$/m);
      assert.match(status, /Custom action: configuration$/m);
      assert.match(status, /Will be respawned\.$/m);
      assert.match(status, /Log file: \S+\/tor\.log$/m);
    },
  ],
  [
    "each server runs as its own user",
    async ({ system }) => {
      const users = { tor: "debian-tor", nginx: "www-data", redis: "redis" };
      for (const [name, user] of Object.entries(users)) {
        const { uid } = account(user);
        assert.equal(await userOf(system, name), [uid, uid, uid, uid].join("\t"), name);
      }
    },
  ],
  [
    "what tor prints is in its log file, with the time",
    async ({ system }) => {
      await system.waitForFile("tor.log", /\n/);
      for (const line of readFileSync(system.path("tor.log"), "utf8").trimEnd().split("\n")) {
        assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /);
      }
    },
  ],
  [
    "redis is respawned when it is killed",
    async ({ system, ports }) => {
      const { pid = 0 } = await system.untilStatus("redis", "running");
      system.kill(pid, "SIGKILL");
      assert.notEqual(await system.untilProcess("redis", pid), pid);
      const pong = await system.waitFor("redis answers", () => ask(ports.redis, "PING\r\n", /\n/));
      assert.equal(pong, "+PONG\r\n");
    },
  ],
  [
    "herd stop root ends everything with exit code 0",
    async ({ system }) => {
      const namespace = system.namespace();
      assert.ok(namespace !== undefined);
      assert.deepEqual(await system.stop(), { code: 0, signal: null });
      assert.deepEqual(processesOf(namespace), []);
    },
  ],
];
