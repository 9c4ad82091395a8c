// A container with one main program and a helper: when the main program ends so does the container, with its exit code.
//
//   ENTRYPOINT ["shepherd", "--config=/etc/shepherd.ts"]

import { defineConfig, makeForkexecConstructor, makeSystemConstructor, service } from "shepherd-ts";

export default defineConfig({
  services: [
    service(["migrate"], {
      oneShot: true,
      documentation: "Prepare what the program expects.",
      start: makeSystemConstructor("mkdir -p /tmp/app && echo prepared >/tmp/app/state"),
    }),
    service(["ticker"], {
      respawn: true,
      documentation: "Work beside the main program.",
      start: makeForkexecConstructor(["/bin/sh", "-c", "while :; do echo tick; sleep 10; done"]),
    }),
    service(["app"], {
      requirement: ["migrate"],
      documentation: "Run the program that this container is for.",
      start: makeForkexecConstructor(["/bin/sh", "-c", "cat /tmp/app/state; sleep 5; exit 3"]),
    }),
  ],
  exitWith: "app",
  // Less than what `docker stop` grants before it kills.
  shutdownTimeout: 8,
});
