// Services that people talk to: `herd attach shell`, and ctrl-] to leave. They go on while the supervisor is killed.

import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";

export default defineConfig({
  services: [
    // A shell for whoever may use herd here; each exit makes a new one.
    service(["shell", "console"], {
      start: makeForkexecConstructor(["/bin/sh", "-i"], {
        terminal: true,
        extraEnvironmentVariables: ["PS1=shell> "],
      }),
      // An interactive shell takes no notice of TERM.
      stop: makeKillDestructor("SIGHUP"),
      respawn: true,
      respawnDelay: 1,
      documentation: "Run a shell to attach to.",
    }),
    // Asks who somebody is, as at a machine's own console.
    service(["getty"], {
      start: makeForkexecConstructor(["/sbin/agetty", "--noclear", "-", "xterm-256color"], {
        terminal: true,
      }),
      stop: makeKillDestructor("SIGHUP"),
      respawn: true,
      respawnDelay: 1,
      autoStart: false,
      documentation: "Let users log in at a terminal.",
    }),
    // A program with a prompt, such as a game server's: in a wider window until somebody attaches, and with more to look back
    // at.
    service(["prompt"], {
      start: makeForkexecConstructor(["/usr/bin/env", "node"], {
        terminal: { columns: 120, rows: 40, scrollback: 1_000_000 },
        directory: "/tmp",
      }),
      stop: makeKillDestructor({ gracePeriod: 10 }),
      autoStart: false,
      documentation: "Evaluate JavaScript.",
    }),
  ],
});
