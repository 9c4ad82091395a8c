// Asking the running supervisor.

import assert from "node:assert/strict";
import { it } from "node:test";
import { Supervisor } from "../../src/system-command/supervisor.js";

it("where none runs that is said, with what to look at", async () => {
  const supervisor = new Supervisor({ socket: "/nonexistent/socket", say: assert.fail });
  await assert.rejects(supervisor.status(), {
    name: "SupervisorError",
    message:
      "cannot reach the supervisor, which must run, at the socket that --socket names: " +
      "/nonexistent/socket: No such file or directory",
  });
});
