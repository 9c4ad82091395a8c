// The console holder: a process for each service with a terminal of its own, which outlives the supervisor. It listens on
// descriptor 3; descriptor 1 is the service's log; its only argument says the rest, as JSON.

import { constants, openSync } from "node:fs";
import { createServer, Socket } from "node:net";
import type { HolderSettings } from "../protocol/console-settings.js";
import { Holder } from "./holder.js";
import { loadNative, NoPtyError, Pty } from "./pty.js";

const listening = 3;
const logged = 1;
const mostConnections = 96;
/** What may wait for the log writer before the terminal does. */
const mostUnlogged = 262_144;
/** Milliseconds for the log to take the rest, once all is over. */
const lastLines = 1500;
/** Milliseconds for the supervisor to ask why there is no terminal. */
const untilAsked = 10_000;

/** Without waiting, and yet so that whoever else writes to the same pipe still waits for it. */
function openLog(): number {
  try {
    return openSync(`/proc/self/fd/${logged}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return logged;
  }
}

function begin(settings: HolderSettings): void {
  const log = new Socket({ fd: openLog(), readable: false, writable: true });
  log.on("error", () => undefined);
  const leave = (): void => {
    server.close();
    const out = (): never => process.exit(0);
    setTimeout(out, lastLines);
    log.end(out);
  };
  const holder = new Holder({
    size: settings,
    scrollback: settings.scrollback,
    log: {
      write: (text) => {
        if (log.destroyed) return true;
        log.write(text);
        return log.writableLength < mostUnlogged;
      },
    },
    over: leave,
  });
  log.on("drain", () => holder.logDrained());
  const server = createServer((socket) => holder.connected(socket));
  server.maxConnections = mostConnections;
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => holder.conclude());
  process.on("SIGINT", () => undefined);

  loadNative()
    .then((native) => holder.hold(new Pty(native, settings, settings.uid, holder)))
    .catch((error: unknown) => {
      holder.refuse(
        error instanceof NoPtyError ? error.message : `no terminal can be made: ${String(error)}`,
      );
      setTimeout(() => process.exit(1), untilAsked).unref();
    })
    // Who has connected meanwhile waits in the socket.
    .finally(() => server.listen({ fd: listening }));
}

begin(JSON.parse(process.argv[2] ?? "{}") as HolderSettings);
