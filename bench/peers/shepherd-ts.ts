// Us: the keeper with its daemon, and the command `herd` as people type it.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { project } from "../../test/support/project.js";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory } = ground;
  // The daemon refuses a directory that others can enter.
  mkdirSync(join(directory, "run"), { mode: 0o700 });
  const socket = join(directory, "run", "socket");
  const config = ground.file("config.js", configuration(directory, services));
  return {
    daemon: [
      join(project.dist, "native", "keeper"),
      "--",
      process.execPath,
      join(project.dist, "shepherd.cjs"),
      `--config=${config}`,
      `--socket=${socket}`,
      `--logfile=${join(directory, "shepherd.log")}`,
    ],
    environment: {
      XDG_CACHE_HOME: join(ground.cache, "shepherd-ts"),
      XDG_STATE_HOME: join(directory, "state"),
      XDG_RUNTIME_DIR: join(directory, "run"),
      SHEPHERD_NODE: process.execPath,
    },
    status: (service) => herd(socket, "status", service),
    list: herd(socket, "status"),
    stop: () => herd(socket, "stop", "root"),
    logs: (service) => [join(directory, `${service}.log`)].filter(existsSync),
    ready: () => existsSync(socket),
  };
}

const herd = (socket: string, ...words: readonly string[]): [string, ...string[]] => [
  join(project.bin, "herd"),
  "-s",
  socket,
  ...words,
];

function configuration(directory: string, services: readonly BenchService[]): string {
  const definitions = services.map(({ name, command, needs, log }) => {
    const options = log ? `, { logFile: ${JSON.stringify(join(directory, `${name}.log`))} }` : "";
    return `service([${JSON.stringify(name)}], {
  requirement: ${JSON.stringify(needs)},
  start: makeForkexecConstructor(${JSON.stringify(command)}${options}),
  stop: makeKillDestructor(),
  respawn: true, respawnDelay: 0, respawnLimit: false,
})`;
  });
  return `import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";
export default defineConfig({ services: [
${definitions.join(",\n")}
] });
`;
}

export const shepherdTs: Peer = {
  name: "shepherd-ts",
  programs: [],
  orders: true,
  logging: "native writer, each line stamped",
  respawn: "respawnDelay: 0, respawnLimit: false",
  patience: 2,
  warms: true,
  configure,
};
