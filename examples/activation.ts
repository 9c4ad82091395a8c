// Socket activation: the supervisor listens, and programs run when somebody connects. Try, while it runs:
//
//   nc 127.0.0.1 1313;  curl http://127.0.0.1:8080/;  herd restart web;  herd status

import { defineConfig, endpoint, makeInetdConstructor, makeSystemdConstructor, service } from "shepherd-ts";

/** A server that is handed its sockets, from descriptor 3 on, and finishes what it has begun when it is ended. */
const server = `
  const { createServer } = require("node:http");
  const page = (request, response) => response.end("Process " + process.pid + " serves " + request.url + "\\n");
  const servers = process.env.LISTEN_FDNAMES.split(":").map((name, index) => createServer(page).listen({ fd: 3 + index }));
  process.on("SIGTERM", () => servers.forEach((one) => one.close()));
`;

export default defineConfig({
  services: [
    service(["daytime"], {
      // A program for each connection, which is its standard input and output: services daytime-1, daytime-2, …
      start: makeInetdConstructor(["/bin/date"], [endpoint("127.0.0.1:1313"), endpoint("[::1]:1313")], {
        serviceNameStem: "daytime",
        maxConnections: 20,
      }),
      documentation: "Tell everybody who connects the time.",
    }),
    service(["web"], {
      // One program for all connections, started by the first. No connection is refused while it is started again.
      start: makeSystemdConstructor(
        [process.execPath, "-e", server],
        [
          endpoint("127.0.0.1:8080", { name: "http" }),
          endpoint("/tmp/shepherd-activation/web", { name: "local", socketPermissions: 0o600 }),
        ],
      ),
      respawn: true,
      documentation: "Serve pages as soon as somebody asks for one.",
    }),
  ],
});
