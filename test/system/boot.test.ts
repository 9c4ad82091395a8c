// The system as PID 1 with real servers under their own accounts.

import { after, before, describe, it } from "node:test";
import { suiteScope } from "../support/harness.js";
import { bootServers, type Servers, steps } from "../support/servers.js";

describe("tor, nginx and redis under PID 1", () => {
  const scope = suiteScope();
  let servers: Servers;
  before(async () => {
    servers = await bootServers(scope);
  });
  after(() => scope.close());

  for (const [name, step] of steps) it(name, () => step(servers));
});
