// s6: s6-svscan, with an s6-supervise for each service; as it comes, with readiness, and with stamps before logged lines.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";
import { partsOf } from "./runit.js";

type Variant = { readonly notify?: boolean; readonly stamped?: boolean };

const configure =
  ({ notify = false, stamped = false }: Variant) =>
  (ground: Ground, services: readonly BenchService[]): Configured => {
    const { directory, program } = ground;
    const scan = join(directory, "scan");
    mkdirSync(scan);
    for (const { name, command, log } of services) {
      const before = notify ? ["foreground", "{", "fdmove", "1", "3", "echo", "}", "fdclose", "3"] : [];
      ground.file(`scan/${name}/run`, execline(program, [...before, ...command]), 0o755);
      if (notify) ground.file(`scan/${name}/notification-fd`, "3\n");
      if (log)
        ground.file(`scan/${name}/log/run`, execline(program, logger(program, directory, stamped)), 0o755);
    }
    const svstat = program("s6-svstat");
    return {
      daemon: scanner(program, scan),
      status: (service) => [svstat, join(scan, service)],
      list: ["sh", "-c", `for d in ${scan}/*/; do ${svstat} $d; done`],
      stop: () => [program("s6-svscanctl"), "-t", scan],
      logs: () => partsOf(join(directory, "log")),
    };
  };

type Program = Ground["program"];

export const execline = (program: Program, command: readonly string[]): string =>
  `#!${program("execlineb")} -P\n${command.join(" ")}\n`;

export const logger = (program: Program, directory: string, stamped = false): readonly string[] => [
  program("s6-log"),
  ...(stamped ? ["t"] : []),
  "n40",
  "s10000000",
  join(directory, "log"),
];

export const scanner = (
  program: Program,
  scan: string,
  options: readonly string[] = [],
): [string, ...string[]] => [program("s6-svscan"), "-c", "10000", "-t", "0", ...options, scan];

const common = {
  programs: ["s6-svscan", "s6-svscanctl", "s6-svstat", "s6-log", "execlineb"],
  orders: false,
} as const;

export const s6: Peer = {
  ...common,
  name: "s6",
  logging: "s6-log, lines as they are",
  respawn: "after a second",
  configure: configure({}),
};

export const s6Notify: Peer = {
  ...common,
  name: "s6+notify",
  respawn: "at once where it had been ready for a second",
  only: ["respawn"],
  configure: configure({ notify: true }),
};

export const s6Stamped: Peer = {
  ...common,
  name: "s6+t",
  logging: "s6-log, each line stamped",
  only: ["log"],
  configure: configure({ stamped: true }),
};
