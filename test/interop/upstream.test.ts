// What the Shepherd's own tests assert, where no other test of ours does. No GNU Shepherd is needed.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, module, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { exchange, gnuRequest } from "../support/wire.js";

const idle = "autoStart: false";

it("a service of the configuration that fails to start takes nothing down, and the others are ended at the end", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      'service(["bad"], { start: () => false })',
      'service(["throws"], { start: () => { throw new Error("no such luck"); } })',
      'service(["absent"], { start: makeForkexecConstructor(["/nonexistent/program"]) })',
      sleeper("good"),
      'service(["tidy"], { start: () => true, stop: makeSystemDestructor("echo stopped >{directory}/stopped") })',
    ]),
  });
  await system.untilStatus("good", "running");
  await system.untilStatus("tidy", "running");
  await system.waitForLog(/The following services could not be started: bad throws absent/);
  assert.match(await system.ok("status"), /Failed to start:\n ! absent\n ! bad\n ! throws\n$/);
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  assert.equal(system.read("stopped"), "stopped\n");
});

it("a second stop waits for the first, and the stop function runs once", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      'service(["slow"], { start: () => true, stop: makeSystemDestructor("echo x >>{directory}/stops; until [ -e {directory}/go ]; do sleep 0.01; done") })',
    ]),
  });
  await system.untilStatus("slow", "running");
  const ask = async (action: string): Promise<string> =>
    (await exchange(system.socket, gnuRequest(action, "slow"))).text;
  const first = ask("stop");
  await system.waitForFile("stops");
  let answered = false;
  const second = ask("stop").finally(() => {
    answered = true;
  });
  // Each of these is answered after a client that came before it could have been.
  for (let time = 0; time < 5; time += 1) assert.match(await ask("status"), /\(status stopping\)/);
  assert.equal(answered, false);
  writeFileSync(system.path("go"), "");
  for (const text of await Promise.all([first, second])) assert.match(text, /\(error #f\)/);
  assert.equal((await system.service("slow")).status, "stopped");
  assert.equal(system.read("stops"), "x\n");
});

it("a replacement brings its own actions, at the restart", async (t) => {
  const web = (action: string): string =>
    sleeper(
      "web",
      `actions: [shepherdAction({ name: "${action}", documentation: "${action}", procedure: () => console.log("${action}") })]`,
    );
  const system = await bootSystem(t, {
    config: configuration([web("before")]),
    files: { "new.ts": configuration([web("after")]) },
  });
  await system.untilStatus("web", "running");
  await system.ok("load", "root", "new.ts");
  assert.equal(await system.ok("before", "web"), "before\n");
  assert.equal((await system.herd("after", "web")).status, 1);
  await system.ok("restart", "web");
  assert.equal(await system.ok("after", "web"), "after\n");
  assert.equal((await system.herd("before", "web")).status, 1);
});

it("a disabled service is not respawned, and runs on until then", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web", "respawn: true, respawnDelay: 0")]),
  });
  const pid = await system.untilProcess("web");
  await system.ok("disable", "web");
  assert.equal((await system.service("web")).pid, pid);
  system.kill(pid, "SIGKILL");
  await system.until("web", "has ended", ({ exits }) => exits.length > 0);
  assert.deepEqual((await system.service("web")).respawns, []);
  assert.equal((await system.service("web")).status, "stopped");
});

