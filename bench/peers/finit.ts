// finit, in a machine of its own.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const lines = services.map(({ name, command, needs, log }) => {
    const condition =
      needs.length === 0 ? "" : `<${needs.map((need) => `service/${need}/running`).join(",")}> `;
    const output = log ? `log:${join(directory, `${name}.log`)}` : "log:null";
    return `service [2345] ${condition}respawn name:${name} ${output} ${command.join(" ")} -- ${name}\n`;
  });
  ground.file("finit.conf", `log size:10M count:40\n${lines.join("")}`);
  const plugins = join(dirname(dirname(program("finit"))), "lib", "finit", "plugins");
  const control = [program("initctl"), "-b"] as const;
  return {
    daemon: [program("finit")],
    furnish: `rm -rf $ROOT/etc/finit.d $ROOT/etc/network $ROOT/etc/init.d $ROOT/etc/rcS.d
mkdir -p $ROOT/etc/finit.d $ROOT/var/log $ROOT/var/run $ROOT/etc/default
cp ${directory}/finit.conf $ROOT/etc/finit.conf
: >$ROOT/etc/fstab
rm -f $ROOT${plugins}/bootmisc.so $ROOT${plugins}/procps.so $ROOT${dirname(plugins)}/system/*.conf $ROOT/etc/inittab $ROOT/etc/rc.local`,
    status: (service) => [...control, "status", service],
    list: [...control, "status"],
    stop: () => [...control, "poweroff"],
    logs: (service) =>
      readdirSync(directory)
        .filter((name) => name.startsWith(`${service}.log`))
        .map((name) => join(directory, name)),
  };
}

export const finit: Peer = {
  name: "finit",
  programs: ["finit", "initctl"],
  orders: true,
  logging: "log:FILE through its own process",
  respawn: "respawn: no delay, no limit",
  slow: true,
  patience: 4,
  boxed: true,
  configure,
};
