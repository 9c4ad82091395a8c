// Configurations that change under a running system: load, unload, reload, and the replacement of what runs.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, module, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

const two = {
  "two.ts": configuration([sleeper("second"), sleeper("third", 'autoStart: false, requirement: ["second"]')]),
};

it("load adds services, and starts those that start by themselves", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("first")]), files: two });
  const pid = await system.untilProcess("first");
  assert.match(await system.ok("load", "root", system.path("two.ts")), /Loading \S+two\.ts\./);
  await system.untilStatus("second", "running");
  assert.equal((await system.service("third")).status, "stopped");
  assert.equal((await system.service("first")).pid, pid);
});

it("load takes a name in the client's directory", async (t) => {
  const system = await bootSystem(t, { config: configuration([]), files: two });
  await system.ok("load", "root", "two.ts");
  await system.untilStatus("second", "running");
});

it("a module may register its services itself", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([]),
    files: {
      "imperative.ts": `import { makeForkexecConstructor, registerServices, service, startInTheBackground } from "shepherd-ts";
registerServices([service(["mine"], { start: makeForkexecConstructor(["/bin/sleep", "1000000"]) }), service(["idle"], {})]);
startInTheBackground(["mine"]);
`,
    },
  });
  await system.ok("load", "root", "imperative.ts");
  await system.untilStatus("mine", "running");
  assert.equal((await system.service("idle")).status, "stopped");
});

it("unload stops a service and what depends on it, and removes it", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("base"), sleeper("top", 'requirement: ["base"]'), sleeper("other")]),
  });
  const pid = await system.untilProcess("top");
  assert.match(await system.ok("unload", "root", "base"), /Removing service 'base'\.\.\.\n(.*\n)*Done\.\n/);
  assert.equal((await system.herd("status", "base")).status, 1);
  assert.equal(system.isAlive(pid), false);
  assert.equal((await system.service("other")).status, "running");
});

it("unload all leaves root", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("one"), sleeper("two")]) });
  await system.untilStatus("two", "running");
  await system.ok("unload", "root", "all");
  assert.equal(await system.ok("status"), "Started:\n + root\n");
});

it("reload makes the new file's services the only ones, and leaves alone what did not change", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("kept"), sleeper("dropped")]) });
  const kept = await system.untilProcess("kept");
  const dropped = await system.untilProcess("dropped");
  writeFileSync(system.config, configuration([sleeper("kept"), sleeper("added")]));
  await system.ok("reload", "root", system.config);
  await system.untilStatus("added", "running");
  assert.equal((await system.service("kept")).pid, kept);
  assert.equal((await system.herd("status", "dropped")).status, 1);
  assert.equal(system.isAlive(dropped), false);
});

it("a definition loaded over a running service waits until that is restarted", async (t) => {
  const old = `service(["web"], { start: makeForkexecConstructor(["/bin/sleep", "1000000"]), documentation: "Old." })`;
  const system = await bootSystem(t, {
    config: configuration([old]),
    files: { "new.ts": configuration([old.replace("1000000", "2000000").replace("Old", "New")]) },
  });
  const pid = await system.untilProcess("web");
  await system.ok("load", "root", "new.ts");
  const service = await system.service("web");
  assert.equal(service.pid, pid);
  assert.equal(service.pendingReplacement, true);
  assert.match(await system.ok("status", "web"), /Replacement pending \(restart to upgrade\)\./);
  await system.ok("restart", "web");
  const after = await system.service("web");
  assert.match(after.text, /"2000000"/);
  assert.equal(after.pendingReplacement, false);
  assert.equal(await system.ok("doc", "web"), "New.\n");
});

it("a definition loaded over a stopped service takes effect at once and stays disabled", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", 'autoStart: false, documentation: "Old."')]),
    files: { "new.ts": configuration([sleeper("web", 'autoStart: false, documentation: "New."')]) },
  });
  await system.ok("disable", "web");
  await system.ok("load", "root", "new.ts");
  assert.equal(await system.ok("doc", "web"), "New.\n");
  assert.equal((await system.service("web")).enabled, false);
});

it("a top-level await that never ends does not block the system", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("steady")]),
    files: {
      "stuck.ts": module(
        "await new Promise(() => { setInterval(() => {}, 1000); });\nexport default defineConfig({ services: [] });",
      ),
    },
  });
  await system.untilStatus("steady", "running");
  const loading = system.herd("load", "root", "stuck.ts");
  await system.waitForLog(/Loading \S+stuck\.ts/);
  await system.ok("restart", "steady");
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  await loading;
});
