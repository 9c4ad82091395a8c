// What the container runs: a web server, and a worker beside it.

import { defineConfig, makeForkexecConstructor, portAnswers, service } from "shepherd-ts";

export default defineConfig({
  services: [
    service(["web"], {
      documentation: "Serve HTTP on port 8080.",
      start: makeForkexecConstructor(["node", "/srv/web.js"], {
        readiness: portAnswers(8080),
      }),
      respawn: true,
    }),
    service(["worker"], {
      requirement: ["web"],
      documentation: "Work beside it.",
      start: makeForkexecConstructor(["/bin/sh", "-c", "while :; do echo working; sleep 60 & wait; done"]),
      respawn: true,
    }),
  ],
  // Less than what the container's runtime grants before it kills: see compose.yaml and pod.yaml.
  shutdownTimeout: 25,
});
