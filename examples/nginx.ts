// nginx in the foreground: its master process is the service's, and its log lines are stamped and kept by us.

import {
  defineConfig,
  makeForkexecConstructor,
  makeKillDestructor,
  makeSystemConstructor,
  service,
  shepherdAction,
  shepherdConfigurationAction,
  shepherdService,
} from "shepherd-ts";

const configuration = "/etc/nginx/nginx.conf";

export default defineConfig({
  services: [
    service(["nginx-check"], {
      oneShot: true,
      documentation: "Check nginx's configuration: a mistake is found before the server is touched.",
      start: makeSystemConstructor(`nginx -t -q -c ${configuration}`),
    }),
    shepherdService({
      provision: ["nginx", "web"],
      requirement: ["nginx-check"],
      start: makeForkexecConstructor(["nginx", "-c", configuration, "-g", "daemon off;"], {
        logFile: "/var/log/nginx.log",
        resourceLimits: { nofile: { soft: 4096, hard: 4096 } },
      }),
      // QUIT lets nginx finish the requests that it serves.
      stop: makeKillDestructor("SIGQUIT", { gracePeriod: 30 }),
      actions: [
        shepherdConfigurationAction(configuration),
        shepherdAction({
          name: "reconfigure",
          documentation: "Make nginx read its configuration again.",
          procedure: (running) => {
            if (running === false || typeof running !== "object" || running === null || !("pid" in running)) {
              console.log("nginx is not running.");
              return false;
            }
            process.kill(Number(running.pid), "SIGHUP");
            return true;
          },
        }),
      ],
      documentation: "Run the nginx web server.",
    }),
  ],
});
