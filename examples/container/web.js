// A web server that finishes what it is about when it is told to end.

const { createServer } = require("node:http");

const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain");
  response.end(request.url === "/healthz" ? "ok\n" : "Hello from a container under shepherd.\n");
});

server.listen(8080, () => console.log("listening on port 8080"));

process.on("SIGTERM", () => {
  console.log("ending");
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
