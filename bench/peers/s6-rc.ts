// s6-rc: dependencies over s6, from a database that is compiled beforehand.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";
import { partsOf } from "./runit.js";
import { execline, logger, scanner } from "./s6.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const [scan, live, database] = ["scan", "live", "db"].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(scan);
  ground.file("src/all/type", "bundle\n");
  for (const { name, command, needs, log } of services) {
    ground.file(`src/${name}/type`, "longrun\n");
    ground.file(`src/${name}/run`, execline(program, command), 0o755);
    ground.file(`src/all/contents.d/${name}`, "");
    for (const need of needs) ground.file(`src/${name}/dependencies.d/${need}`, "");
    if (!log) continue;
    ground.file(`src/${name}/producer-for`, `${name}-log\n`);
    ground.file(`src/${name}-log/type`, "longrun\n");
    ground.file(`src/${name}-log/consumer-for`, `${name}\n`);
    ground.file(`src/${name}-log/run`, execline(program, logger(program, directory)), 0o755);
    ground.file(`src/all/contents.d/${name}-log`, "");
  }
  execFileSync(program("s6-rc-compile"), [database, join(directory, "src")]);
  const rc = program("s6-rc");
  const boot = `#!/bin/sh
mkfifo ${directory}/ready
${scanner(program, scan, ["-d", "3"]).join(" ")} 3>${directory}/ready &
read line <${directory}/ready
${program("s6-rc-init")} -c ${database} -l ${live} ${scan}
${rc} -l ${live} -u change all
wait
`;
  const start = ground.file("boot", boot, 0o755);
  return {
    daemon: [start],
    status: (service) => [program("s6-svstat"), join(live, "servicedirs", service)],
    list: [rc, "-l", live, "-a", "list"],
    stop: () => ["sh", "-c", `${rc} -l ${live} -da change; ${program("s6-svscanctl")} -t ${scan}`],
    logs: () => partsOf(join(directory, "log")),
    root: (processes) => processes.find(({ name }) => name === "s6-svscan")?.pid,
  };
}

export const s6Rc: Peer = {
  name: "s6-rc",
  programs: [
    "s6-svscan",
    "s6-svscanctl",
    "s6-svstat",
    "s6-log",
    "execlineb",
    "s6-rc",
    "s6-rc-init",
    "s6-rc-compile",
  ],
  orders: true,
  logging: "s6-log, lines as they are",
  respawn: "after a second",
  configure,
};
