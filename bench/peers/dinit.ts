// dinit: one process, in C++, with dependencies.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const socket = join(directory, "socket");
  const logFile = (name: string): string => join(directory, `${name}.log`);
  for (const { name, command, needs, log } of services) {
    const lines = [
      "type = process",
      `command = ${command.join(" ")}`,
      "restart = yes",
      "restart-delay = 0",
      "restart-limit-count = 0",
      ...needs.map((need) => `depends-on: ${need}`),
      ...(log ? [`logfile = ${logFile(name)}`] : []),
    ];
    ground.file(`d/${name}`, `${lines.join("\n")}\n`);
  }
  ground.file("d/boot", `type = internal\n${services.map(({ name }) => `waits-for: ${name}\n`).join("")}`);
  const daemon = [program("dinit"), "-o", "-q", "-d", join(directory, "d"), "-p", socket] as const;
  const control = [program("dinitctl"), "-p", socket] as const;
  return {
    daemon: [...daemon, "boot"],
    init: [...daemon, "-t", "boot"],
    status: (service) => [...control, "status", service],
    list: [...control, "list"],
    stop: () => [...control, "shutdown"],
    logs: (service) => [logFile(service)].filter(existsSync),
  };
}

export const dinit: Peer = {
  name: "dinit",
  programs: ["dinit", "dinitctl"],
  orders: true,
  logging: "the service writes the file by itself",
  logsNothing: true,
  respawn: "restart-delay = 0, restart-limit-count = 0",
  configure,
};
