// The system that `npm start` boots: a few lively services that need no packages and no accounts.

import { readFileSync } from "node:fs";
import {
  defineConfig,
  makeForkexecConstructor,
  makeKillDestructor,
  makeSystemConstructor,
  service,
  shepherdAction,
} from "shepherd-ts";

/** A directory for this run; scripts/start.sh makes it. */
const directory = process.env.EXAMPLE_DIRECTORY ?? "/tmp/shepherd-example";
const address = `${directory}/www/address`;

/** Serves one page on a free port of the loopback interface and notes where. */
const server = `
  const { createServer } = require("node:http");
  const { writeFileSync } = require("node:fs");
  const server = createServer((request, response) => {
    console.log(request.method, request.url);
    response.end("Hello from a service of process " + process.pid + ".\\n");
  });
  server.listen(0, "127.0.0.1", () => {
    const url = "http://127.0.0.1:" + server.address().port + "/";
    writeFileSync(process.argv[1], url + "\\n");
    console.log("serving at", url);
  });
`;

export default defineConfig({
  services: [
    service(["directory"], {
      oneShot: true,
      documentation: "Prepare the directory of the web server.",
      start: makeSystemConstructor(`mkdir -p '${directory}/www'`),
    }),

    service(["clock"], {
      respawn: true,
      documentation: "Say the time every few seconds.",
      start: makeForkexecConstructor(["/bin/sh", "-c", "while :; do date +%H:%M:%S; sleep 5; done"]),
    }),

    service(["web"], {
      requirement: ["directory"],
      respawn: true,
      documentation: "Serve a page; 'curl $(herd address web)' reads it.",
      start: makeForkexecConstructor([process.execPath, "-e", server, address], {
        logFile: `${directory}/web.log`,
      }),
      stop: makeKillDestructor({ gracePeriod: 2 }),
      actions: [
        shepherdAction({
          name: "address",
          documentation: "Print the address of the page.",
          procedure: () => console.log(readFileSync(address, "utf8").trim()),
        }),
      ],
    }),

    service(["worker"], {
      requirement: ["directory"],
      respawn: true,
      respawnDelay: 2,
      documentation: "Work, crash now and then, and be respawned: see 'herd status worker'.",
      start: makeForkexecConstructor([
        "/bin/sh",
        "-c",
        "for job in 1 2 3 4 5; do echo job $job is done; sleep 3; done; echo job 6 is too hard >&2; exit 1",
      ]),
    }),

    service(["greeter"], {
      documentation: "Greet: 'herd greet greeter Ada'.",
      actions: [
        shepherdAction({
          name: "greet",
          documentation: "Greet those who are named, or the world.",
          procedure: (_running, ...names) => console.log(`Hello, ${names.join(" and ") || "world"}!`),
        }),
      ],
    }),
  ],
  shutdownTimeout: 10,
});
