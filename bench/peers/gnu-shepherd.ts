// The GNU Shepherd, in Guile.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const socket = join(directory, "socket");
  const definitions = services.map(
    ({ name, command, needs, log }) => `   (service '(${name})
     #:requirement '(${needs.join(" ")})
     #:start (make-forkexec-constructor '(${command.map((word) => JSON.stringify(word)).join(" ")})
                                        #:log-file "${log ? join(directory, `${name}.log`) : "/dev/null"}")
     #:stop (make-kill-destructor)
     #:respawn? #t #:respawn-delay 0 #:respawn-limit '(1000000 . 1))`,
  );
  const names = services.map(({ name }) => name).join(" ");
  const config = ground.file(
    "config.scm",
    `(register-services\n  (list\n${definitions.join("\n")}))\n(start-in-the-background '(${names}))\n`,
  );
  const herd = [program("herd"), "-s", socket] as const;
  return {
    daemon: [program("shepherd"), "-I", "-s", socket, "-c", config, "-l", join(directory, "shepherd.log")],
    environment: { HOME: directory, XDG_CACHE_HOME: join(ground.cache, "gnu-shepherd") },
    status: (service) => [...herd, "status", service],
    list: [...herd, "status"],
    stop: () => [...herd, "stop", "root"],
    logs: (service) =>
      readdirSync(directory)
        .filter((name) => name.startsWith(`${service}.log`))
        .map((name) => join(directory, name)),
    ready: () => existsSync(socket),
  };
}

/** Its programs have the names of ours: they are looked for below the prefix only. */
export const gnuShepherd: Peer = {
  name: "gnu-shepherd",
  programs: ["shepherd", "herd"],
  orders: true,
  logging: "#:log-file, each line stamped",
  respawn: "#:respawn-delay 0, no limit",
  patience: 4,
  warms: true,
  configure,
};