it("a process that its own stop function ends is not respawned", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], {
         respawn: true, respawnDelay: 0,
         start: makeForkexecConstructor(["/bin/sleep", "1000000"]),
         stop: async (running) => {
           process.kill((running as { pid: number }).pid, "SIGKILL");
           await new Promise((resolve) => setTimeout(resolve, 200));
           return false;
         },
       })`,
    ]),
  });
  await system.untilProcess("web");
  await system.ok("stop", "web");
  const { status, exits, respawns } = await system.service("web");
  assert.deepEqual({ status, exits, respawns }, { status: "stopped", exits: [9], respawns: [] });
  assert.doesNotMatch(system.log(), /Respawning web/);
});

it("fifty restarts in a row leave one process", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web"), sleeper("other")]) });
  await system.untilProcess("web");
  for (let restart = 0; restart < 50; restart += 1) {
    const { text } = await exchange(system.socket, gnuRequest("restart", "web"));
    assert.match(text, /\(result \(#t\)\) \(error #f\)/);
  }
  const sleeping = system.processes().filter(({ command: [program] }) => program === "/bin/sleep");
  assert.equal(sleeping.length, 2);
  assert.equal((await system.service("web")).status, "running");
});

it("a dependent that ignores TERM is killed after its grace period, and what it depends on is stopped then", async (t) => {
  const stubborn = "trap '' TERM; echo ready >{directory}/ready; while :; do sleep 0.05; done";
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("base"),
      `service(["stubborn"], { requirement: ["base"], start: ${shell(stubborn)}, stop: makeKillDestructor({ gracePeriod: 1 }) })`,
    ]),
  });
  await system.waitForFile("ready", /ready/);
  await system.untilStatus("stubborn", "running");
  await system.ok("stop", "base");
  assert.deepEqual((await system.service("stubborn")).exits, [9]);
  assert.deepEqual((await system.service("base")).exits, [15]);
});

it("a shell command that takes its time keeps nobody waiting, and one that is not found is a failure", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["slow"], { ${idle}, start: makeSystemConstructor("until [ -e {directory}/go ]; do sleep 0.01; done") })`,
      `service(["absent"], { ${idle}, start: makeSystemConstructor("nonexistent-program 2>/dev/null") })`,
    ]),
  });
  const starting = system.herd("start", "slow");
  await system.untilStatus("slow", "starting");
  const { status, stdout } = await system.herd("start", "absent");
  assert.equal(status, 1);
  assert.match(stdout, /exited with 127\nService absent could not be started\.\n$/);
  writeFileSync(system.path("go"), "");
  assert.equal((await starting).status, 0);
});

it("unload, then load of the same file, gives the same status", async (t) => {
  const services = configuration([sleeper("one", idle), sleeper("two", `${idle}, requirement: ["one"]`)]);
  const system = await bootSystem(t, { config: configuration([]), files: { "services.ts": services } });
  await system.ok("load", "root", "services.ts");
  const statuses = async (): Promise<string[]> =>
    Promise.all(["one", "two"].map((name) => system.ok("status", name)));
  const pristine = await statuses();
  await system.ok("start", "two");
  await system.ok("unload", "root", "all");
  await system.ok("load", "root", "services.ts");
  assert.deepEqual(await statuses(), pristine);
});

it("an expression may load a file, and wait", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([]),
    files: {
      "late.mjs": "export const value = await new Promise((resolve) => setTimeout(resolve, 20, 42));",
    },
  });
  const expression = `import("${system.path("late.mjs")}").then(({ value }) => value)`;
  assert.equal(
    await system.ok("eval", "root", expression),
    `Evaluating user expression ${expression}.\n42\n`,
  );
});

it("text that is not UTF-8 is logged with what can be read of it, and UTF-8 as it is", async (t) => {
  const script = "printf 'h\\303\\251llo\\nb\\377d\\nend\\n'; exec sleep 1000000";
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { start: ${shell(script, '{ logFile: "{directory}/web.log" }')} })`,
    ]),
  });
  const text = await system.waitForFile("web.log", / end\n/);
  assert.match(text, /^\S+ \S+ héllo\n\S+ \S+ b\ufffd?d\n\S+ \S+ end\n$/);
  const status = await system.waitFor("status shows the lines", async () => {
    const shown = await system.ok("status", "web");
    return shown.includes(" end\n") ? shown : undefined;
  });
  assert.match(status, / héllo\n.* b\ufffdd\n.* end\n$/);
});

it("it runs without a home directory that could be used", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    env: { HOME: "/nonexistent", XDG_CACHE_HOME: "", XDG_STATE_HOME: "", XDG_CONFIG_HOME: "" },
  });
  await system.untilStatus("web", "running");
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
});

it("what a module exports or registers that is no service is refused, and nothing else happens", async (t) => {
  const odd: Readonly<Record<string, string>> = {
    "number.ts": "export default 42;\n",
    "list.ts": module('export default defineConfig({ services: ["web" as never] });'),
    "name.ts": module("export default defineConfig({ services: [service([42 as never], {})] });"),
    "registers.mjs":
      'import { registerServices } from "shepherd-ts";\nregisterServices([{ provision: ["web"] }]);\n',
  };
  const system = await bootSystem(t, { config: configuration([sleeper("steady")]), files: odd });
  const pid = await system.untilProcess("steady");
  for (const name of Object.keys(odd)) {
    const { status, stderr } = await system.herd("load", "root", name);
    assert.equal(status, 1, name);
    assert.ok(stderr.includes(name), stderr);
  }
  assert.equal(await system.ok("status"), "Started:\n + root\n + steady\n");
  assert.equal((await system.service("steady")).pid, pid);
});
