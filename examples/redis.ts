// Redis under its own account, respawned when it dies, but not for ever.

import { defineConfig, makeForkexecConstructor, makeKillDestructor, shepherdService } from "shepherd-ts";

export default defineConfig({
  services: [
    shepherdService({
      provision: ["redis"],
      start: makeForkexecConstructor(["redis-server", "/etc/redis/redis.conf", "--daemonize", "no"], {
        user: "redis",
        directory: "/var/lib/redis",
        fileCreationMask: 0o077,
        resourceLimits: { nofile: 10_032 },
      }),
      // Five respawns within a minute, each after a second: more means that something is wrong which restarts won't cure.
      respawnLimit: { times: 5, seconds: 60 },
      respawnDelay: 1,
      // It saves its data on TERM, which may take a while.
      stop: makeKillDestructor({ gracePeriod: 60 }),
      documentation: "Run the Redis key-value store.",
    }),
  ],
});
