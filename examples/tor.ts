// The Tor anonymous router, with what it needs. `cat $(herd configuration tor)` shows the file that it reads.

import {
  defineConfig,
  makeForkexecConstructor,
  makeKillDestructor,
  makeSystemConstructor,
  service,
  shepherdConfigurationAction,
  shepherdService,
} from "shepherd-ts";

const torrc = "/etc/tor/torrc";

export default defineConfig({
  services: [
    service(["loopback"], {
      oneShot: true,
      documentation: "Bring the loopback interface up.",
      start: makeSystemConstructor("ip link set lo up"),
    }),
    service(["user-processes"], {
      documentation: "Whatever runs under users' accounts requires this.",
    }),
    shepherdService({
      provision: ["tor"],
      requirement: ["user-processes", "loopback"],
      // Where tor keeps its data is said here: it would take the home directory, and HOME is still that of root.
      start: makeForkexecConstructor(["/usr/bin/tor", "-f", torrc, "--DataDirectory", "/var/lib/tor"], {
        // `user` alone would do: it brings the account's own group, and none of root's.
        user: "debian-tor",
        group: "debian-tor",
        logFile: "/var/log/tor.log",
      }),
      stop: makeKillDestructor(),
      actions: [shepherdConfigurationAction(torrc)],
      documentation: "Run the Tor anonymous network overlay.",
    }),
  ],
});
