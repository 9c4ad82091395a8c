// The program of the service `web`: pages about the supervisor, to whom it is what herd is, a client. It listens at the sockets
// that it is given, and lives on when the daemon dies.
//
//   web.cjs CONTROL-SOCKET TOKEN-FILE given|own MAX-CLIENTS [HOST...]

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { localHosts } from "./access.js";
import { webServers } from "./server.js";
import { Supervisor } from "./supervisor.js";
import { ownToken, readToken, TokenError } from "./token.js";
import { isToken } from "./token-rule.js";

/** The first socket that a program is given, as systemd's convention has it. */
const firstSocket = 3;

function fail(text: string): never {
  process.stderr.write(`web: ${text}\n`);
  process.exit(1);
}

function tokenOf(file: string, whose: string): string {
  const { SHEPHERD_WEB_TOKEN: told } = process.env;
  delete process.env.SHEPHERD_WEB_TOKEN;
  try {
    if (whose === "given") return readToken(file);
    return isToken(told) ? told : ownToken(file);
  } catch (error) {
    if (error instanceof TokenError) fail(error.message);
    throw error;
  }
}

function asset(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

const [controlSocket, tokenFile, whose, maxClients, ...hosts] = process.argv.slice(2);
const sockets = Number(process.env.LISTEN_FDS ?? "0");
if (
  controlSocket === undefined ||
  tokenFile === undefined ||
  whose === undefined ||
  !(Number(maxClients) > 0)
)
  fail("expected the control socket, the file of the token, whose it is, and how many clients there may be");
if (!(sockets >= 1))
  fail("there is no socket to listen at: it is started by the supervisor, as the service of webService()");

const options = {
  supervisor: new Supervisor(controlSocket),
  gate: {
    token: tokenOf(tokenFile, whose),
    hosts: new Set([...localHosts, ...hosts.map((host) => host.toLowerCase())]),
  },
  assets: { script: asset("web-page.js"), style: asset("web-page.css") },
  maxClients: Number(maxClients),
  // One request that fails so must not end the others.
  failed: (error: unknown) => {
    process.stderr.write(`web: ${error instanceof Error ? error.stack : String(error)}\n`);
  },
};
for (const [index, server] of webServers(options, sockets).entries())
  server.listen({ fd: firstSocket + index });
