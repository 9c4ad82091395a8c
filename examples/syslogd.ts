// The system logger of GNU inetutils, a program that puts itself into the background and leaves a pid file.

import { defineConfig, makeForkexecConstructor, makeKillDestructor, shepherdService } from "shepherd-ts";

export default defineConfig({
  services: [
    shepherdService({
      documentation: "Run the syslog daemon (syslogd).",
      provision: ["syslogd"],
      // The start is over, and what needs a logger may start, when the pid file names a living process: that one is
      // the service's from then on, although it is not the one we started.
      start: makeForkexecConstructor(["/usr/sbin/syslogd", "--rcfile=/etc/syslog.conf"], {
        pidFile: "/run/syslog.pid",
      }),
      stop: makeKillDestructor(),
    }),
  ],
});
