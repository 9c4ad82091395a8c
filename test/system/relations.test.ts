// Relations between services in a running system: what a configuration says of them holds, also when the daemon is killed.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

/** A service whose start writes its name down, waits for a file and then writes that it is up. */
function gated(name: string, fields = ""): string {
  const script = `echo start-${name} >> {directory}/events; until [ -e {directory}/go-${name} ]; do sleep 0.02; done; echo up-${name} >> {directory}/events`;
  return `service([${JSON.stringify(name)}], {
    start: makeSystemConstructor(${JSON.stringify(script)}), stop: () => { console.log("end of ${name}"); return false; }, ${fields} })`;
}

it("what is taken along comes up in its order, although the daemon is killed at each step", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      'service(["target"], { wants: ["web", "db", "absent"], after: ["web"] })',
      gated("web", 'autoStart: false, after: ["cache"], requirement: ["db"]'),
      gated("db", "autoStart: false"),
      gated("cache", 'autoStart: false, after: ["db"]'),
      'service(["extra"], { wants: ["cache"] })',
    ]),
  });
  for (const name of ["db", "cache", "web"]) {
    await system.waitForFile("events", new RegExp(`start-${name}\n`));
    await system.killDaemon();
    writeFileSync(system.path(`go-${name}`), "");
  }
  await system.untilStatus("target", "running");
  assert.deepEqual(
    system.read("events").trimEnd().split("\n"),
    ["db", "cache", "web"].flatMap((name) => [`start-${name}`, `up-${name}`]),
  );
  await system.stop();
  const order = ["web", "cache", "db"].map((name) => system.log().lastIndexOf(`end of ${name}`));
  assert.ok(order.every((place) => place > 0));
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
});

it("a failure starts what is for it, and stops what is bound, although there is no daemon when it happens", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["db"], { start: ${shell("until [ -e {directory}/fail ]; do sleep 0.02; done; exit 3")}, onFailure: ["alarm"] })`,
      sleeper("app", 'bindsTo: ["db"]'),
      sleeper("alarm", "autoStart: false"),
      sleeper("keeper-of-app", 'upholds: ["helper"]'),
      sleeper("helper", "autoStart: false"),
    ]),
  });
  await system.untilStatus("app", "running");
  const helper = await system.untilProcess("helper");
  const daemon = await system.waitFor("a daemon lives", () => system.daemon());
  // A stopped daemon hears of nothing; killed then, it leaves all of it to the next one.
  process.kill(daemon, "SIGSTOP");
  writeFileSync(system.path("fail"), "");
  system.kill(helper, "SIGKILL");
  await system.waitFor(
    "their processes are gone",
    () => !system.processes().some(({ command }) => command[0] === "/bin/sh") && !system.isAlive(helper),
  );
  process.kill(daemon, "SIGKILL");
  await system.untilStatus("alarm", "running");
  await system.untilStatus("app", "stopped");
  await system.untilProcess("helper", helper);
});

it("what conflicts is stopped first, and a reload goes on to those to which it is propagated", async (t) => {
  const reload = (name: string): string =>
    `actions: [shepherdAction({ name: "reload", procedure: () => console.log("reloaded ${name}") })]`;
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("a", `conflicts: ["b"], propagatesReloadTo: ["c", "idle"], ${reload("a")}`),
      sleeper("b", "autoStart: false"),
      sleeper("c", `propagatesReloadTo: ["a"], ${reload("c")}`),
      sleeper("idle", `autoStart: false, ${reload("idle")}`),
    ]),
  });
  await system.untilStatus("a", "running");
  await system.untilStatus("c", "running");
  const text = await system.ok("reload", "a");
  assert.equal(text, "reloaded a\nreloaded c\n");
  await system.ok("start", "b");
  assert.equal((await system.service("a")).status, "stopped");
  await system.ok("start", "a");
  assert.equal((await system.service("b")).status, "stopped");
});

it("who asks for a service is answered before what it wants has come up", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      'service(["quick"], { autoStart: false, wants: ["slow", "hopeless"] })',
      gated("slow", "autoStart: false"),
      'service(["hopeless"], { autoStart: false, requirement: ["slow"], start: () => false })',
    ]),
  });
  const text = await system.ok("start", "quick");
  assert.match(text, /Service quick has been started\.\n$/);
  assert.equal((await system.service("slow")).status, "starting");
  writeFileSync(system.path("go-slow"), "");
  await system.untilStatus("slow", "running");
  await system.waitForLog(/Service hopeless could not be started\./);
});

it("an order that is a circle holds nothing up", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      sleeper("a", 'after: ["b"]'),
      sleeper("b", 'after: ["c"]'),
      sleeper("c", 'after: ["a"]'),
    ]),
  });
  for (const name of ["a", "b", "c"]) await system.untilStatus(name, "running");
  await system.waitForLog(/The order of starts is a circle, a -> b -> c -> a: c does not wait for a\./);
  await system.stop();
});
