// The machine's own limit: a C loop that vforks and executes the same processes, starts each again that ends, and reaps; its
// client is a C program that does nothing, and its log is written by dd.

import { linkSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

/** How it differs from the services, whose processes run the helper too. */
export const limitProgram = "bench-limit";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, helper, stamps } = ground;
  const own = join(directory, limitProgram);
  linkSync(helper, own);
  const logged = services.find(({ log }) => log);
  const file = join(directory, "log");
  return {
    daemon:
      logged === undefined
        ? [own, "keep", stamps, String(services.length), "/bin/sleep", "infinity"]
        : ["sh", "-c", `${logged.command.join(" ")} | dd of=${file} bs=64k status=none`],
    status: () => [own, "nothing"],
    list: [own, "nothing"],
    stop: (root) => ["kill", String(root)],
    logs: () => [file],
  };
}

export const limit: Peer = {
  name: "limit",
  programs: [],
  orders: true,
  logging: "dd through a pipe to a file",
  respawn: "at once",
  configure,
};
