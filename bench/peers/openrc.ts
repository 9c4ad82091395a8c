// OpenRC with its own init and a supervise-daemon for each service, in a machine of its own.

import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { BenchService, Configured, Ground, Peer } from "./peer.js";

function configure(ground: Ground, services: readonly BenchService[]): Configured {
  const { directory, program } = ground;
  const logFile = (name: string): string => join(directory, `${name}.log`);
  for (const level of ["default", "sysinit", "boot", "shutdown", "nonetwork"])
    mkdirSync(join(directory, "runlevels", level), { recursive: true });
  mkdirSync(join(directory, "init.d"));
  for (const { name, command, needs, log } of services) {
    ground.file(
      `init.d/${name}`,
      `#!/sbin/openrc-run
supervisor=supervise-daemon
command="${command[0]}"
command_args="${command.slice(1).join(" ")}"
respawn_max=0
${log ? `output_log="${logFile(name)}"` : ""}
depend() {
  ${needs.length === 0 ? ":" : `need ${needs.join(" ")}`}
}
`,
      0o755,
    );
    symlinkSync(`/etc/init.d/${name}`, join(directory, "runlevels", "default", name));
  }
  ground.file("rc.conf", 'rc_parallel="YES"\nrc_depend_strict="NO"\nrc_logger="NO"\n');
  return {
    daemon: [program("openrc-init")],
    furnish: `rm -rf $ROOT/etc/init.d $ROOT/etc/runlevels $ROOT/etc/conf.d $ROOT/etc/local.d
cp -a ${directory}/init.d $ROOT/etc/init.d
cp -a ${directory}/runlevels $ROOT/etc/runlevels
mkdir -p $ROOT/etc/conf.d $ROOT/run/openrc
cp ${directory}/rc.conf $ROOT/etc/rc.conf`,
    status: (service) => [program("rc-service"), service, "status"],
    list: [program("rc-status"), "default"],
    stop: () => [program("openrc-shutdown"), "--poweroff", "now"],
    logs: (service) => [logFile(service)].filter(existsSync),
  };
}

export const openrc: Peer = {
  name: "openrc",
  programs: ["openrc-init", "openrc-shutdown", "supervise-daemon", "rc-service", "rc-status"],
  orders: true,
  logging: "the service writes the file by itself",
  logsNothing: true,
  respawn: "respawn_max=0",
  slow: true,
  patience: 8,
  boxed: true,
  configure,
};
