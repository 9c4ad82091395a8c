// pm2, in Node: its command starts a daemon and returns.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const apps = services.map(({ name, command, log }) => ({
    name,
    script: command[0],
    args: command.slice(1),
    interpreter: "none",
    exec_mode: "fork",
    autorestart: true,
    restart_delay: 0,
    max_restarts: 1_000_000,
    vizion: false,
    pmx: false,
    error_file: "/dev/null",
    out_file: log ? join(directory, `${name}.log`) : "/dev/null",
    pid_file: join(directory, "pids", `${name}.pid`),
  }));
  const config = ground.file("pm2.json", JSON.stringify({ apps }));
  const pm2 = program("pm2");
  return {
    daemon: [pm2, "start", config],
    init: [program("pm2-runtime"), "start", config],
    environment: {
      PM2_HOME: join(directory, "home"),
      PM2_DISABLE_VERSION_CHECK: "true",
      PM2_DISCRETE_MODE: "true",
    },
    status: (service) => [pm2, "describe", service],
    list: [pm2, "list"],
    stop: () => [pm2, "kill"],
    logs: (service) => [join(directory, `${service}.log`)].filter(existsSync),
    root: (processes) => {
      const file = join(directory, "home", "pm2.pid");
      if (!existsSync(file)) return undefined;
      const daemon = processes.find(({ name }) => name.startsWith("PM2 v") || name.startsWith("node"));
      return readFileSync(file, "utf8") === "" ? undefined : daemon?.pid;
    },
  };
}

export const pm2: Peer = {
  name: "pm2",
  programs: ["pm2", "pm2-runtime"],
  orders: false,
  logging: "out_file, lines as they are",
  respawn: "restart_delay: 0, max_restarts: 1000000",
  slow: true,
  patience: 6,
  configure,
};
