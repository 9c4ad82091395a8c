// supervisor: supervisord, in Python.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const socket = join(directory, "socket");
  const programs = services.map(
    ({ name, command, log }) => `[program:${name}]
command=${command.join(" ")}
startsecs=0
autorestart=true
stdout_logfile=${log ? join(directory, `${name}.log`) : "NONE"}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=40
stderr_logfile=NONE
`,
  );
  const config = ground.file(
    "supervisord.conf",
    `[unix_http_server]
file=${socket}
[supervisord]
nodaemon=true
logfile=${directory}/supervisord.log
pidfile=${directory}/supervisord.pid
minfds=12000
user=root
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${socket}
${programs.join("")}`,
  );
  const control = [program("supervisorctl"), "-c", config] as const;
  return {
    daemon: [program("supervisord"), "-n", "-c", config],
    status: (service) => [...control, "status", service],
    list: [...control, "status"],
    stop: () => [...control, "shutdown"],
    logs: (service) =>
      readdirSync(directory)
        .filter((name) => name.startsWith(`${service}.log`))
        .map((name) => join(directory, name)),
    ready: () => existsSync(socket),
  };
}

export const supervisor: Peer = {
  name: "supervisor",
  programs: ["supervisord", "supervisorctl"],
  orders: false,
  logging: "stdout_logfile, lines as they are",
  respawn: "startsecs=0",
  slow: true,
  patience: 3,
  configure,
};
