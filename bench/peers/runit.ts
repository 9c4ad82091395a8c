// runit: runsvdir, with a runsv for each service; and its own init, for what only PID 1 does.

import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type BenchService, type Configured, type Ground, type Peer, script } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const scan = join(directory, "sv");
  for (const { name, command, log } of services) {
    ground.file(`sv/${name}/run`, script(command), 0o755);
    if (!log) continue;
    ground.file(`sv/${name}/log/run`, script([program("svlogd"), "main"]), 0o755);
    ground.file(`sv/${name}/log/main/config`, "s10000000\nn40\n");
  }
  // runsvdir waits for a second over a directory that was changed in this very one.
  utimesSync(scan, 0, 0);
  const sv = program("sv");
  return {
    daemon: [program("runsvdir"), "-P", scan],
    status: (service) => [sv, "status", join(scan, service)],
    list: ["sh", "-c", `${sv} status ${scan}/*`],
    stop: (root) => ["sh", "-c", `kill -HUP ${root}`],
    logs: (service) => partsOf(join(scan, service, "log", "main")),
  };
}

/** What svlogd and s6-log write: the current file, and the parts before it. */
export function partsOf(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name === "current" || name.startsWith("@"))
    .map((name) => join(directory, name));
}

export const runit: Peer = {
  name: "runit",
  programs: ["runsvdir", "sv", "svlogd"],
  orders: false,
  logging: "svlogd",
  respawn: "at once, after a second where it ran for less than one",
  most: 1000,
  configure,
};
