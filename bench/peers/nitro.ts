// nitro: one process, in C. As it is shipped it holds 500 services; `nitro-big`, built with more, is taken beyond.

import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type BenchService, type Configured, type Ground, type Peer, script } from "./peer.js";
import { partsOf } from "./runit.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const log = join(directory, "log");
  mkdirSync(log);
  for (const { name, command, log: logged } of services) {
    ground.file(`sv/${name}/run`, script(command), 0o755);
    if (!logged) continue;
    ground.file("sv/logger/run", script([program("svlogd"), log]), 0o755);
    ground.file("log/config", "s10000000\nn40\n");
    symlinkSync("../logger", join(directory, "sv", name, "log"));
  }
  const big = services.length > 490 && existsSync(`${program("nitro")}-big`) ? "-big" : "";
  const control = `${program("nitroctl")}${big}`;
  return {
    daemon: [`${program("nitro")}${big}`, join(directory, "sv")],
    environment: { NITRO_SOCK: join(directory, "socket") },
    status: (service) => [control, "pidof", service],
    list: [control, "list"],
    stop: () => [control, "Shutdown"],
    logs: () => partsOf(log),
  };
}

export const nitro: Peer = {
  name: "nitro",
  programs: ["nitro", "nitroctl", "svlogd"],
  orders: false,
  logging: "svlogd",
  respawn: "at once, after a second where it ran for less than one",
  configure,
};
